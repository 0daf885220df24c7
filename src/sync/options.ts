import { checkKeys, show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import type { Waiting } from '../waiting.ts';

/** How long to wait. */
export interface WaitOptions {
  /** The longest wait, in milliseconds; 0 or less: none. Default: as long as it takes. */
  readonly timeout?: number;
  /** Gives the wait up. */
  readonly signal?: AbortSignal;
}

/** How long to wait for a lock. */
export interface AcquireOptions extends WaitOptions {
  /** False: do not wait, whatever `timeout` says. Default true. */
  readonly block?: boolean;
}

/** The same for a call that blocks its thread, where no signal could be heard. */
export type SyncWaitOptions = Pick<WaitOptions, 'timeout'>;
/** How long to wait for a lock in a call that blocks its thread. */
export type SyncAcquireOptions = Pick<AcquireOptions, 'timeout' | 'block'>;

const forever: Waiting = {};

export function waitingOf(what: string, options: AcquireOptions | undefined, known: readonly string[]): Waiting {
  if (options === undefined) return forever;
  checkKeys(what, options, known);
  const { timeout, signal, block = true } = options;
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout)))
    throw new ArgumentTypeError(`Cannot use timeout ${show(timeout)}: expected milliseconds.`);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentTypeError(`Cannot use ${show(signal)} as signal: expected an AbortSignal.`);
  return { timeout: block ? timeout : 0, signal };
}

export const acquireKeys: readonly string[] = ['timeout', 'block', 'signal'];
export const syncAcquireKeys: readonly string[] = ['timeout', 'block'];
export const waitKeys: readonly string[] = ['timeout', 'signal'];
export const syncWaitKeys: readonly string[] = ['timeout'];
