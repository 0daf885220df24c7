import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';

const file = fileURLToPath(new URL('../workers/workerpool.mjs', import.meta.url));

export function open({ workers, workerType }) {
  const pool = workerpool.pool(file, { workerType, minWorkers: workers, maxWorkers: workers });
  return {
    run: (task, argument) => pool.exec(task, [argument]),
    close: () => pool.terminate(),
  };
}
