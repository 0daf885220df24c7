import type { StatusPage, StopReason } from '../channel/status-page.ts';
import { monotonicMs } from '../monotonic.ts';
import type { Answers } from './answers.ts';
import type { Batch } from './batch.ts';
import { shared } from './task-context.ts';
import { TaskState, type TaskHost } from './task-state.ts';
import { isThenable } from '../thenable.ts';

/** Items that begin together take about this long: what a death can cost, and how soon a result can leave. */
const blockMs = 0.1;
const maxBlock = 4_096;

/**
 * Runs batches in order. Synchronous tasks run in blocks without a turn of the event loop between them; an asynchronous one
 * gives way to others only if more than one may run at once. Between batches the event loop has its turn.
 */
export class Loop {
  readonly #page: StatusPage;
  readonly #answers: Answers;
  readonly #concurrency: number;
  readonly #host: TaskHost;
  /** Called when nothing runs and nothing waits. */
  readonly #idle: () => void;
  readonly #batches: Batch[] = [];
  readonly #freeSlots: number[];
  /** The asynchronous tasks under way, by slot. */
  readonly #running = new Map<number, TaskState>();
  /** Items (by sequence number) below this one have begun. */
  #begun = 0;
  #block = 1;
  #pumping = false;
  /** The synchronous task under way; its state is made when somebody asks for it. */
  #batch: Batch | undefined;
  #item = 0;
  #state: TaskState | undefined;
  #stopped = false;

  constructor(page: StatusPage, answers: Answers, concurrency: number, host: TaskHost, idle: () => void) {
    this.#page = page;
    this.#answers = answers;
    this.#concurrency = concurrency;
    this.#host = host;
    this.#idle = idle;
    this.#freeSlots = Array.from({ length: concurrency }, (_, i) => concurrency - 1 - i);
    shared.locate = () => this.#locate();
  }

  get isIdle(): boolean {
    return this.#running.size === 0 && this.#batches.length === 0 && this.#batch === undefined;
  }

  /**
   * No more tasks are begun: an error that belongs to no task has put the worker's state in doubt. What has begun is nobody
   * else's to run, the rest is given up: the host takes it back, or sees this worker end without it.
   */
  stop(): void {
    this.#stopped = true;
    this.pump();
  }

  add(batch: Batch): void {
    this.#batches.push(batch);
    this.pump();
  }

  pump(): void {
    // A task that turns the event loop itself, or a thenable that calls back at once, must not start another one inside.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#running.size < this.#concurrency) {
        const batch = this.#batches[0];
        if (batch === undefined) break;
        if (batch.at >= batch.count || (this.#stopped && batch.sequence + batch.at >= this.#begun)) {
          this.#batches.shift();
          batch.sockets?.drop();
          this.#answers.cut();
        } else if (this.#concurrency === 1 && !batch.timed && !batch.fn.isAsync && batch.sockets === undefined)
          this.#runBlock(batch);
        else this.#runOne(batch);
      }
    } finally {
      this.#pumping = false;
    }
    this.#answers.flush();
    if (this.isIdle) this.#idle();
  }

  /** How many items may run now, having begun; those that were taken back are skipped. */
  #begin(batch: Batch, wanted: number): number {
    const sequence = batch.sequence + batch.at;
    if (sequence < this.#begun) return Math.min(wanted, this.#begun - sequence);
    const count = batch.whole ? batch.count - batch.at : wanted;
    const gone = this.#page.begin(sequence, count);
    batch.at += gone;
    this.#begun = sequence + count;
    return Math.min(wanted, count - gone);
  }

