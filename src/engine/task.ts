import type { StopReason } from '../channel/status-page.ts';
import type { Parcel } from '../memory/parcels.ts';
import type { Timing } from './batching.ts';

/** What the engine has to know of a call. */
export interface Terms {
  /** The name of the function, or what the user calls it. */
  readonly name: string;
  /** Each item is a call of its own. */
  readonly separate: boolean;
  readonly timing: Timing;
  /** How long an item may run, from its start on a worker. */
  readonly timeoutMs: number | undefined;
  /** How long an item that was told to stop may go on, before its worker is ended. */
  readonly graceMs: number;
  /** How long an item may wait for its first start. */
  readonly queueTimeoutMs: number | undefined;
  /** How often an item is tried again. */
  readonly retries: number;
  /** How long attempt `n + 1` waits after attempt `n`. */
  readonly retryDelayMs: ((attempt: number) => number) | undefined;
  readonly priority: number;
  /** Jobs of one line are done in the order of arrival; lines take turns. Undefined: the job is a line of its own. */
  readonly line: object | undefined;
  /** Items that stay together and count as one task, or undefined to size batches by run time. */
  readonly chunkSize: number | undefined;
  /** The one worker that may run it, by its id. */
  readonly pinned: number | undefined;
}

/** One call of the user: a number of like tasks, the items, which a surface feeds in and whose outcomes it takes. */
export interface Job {
  readonly terms: Terms;
  /** The task id of item 0; items have consecutive ids. */
  readonly firstTaskId: number;
  /** More items will be added. */
  readonly growing?: boolean;
  /** Takes the results of consecutive items from `from` on. Each item comes here or to `fail`, exactly once. */
  succeed(from: number, values: readonly unknown[]): void;
  fail(index: number, failure: Failure): void;
  /** Whether an item that failed is to be tried again. A job without it has those tried again whose worker was lost. */
  accepts?(index: number, failure: Failure): boolean;
  /** A running item says how far it is. */
  progressed(index: number, done: number, total: number | undefined): void;
}

/** Why an item failed. What it says to the user is the surface's business. */
export type Failure =
  /** The function threw. */
  | { readonly kind: 'error'; readonly error: Error; readonly worker: WorkerIdentity; readonly attempt: number }
  /** The arguments or the result cannot travel. */
  | { readonly kind: 'unsendable'; readonly error: Error; readonly attempt: number }
  | { readonly kind: 'lost'; readonly loss: Loss; readonly attempt: number }
  | { readonly kind: 'poison'; readonly loss: Loss; readonly attempt: number; readonly deaths: number }
  | { readonly kind: 'timeout'; readonly attempt: number; readonly ranMs: number }
  /** It did not begin in time. */
  | { readonly kind: 'late' }
  /** `accepts` threw. */
  | { readonly kind: 'refused'; readonly error: Error }
  | { readonly kind: 'aborted'; readonly reason: unknown }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'ended'; readonly error: Error };

export interface WorkerIdentity {
  readonly workerId: number;
  readonly pid: number | undefined;
}

/** How a worker ended. */
export interface WorkerExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last of what it wrote to stderr, or the error that ended a thread. */
  readonly lastWords: string;
  readonly oomHint: boolean;
  /** Set when we ended it because of what it sent. */
  readonly protocolError?: Error | undefined;
  /** Set when its initializer or its boot failed. */
  readonly bootError?: Error | undefined;
}

/** A worker's end, as the tasks that it had begun see it. */
export interface Loss extends WorkerExit, WorkerIdentity {
  readonly phase: 'boot' | 'dispatch' | 'running' | 'reply';
  /** Why we killed it, in words. */
  readonly killedFor?: string | undefined;
}

/** Consecutive items of one job that wait together. */
export interface Segment {
  readonly job: Job;
  from: number;
  to: number;
  /** The attempt that is to come, from 1. */
  readonly attempt: number;
}

/** Consecutive items that were given to a worker. Item `from + i` has the sequence number `sequence + i` on its channel. */
export interface Lease {
  readonly job: Job;
  readonly attempt: number;
  readonly from: number;
  readonly sequence: number;
  /** How many items it holds; fewer after the rest was taken back. */
  count: number;
  /** Items settled; those below `inOrder` are, others are in `outOfOrder`. */
  settled: number;
  inOrder: number;
  outOfOrder: Set<number> | undefined;
  /** Items (by sequence number) whose outcome was decided without the worker, which may still be at them. */
  abandoned: Set<number> | undefined;
  /** Its worker may not come to it at once. */
  readonly ahead: boolean;
  /** Some of it was moved to its worker, and is nowhere else: it cannot be taken back, nor be sent again. */
  moved: boolean;
  /** What its message has on its way. */
  parcels?: readonly Parcel[];
}

/** What the engine knows of a worker's channel; the real one and the simulated one look alike. */
export interface Link {
  /**
   * Sends the items of a lease, which get the sequence numbers that follow. Returns how many were taken: fewer when the
   * next one cannot be encoded, with its error; none, without one, when what they move must not be sent ahead.
   */
  send(lease: Lease): { readonly taken: number; readonly error?: Error };
  /** Lets what was sent leave. */
  flush(): void;
  /** The first sequence number that the worker has not begun. */
  begun(): number;
  /** Takes back what was not begun: from then on the worker begins nothing below `next`. Returns the first taken back. */
  takeBack(next: number): number;
  /** Whether `takeBack` works, which needs shared memory. */
  readonly canTakeBack: boolean;
  /** What runs, since when (on the engine's clock). */
  running(): readonly { readonly sequence: number; readonly sinceMs: number }[];
  /** The item that a batch was at when the worker died: those before it had ended, those behind it had not begun. */
  current(): number;
  /** The item that the worker was reading, which has not begun, when it died. */
  reading(): number | undefined;
  /** Tells a task to stop, and why. */
  cancel(sequence: number, why: StopReason): void;
  /** Asks the worker to end when it has done what it was sent. */
  close(): void;
  /** Ends the worker: politely (SIGTERM) or at once. */
  kill(force: boolean): void;
}
