import type { AsyncLocalStorage } from 'node:async_hooks';
import { deliver } from '../blocking/delivery.ts';
import { afterTick } from '../blocking/later.ts';
import { Functions, type AnyFunction, type FunctionHandle } from '../engine/functions.ts';
import type { WireJob } from '../engine/lease-writer.ts';
import { AbortError, NestingError, PoolClosedError, PoolTerminatedError, type ManycoreError } from '../errors.ts';
import { programEnd } from '../program/index.ts';
import { whenAborted } from './abort-signals.ts';
import { carrying } from './carry.ts';
import type { Backend } from './backend.ts';
import type { Call, TaskProgress } from './call.ts';
import { shortSite } from './call-site.ts';
import { isWithin } from './inline.ts';
import { checkFunction } from '../arguments.ts';
import { type PoolOptions } from './options.ts';
import type { Series } from './series.ts';

/** Work is handed out at the latest after this many calls, not only at the end of the tick. */
const maxUndispatched = 1_024;

/** More task numbers than a call with an unknown number of items can need. */
const manyTaskIds = 1_000_000;

/** A call that goes on reading its input, or whose results are taken as they come: it is told when the pool ends before it. */
export interface OpenCall {
  abort(error: Error): void;
  /** Reads no more input: what comes after the results of what was read is this error. */
  endInput(error: Error): void;
}

/** What all kinds of calls of a pool share: the engine, the task numbers, and when work is handed out. */
export class Submissions {
  readonly backend: Backend;
  readonly options: PoolOptions;
  readonly noun: 'pool' | 'executor';
  /** Calls whose results are taken as they come. */
  readonly streams: Set<OpenCall>;
  readonly report: (progress: TaskProgress) => void;
  /** The series that further single calls may join. */
  series: Series | undefined;
  lastTaskId = 0;
  #undispatched = 0;
  #scheduled = false;

  constructor(
    backend: Backend,
    options: PoolOptions,
    report: (progress: TaskProgress) => void,
    noun: 'pool' | 'executor' = 'pool',
    streams: Set<OpenCall> = new Set(),
  ) {
    this.streams = streams;
    this.backend = backend;
    this.noun = noun;
    this.options = options;
    this.report = report;
  }

  get unit(): 'pid' | 'thread' {
    return this.backend.context === 'thread' ? 'thread' : 'pid';
  }

  get workers(): number {
    return this.backend.engine.max;
  }

  /** Throws when the pool takes no more work, or `fn` is no function. */
  check(method: string, fn: unknown): void {
    const { state, broken } = this.backend.engine;
    if (broken !== undefined) throw broken;
    if (state !== 'running' || programEnd.exiting) throw this.closedError(method);
    if (this.backend.context === 'inline' && this.workers === 1 && isWithin(this.backend)) {
      const why = 'a pool without workers runs one task after the other, and this one would wait for itself';
      throw new NestingError(`Cannot call ${method} in a task of its own pool: ${why}. Call the function.`);
    }
    checkFunction('the function', fn);
  }

  closedError(method: string): PoolClosedError {
    if (this.noun === 'executor') {
      // Python's words, for those who search for them.
      const why = programEnd.exiting ? 'after interpreter shutdown: the program ends' : 'after shutdown';
      return new PoolClosedError(`Cannot call ${method}: cannot schedule new futures ${why}.`);
    }
    const { state } = this.backend.engine;
    if (state === 'running') return new PoolClosedError(`Cannot call ${method}: the program ends.`);
    const how = state === 'closing' ? 'closed' : 'terminated';
    return new PoolClosedError(`Cannot call ${method}: the pool was ${how} and takes no more work.`);
  }

  handleOf(fn: AnyFunction, carry: readonly AsyncLocalStorage<unknown>[] = []): FunctionHandle {
    if (carry.length === 0) return this.#handleOf(fn);
    const { name, timing } = this.#handleOf(fn);
    return { ...this.#handleOf(carrying(fn, carry)), name, timing };
  }

  #handleOf(fn: AnyFunction): FunctionHandle {
    return this.backend.context === 'inline' ? Functions.inline(fn) : this.backend.functions.handleOf(fn);
  }

  /** The first of `count` consecutive task numbers; without one, of more than are needed. */
  taskIds(count: number = manyTaskIds): number {
    this.series = undefined;
    const first = this.lastTaskId + 1;
    this.lastTaskId += count;
    return first;
  }

  /** A call with an unknown number of items turned out to have `used`: it gives the rest back, if nobody has got later numbers. */
  giveBackTaskIds(first: number, used: number): void {
    if (this.lastTaskId === first + manyTaskIds - 1) this.lastTaskId = first + Math.max(1, used) - 1;
  }

  add(job: WireJob, from: number, to: number): void {
    this.backend.engine.add(job, from, to);
    this.dispatchSoon();
  }

  /** Hands work out at the end of the tick, so that what is submitted together travels together. */
  dispatchSoon(): void {
    if (++this.#undispatched >= maxUndispatched) return this.dispatch();
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterTick(() => {
      this.#scheduled = false;
      this.dispatch();
    });
  }

  dispatch(): void {
    this.#undispatched = 0;
    deliver(() => this.backend.engine.dispatch());
  }

  /** Gives a job up when its call's signal says so. Returns how to stop listening. */
  abortWithSignal(job: WireJob & { readonly terms: Call }, abort?: (error: Error) => void): () => void {
    const { method, name, signal } = job.terms;
    if (signal === undefined) return () => undefined;
    const onAbort = (): void => {
      abort?.(new AbortError(`${method}(${name}) was aborted.`, { cause: signal.reason }));
      this.backend.engine.withdraw(job, { value: signal.reason });
    };
    return whenAborted(signal, onAbort);
  }

  /** `left`: nobody asked for its end but the block that it was made for, which may not have awaited what it called. */
  #terminatedError(left: boolean): ManycoreError {
    const { engine } = this.backend;
    const open = engine.owed;
    // Every job of a pool is a call of it.
    const call = engine.unfinished()?.terms as Call | undefined;
    const site = call === undefined ? undefined : shortSite(call.site);
    const place =
      site === undefined ? '' : left ? ` Did you forget \`await\` at ${site}?` : ` The first was called at ${site}.`;
    const ended = left ? 'ended' : 'was terminated';
    return new PoolTerminatedError(
      `The ${this.noun} ${ended} while ${open} ${open === 1 ? 'task was' : 'tasks were'} not done.${place}`,
    );
  }

  terminate({ force = false, left = false }: { readonly force?: boolean; readonly left?: boolean } = {}): void {
    const error = this.#terminatedError(left);
    this.abortStreams(error);
    this.backend.engine.terminate(error, force);
  }

  abortStreams(error: Error): void {
    for (const stream of this.streams) stream.abort(error);
  }
}
