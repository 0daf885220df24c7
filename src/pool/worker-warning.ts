import type { BackendEvents } from './backend.ts';

/** For whoever does not listen: an error that no task caught must not pass unseen. */
export function warnOfWorkerError(...[error, { id, pid }]: Parameters<BackendEvents['workerError']>): void {
  process.emitWarning(
    `Worker ${id} (pid ${String(pid)}) had an error that no task caught and is replaced: ${error.stack ?? error.message}`,
    'ManycoreWarning',
  );
}
