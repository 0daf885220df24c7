import { Tinypool } from 'tinypool';

const filename = new URL('../workers/named.mjs', import.meta.url).href;

export function open({ workers, runtime }) {
  const pool = new Tinypool({ filename, runtime, minThreads: workers, maxThreads: workers });
  return {
    run: (name, argument) => pool.run(argument, { name }),
    close: () => pool.destroy(),
  };
}
