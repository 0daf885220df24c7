import type { FunctionHandle } from '../engine/functions.ts';
import type { WireTerms } from '../engine/lease-writer.ts';
import { stopGraceMs } from '../limits.ts';
import type { CallOptions } from './options.ts';
import { retryTerms, type RetryTerms } from './retries.ts';

/** What a task told by `task().progress(done, total)`. */
export interface TaskProgress {
  /** The task's number within its pool. */
  readonly id: number;
  readonly name: string;
  /** The index of its input; undefined for a single call. */
  readonly index: number | undefined;
  readonly done: number;
  readonly total: number | undefined;
}

/** What all jobs of the surfaces have in common: the function, the options of the call, and where it was made. */
export interface Call extends WireTerms, RetryTerms {
  readonly method: string;
  readonly signal: AbortSignal | undefined;
  readonly report: (progress: TaskProgress) => void;
  /** What a worker's number in messages is the number of. */
  readonly unit: 'pid' | 'thread';
  /** The stack at the call, from the user's line on. */
  readonly site: string;
}

export function newCall(
  pool: { readonly report: (progress: TaskProgress) => void; readonly unit: 'pid' | 'thread' },
  method: string,
  fn: FunctionHandle,
  spread: boolean,
  options: CallOptions & { readonly chunkSize?: number | undefined; readonly separate?: boolean },
  site: string,
): Call {
  return {
    method,
    name: options.name ?? fn.name,
    fn,
    timing: fn.timing,
    spread,
    separate: options.separate === true,
    timeoutMs: options.timeout === Infinity ? undefined : options.timeout,
    graceMs: options.grace ?? stopGraceMs,
    queueTimeoutMs: options.queueTimeout === Infinity ? undefined : options.queueTimeout,
    ...retryTerms(options.retries),
    priority: options.priority ?? 0,
    line: options.separate === true ? pool : undefined,
    chunkSize: options.chunkSize,
    pinned: undefined,
    signal: options.signal,
    report: pool.report,
    unit: pool.unit,
    site,
  };
}