  /** Several synchronous tasks. A function that turns out to return a promise goes on as an asynchronous task. */
  #runBlock(batch: Batch): void {
    const count = this.#begin(batch, Math.min(this.#block, batch.count - batch.at));
    if (count === 0) return;
    const startedMs = monotonicMs();
    this.#page.enter(0, batch.sequence + batch.at, startedMs);
    this.#batch = batch;
    let done = 0;
    for (let left = count; left > 0; left--) {
      const item = batch.at++;
      this.#item = item;
      this.#page.setCurrent(batch.sequence + item);
      let value: unknown;
      let promised: boolean;
      try {
        value = this.#call(batch, item);
        promised = isThenable(value);
      } catch (error) {
        const ms = (monotonicMs() - startedMs) / (done + 1);
        this.#answers.took(ms * done);
        this.#answers.fail(batch.sequence + item, error, ms);
        this.#state = undefined;
        done = 0;
        break;
      }
      if (promised) {
        this.#adopt(batch, item, value as PromiseLike<unknown>);
        return;
      }
      this.#state = undefined;
      this.#answers.succeed(batch.sequence + item, value);
      done++;
    }
    this.#batch = undefined;
    this.#page.leave(0);
    const now = monotonicMs();
    if (done > 0) this.#resize(done, now - startedMs);
    // What comes next may take long, or end this worker.
    this.#answers.flush();
  }

  #resize(done: number, ms: number): void {
    this.#answers.took(ms);
    const timely = Math.floor((blockMs * done) / Math.max(ms, 1e-4));
    this.#block = Math.max(1, Math.min(maxBlock, timely, this.#block * 4));
  }

  #call(batch: Batch, item: number): unknown {
    const { fn, args, begins } = batch;
    const arg = args[item];
    args[item] = undefined;
    // Called without an object: `this` is the function's own business.
    const task = fn.of(batch.separate ? batch.firstTaskId + item : batch.call);
    if (batch.failures?.has(item) === true) throw batch.failures.get(item);
    if (begins !== undefined) for (const begin of begins.get(item) ?? []) begin();
    if (batch.sockets !== undefined) {
      this.#answers.received(batch.sequence + item);
      batch.sockets.begin();
    }
    return batch.spread ? task(...(arg as unknown[])) : task(arg);
  }

  /** One task with a slot and a state of its own. */
  #runOne(batch: Batch): void {
    if (this.#begin(batch, 1) === 0) return;
    // This one may be ended with its worker, and those before it are done.
    if (batch.timed && !batch.fn.isAsync) this.#answers.flush();
    const item = batch.at++;
    const tracked = batch.fn.isAsync || this.#concurrency > 1;
    const state = this.#newState(batch, item, this.#freeSlots.pop()!, tracked);
    this.#page.setCurrent(state.sequence);
    this.#page.enter(state.slot, state.sequence, state.startedMs);
    this.#running.set(state.slot, state);
    this.#batch = batch;
    this.#state = state;
    let value: unknown;
    let promised = false;
    let failed = false;
    try {
      value = tracked ? shared.storage.run(state, () => this.#call(batch, item)) : this.#call(batch, item);
      promised = isThenable(value);
    } catch (error) {
      value = error;
      failed = true;
    }
    this.#batch = this.#state = undefined;
    if (promised) {
      batch.fn.isAsync = true;
      this.#await(state, value as PromiseLike<unknown>);
    } else this.#settle(state, value, failed);
  }

  #newState(batch: Batch, item: number, slot: number, tracked: boolean): TaskState {
    return new TaskState(this.#host, batch.firstTaskId + item, batch.attempt, batch.sequence + item, slot, tracked);
  }

  /** A block met its first promise: that task goes on alone, in the slot that the block had. */
  #adopt(batch: Batch, item: number, value: PromiseLike<unknown>): void {
    batch.fn.isAsync = true;
    const state = this.#state ?? this.#newState(batch, item, 0, false);
    this.#batch = this.#state = undefined;
    this.#freeSlots.pop();
    this.#page.enter(0, state.sequence, state.startedMs);
    this.#running.set(0, state);
    this.#await(state, value);
  }

  #await(state: TaskState, value: PromiseLike<unknown>): void {
    const settle = (outcome: unknown, failed: boolean): void => {
      if (this.#settle(state, outcome, failed)) this.pump();
    };
    // Not `await`: a thenable of the user's may call back at once, more than once, or throw.
    try {
      value.then(
        (result) => (isThenable(result) ? this.#await(state, result) : settle(result, false)),
        (error: unknown) => settle(error, true),
      );
    } catch (error) {
      settle(error, true);
    }
  }

  #settle(state: TaskState, outcome: unknown, failed: boolean): boolean {
    if (!state.running) return false;
    state.running = false;
    this.#running.delete(state.slot);
    this.#page.leave(state.slot);
    this.#freeSlots.push(state.slot);
    const now = monotonicMs();
    if (failed) this.#answers.fail(state.sequence, outcome, now - state.startedMs);
    else {
      this.#answers.succeed(state.sequence, outcome);
      this.#answers.took(now - state.startedMs);
    }
    this.#answers.flushIfDue(now);
    return true;
  }

  /** The context of the synchronous task under way, or of the only asynchronous one. */
  #locate(): TaskState | undefined {
    if (this.#state !== undefined) return this.#state;
    const batch = this.#batch;
    if (batch !== undefined) {
      const item = this.#item;
      return (this.#state = this.#newState(batch, item, 0, false));
    }
    return this.#concurrency === 1 ? this.#running.values().next().value : undefined;
  }

  /**
   * An error that nobody caught. It fails the task in whose asynchronous context it was thrown, if that still runs; returns
   * false when it belongs to none. A task without a context of its own, the first of its function, is the suspect otherwise.
   */
  blame(error: unknown): boolean {
    const owner = shared.storage.getStore();
    for (const state of this.#running.values()) {
      if (owner === state || (owner === undefined && !state.tracked)) return this.#settle(state, error, true);
    }
    return false;
  }

  /** A task is to stop: its signal fires. */
  cancel(sequence: number, why: StopReason): void {
    for (const state of this.#running.values()) if (state.sequence === sequence) state.abort(why);
  }
}
