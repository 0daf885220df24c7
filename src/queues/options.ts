import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { suggest } from '../suggest.ts';
import type { Waiting } from '../waiting.ts';

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
const asyncKeys = [...syncKeys, 'signal'];

/** For how many milliseconds to wait; undefined: for ever. */
export function timeoutOf(
  options: SyncQueueOptions | undefined,
  known: readonly string[] = syncKeys,
): number | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null)
    throw new ArgumentTypeError('The options of a wait are an object, such as { timeout: 1_000 } (milliseconds).');
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const hint = suggest(key, known);
    throw new ArgumentTypeError(`Unknown option "${key}"${hint === undefined ? '' : `: did you mean "${hint}"?`}`);
  }
  const { block = true, timeout } = options;
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout)))
    throw new ArgumentTypeError(`Cannot wait for ${String(timeout)}: expected milliseconds.`);
  if (!block) return 0;
  // Longer ones a timer takes for none.
  return timeout === undefined || timeout > 2 ** 31 - 1 ? undefined : Math.max(0, timeout);
}

export function waitingOf(options: QueueOptions | undefined): Waiting {
  if (options === undefined) return forEver;
  return { timeout: timeoutOf(options, asyncKeys), signal: options.signal };
}

const forEver: Waiting = {};

/** A count or an offset. */
export function wholeNumber(value: number, name: string, least = 0): number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`Cannot use ${String(value)} as ${name}: expected a number.`);
  if (!Number.isSafeInteger(value) || value < least)
    throw new ArgumentRangeError(`Cannot use ${value} as ${name}: expected a whole number from ${least} on.`);
  return value;
}
