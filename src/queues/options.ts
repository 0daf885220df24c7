import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { type Waiting, waitingOf as readOptions } from '../waiting.ts';

/** How long a call waits. */
export interface SyncQueueOptions {
  /** False: it does not wait. Default true. */
  readonly block?: boolean;
  /** Milliseconds; without it there is no limit. */
  readonly timeout?: number;
}

/** How long a call that blocks nothing waits. */
export interface QueueOptions extends SyncQueueOptions {
  /** Gives the wait up. */
  readonly signal?: AbortSignal;
}

const syncKeys = ['block', 'timeout'];
const keys = [...syncKeys, 'signal'];

export function waitingOf(what: string, options: QueueOptions | undefined): Waiting {
  return readOptions(what, options, keys);
}

/** For how many milliseconds to wait; undefined: for ever. */
export function timeoutOf(what: string, options: SyncQueueOptions | undefined): number | undefined {
  return readOptions(what, options, syncKeys).timeout;
}

/** A count or an offset. */
export function wholeNumber(value: number, name: string, least = 0): number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`Cannot use ${String(value)} as ${name}: expected a number.`);
  if (!Number.isSafeInteger(value) || value < least)
    throw new ArgumentRangeError(`Cannot use ${value} as ${name}: expected a whole number from ${least} on.`);
  return value;
}
