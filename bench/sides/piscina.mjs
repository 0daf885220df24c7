import { FixedQueue, Piscina } from 'piscina';

const filename = new URL('../workers/named.mjs', import.meta.url).href;

export function open({ workers, tuned }) {
  const pool = new Piscina({
    filename,
    minThreads: workers,
    maxThreads: workers,
    ...(tuned && { taskQueue: new FixedQueue(), concurrentTasksPerWorker: 64, recordTiming: false }),
  });
  return {
    run: (name, argument) => pool.run(argument, { name }),
    close: () => pool.destroy(),
  };
}
