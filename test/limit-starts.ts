import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import workerThreads from 'node:worker_threads';

/** From now on only `count` further workers can be started here, as when the system has no room for more. Returns how to undo that. */
export function limitStarts(count: number): () => void {
  const { spawn } = childProcess;
  const { Worker } = workerThreads;
  let left = count;
  const take = (): void => {
    if (left-- <= 0) throw Object.assign(new Error('EAGAIN: no more workers'), { code: 'EAGAIN' });
  };
  class Limited extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      take();
      super(...args);
    }
  }
  const limited = (...args: Parameters<typeof spawn>): unknown => {
    take();
    return spawn(...args);
  };
  Object.assign(childProcess, { spawn: limited });
  Object.assign(workerThreads, { Worker: Limited });
  syncBuiltinESMExports();
  return () => {
    Object.assign(childProcess, { spawn });
    Object.assign(workerThreads, { Worker });
    syncBuiltinESMExports();
  };
}
