/** What the pool, the user and the display say to each other about progress (types only). */

/** Plain numbers that the pool changes while it works; the display reads them ten times a second and nothing is called per item. */
export interface ProgressCounters {
  /** Items of the call; undefined while it is unknown, for iterables that have not ended. */
  total: number | undefined;
  /** Items that are settled, the failed ones included. */
  done: number;
  failed: number;
  /** Workers that have an item of this call. */
  running: number;
  workers: number;
}

/** What a progress callback is given. */
export interface ProgressSnapshot {
  readonly label: string;
  /** Items that are settled, the failed ones included. */
  readonly done: number;
  readonly total: number | undefined;
  readonly failed: number;
  /** 0 to 100, with what tasks reported by `task().progress()`; undefined while the total is unknown. */
  readonly percent: number | undefined;
  /** Smoothed over the last quarter of the run, at least five seconds; the average of the whole run when finished. */
  readonly ratePerSecond: number;
  readonly etaMs: number | undefined;
  readonly elapsedMs: number;
  /** Workers that have an item of this call, of so many. */
  readonly running: number;
  readonly workers: number;
  /** True in the last snapshot, and only there. */
  readonly finished: boolean;
}

/** Where progress goes: `process.stderr`, or anything with a `write`. With `isTTY` a bar is drawn, else plain lines are written. */
export interface ProgressStream {
  readonly write: (text: string, callback?: (error?: Error | null) => void) => unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** The `progress` option in full. */
export interface ProgressOptions {
  /** What stands before the bar; the name of the function by default. */
  label?: string | undefined;
  /** `process.stderr` by default. */
  stream?: ProgressStream | undefined;
  /** Milliseconds between two updates, 100 by default. */
  interval?: number | undefined;
  /** Is called with each update as well. */
  onUpdate?: ((snapshot: ProgressSnapshot) => void) | undefined;
}

/** The `progress` option: a bar (`true`, a label, options), or a function that is called instead of drawing one. */
export type ProgressOption = boolean | string | ProgressOptions | ((snapshot: ProgressSnapshot) => void);

/** How a call ended: an error that ended the whole call is `failed`, failed items alone are not. */
export type ProgressOutcome = 'done' | 'failed' | 'cancelled';

export interface ProgressHandle {
  /** The sum of what the running items say is done of them, each 0 to 1. */
  fraction: number;
  /** Shows the last state for good; all after the first call are ignored. */
  stop(outcome: ProgressOutcome): void;
}
