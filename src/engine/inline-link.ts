import type { StopReason } from '../channel/status-page.ts';
import { deliver } from '../blocking/delivery.ts';
import { isThenable } from '../thenable.ts';
import { asError } from '../wire/error-codec.ts';
import type { Clock } from './clock.ts';
import type { LinkEvents } from './events.ts';
import type { WireJob } from './lease-writer.ts';
import type { Lease, Link, WorkerExit } from './task.ts';

/** What is to go wrong; see `faults` of manycore/testing. */
export interface WorkerFaults {
  /** Asked when a worker starts. */
  start(worker: number): { readonly error?: Error; readonly delayMs?: number } | undefined;
  /** Asked when a worker begins its n-th task, from 1. */
  task(worker: number, nth: number): TaskFault | undefined;
}

/** How a task's run is to go wrong. */
export interface TaskFault {
  /** The worker dies this long after the task has begun. */
  readonly killMs?: number;
  /** The task runs this long after it has begun. */
  readonly delayMs?: number;
}

export interface InlineOptions {
  readonly id: number;
  readonly clock: Clock;
  readonly initialize: () => unknown;
  readonly finalize: { readonly run: () => unknown; done(outcome: PromiseSettledResult<unknown>): void } | undefined;
  readonly call: (job: WireJob, arg: unknown, taskId: number, attempt: number, progress: Progress) => InlineCall;
  readonly faults: WorkerFaults | undefined;
}

/** What a task tells of itself. */
export type Progress = (done: number, total: number | undefined) => void;

/** A task that runs in this thread. */
export interface InlineCall {
  readonly result: unknown;
  /** Tells it to stop. */
  abort(why: StopReason): void;
}

interface Running {
  readonly sequence: number;
  readonly sinceMs: number;
  call?: InlineCall;
}

const inPeace: WorkerExit = { exitCode: 0, signal: null, lastWords: '', oomHint: false };
const killed: WorkerExit = { exitCode: null, signal: 'SIGKILL', lastWords: '', oomHint: false };

/** A worker that is no worker: tasks run in this thread, one after the other, values are handed over as they are. */
export class InlineLink implements Link {
  readonly canTakeBack = true;
  readonly #options: InlineOptions;
  readonly #events: LinkEvents;
  #queue: { readonly lease: Lease; readonly sequence: number }[] = [];
  #begun = 0;
  #tasks = 0;
  #up = false;
  #running: Running | undefined;
  #isAwaiting = false;
  #ended = false;

  constructor(options: InlineOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    options.clock.soon(() => this.#boot());
  }

  /** It waits for a promise, which takes the event loop. */
  get isAwaiting(): boolean {
    return this.#isAwaiting;
  }

  #boot(): void {
    const { id, faults } = this.#options;
    const fault = faults?.start(id);
    const begin = (): void => {
      if (fault?.error === undefined) this.#initialize();
      else this.#end({ ...inPeace, exitCode: 1, bootError: fault.error });
    };
    if (fault?.delayMs === undefined) begin();
    else this.#options.clock.after(fault.delayMs, begin);
  }

  #initialize(): void {
    const { clock } = this.#options;
    const sinceMs = clock.now();
    const ready = (): void => {
      if (this.#ended) return;
      this.#up = true;
      this.#events.ready(process.pid, clock.now() - sinceMs);
      this.#run();
    };
    const failed = (error: unknown): void => this.#end({ ...inPeace, bootError: asError(error) });
    this.#settle(this.#options.initialize, ready, failed);
  }

  /** What can be had at once is not waited for: a blocked thread could not. */
  #settle(run: () => unknown, succeed: (value: unknown) => void, fail: (error: unknown) => void): void {
    let value: unknown;
    try {
      value = run();
    } catch (error) {
      return fail(error);
    }
    if (!isThenable(value)) return succeed(value);
    this.#isAwaiting = true;
    const after = (next: (outcome: unknown) => void) => (outcome: unknown) => {
      this.#isAwaiting = false;
      next(outcome);
      this.#run();
    };
    void Promise.resolve(value).then(after(succeed), after(fail));
  }

  send(lease: Lease): { readonly taken: number } {
    for (let i = 0; i < lease.count; i++) this.#queue.push({ lease, sequence: lease.sequence + i });
    return { taken: lease.count };
  }

  flush(): void {
    this.#options.clock.soon(() => this.#run());
  }

  #run(): void {
    const { id, clock, faults } = this.#options;
    while (this.#up && this.#running === undefined && !this.#ended) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      const { lease, sequence } = entry;
      if (sequence < this.#begun) continue;
      this.#begun = sequence + 1;
      const running: Running = (this.#running = { sequence, sinceMs: clock.now() });
      const fault = faults?.task(id, ++this.#tasks);
      if (fault?.killMs === 0) return this.#end(killed);
      if (fault?.killMs !== undefined) clock.after(fault.killMs, () => this.#end(killed));
      if (fault?.delayMs === undefined) this.#call(running, lease);
      else
        clock.after(fault.delayMs, () => {
          this.#call(running, lease);
          this.#run();
        });
    }
  }

  #call(running: Running, lease: Lease): void {
    // What its worker's end has overtaken does not run.
    if (this.#ended) return;
    const { sequence } = running;
    const job = lease.job as WireJob;
    const index = lease.from + sequence - lease.sequence;
    const { values, offset } = job.items(index);
    const progress: Progress = (done, total) => {
      if (this.#running === running && !this.#ended) deliver(() => this.#events.progressed(sequence, done, total));
    };
    const run = (): unknown => {
      running.call = this.#options.call(job, values[offset], job.firstTaskId + index, lease.attempt, progress);
      return running.call.result;
    };
    const succeed = (value: unknown): void => this.#answer(running, () => this.#events.succeeded(sequence, [value]));
    const fail = (error: unknown): void =>
      this.#answer(running, () => this.#events.failed(sequence, asError(error), 'error'));
    this.#settle(run, succeed, fail);
  }

  #answer({ sequence, sinceMs }: Running, report: () => void): void {
    this.#running = undefined;
    if (this.#ended) return;
    deliver(() => {
      this.#events.took(sequence, 1, this.#options.clock.now() - sinceMs);
      report();
      this.#events.settled();
    });
  }

  begun(): number {
    return this.#begun;
  }

  takeBack(next: number): number {
    const first = this.#begun;
    this.#begun = next;
    return first;
  }

  running(): readonly { readonly sequence: number; readonly sinceMs: number }[] {
    return this.#running === undefined ? [] : [this.#running];
  }

  current(): number {
    return this.#begun - 1;
  }

  reading(): undefined {
    return undefined;
  }

  /** A task that waits hears of it; one that computes has this thread to itself. */
  cancel(sequence: number, why: StopReason): void {
    if (this.#running?.sequence === sequence) this.#running.call?.abort(why);
  }

  close(): void {
    const { finalize } = this.#options;
    if (finalize === undefined || !this.#up || this.#ended) return this.#end(inPeace);
    const done = (outcome: PromiseSettledResult<unknown>): void => {
      // One that was ended meanwhile has not finished in peace.
      if (!this.#ended) finalize.done(outcome);
      this.#end(inPeace);
    };
    this.#settle(
      finalize.run,
      (value) => done({ status: 'fulfilled', value }),
      (reason) => done({ status: 'rejected', reason }),
    );
  }

  kill(): void {
    this.#end(inPeace);
  }

  #end(exit: WorkerExit): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.clock.soon(() => this.#events.exited(exit));
  }
}
