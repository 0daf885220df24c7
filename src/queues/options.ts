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

/** The same of what does not wait unless it is told to. */
export function pollingOf(what: string, options: QueueOptions | undefined): Waiting {
  const waiting = waitingOf(what, options);
  return options?.timeout === undefined ? { ...waiting, timeout: 0 } : waiting;
}

export function pollTimeoutOf(what: string, options: SyncQueueOptions | undefined): number | undefined {
  const timeout = timeoutOf(what, options);
  return options?.timeout === undefined ? 0 : timeout;
}
