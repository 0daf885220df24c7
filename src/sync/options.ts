export { waitingOf } from '../waiting.ts';

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

export const acquireKeys: readonly string[] = ['timeout', 'block', 'signal'];
export const syncAcquireKeys: readonly string[] = ['timeout', 'block'];
export const waitKeys: readonly string[] = ['timeout', 'signal'];
export const syncWaitKeys: readonly string[] = ['timeout'];
