import { fileURLToPath } from 'node:url';
import { Worker } from 'jest-worker';

const file = fileURLToPath(new URL('../workers/named.mjs', import.meta.url));
const exposedMethods = ['busy', 'countPrimes', 'echo', 'square'];

export function open({ workers, enableWorkerThreads }) {
  const pool = new Worker(file, { numWorkers: workers, enableWorkerThreads, exposedMethods });
  return {
    run: (task, argument) => pool[task](argument),
    close: () => pool.end(),
  };
}
