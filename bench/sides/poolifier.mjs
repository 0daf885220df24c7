import { fileURLToPath } from 'node:url';
import { FixedThreadPool } from 'poolifier';

const file = fileURLToPath(new URL('../workers/poolifier.mjs', import.meta.url));

export function open({ workers }) {
  const pool = new FixedThreadPool(workers, file);
  return {
    run: (task, argument) => pool.execute(argument, task),
    close: () => pool.destroy(),
  };
}
