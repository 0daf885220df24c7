/** The one file that knows manycore's API. */
import { Manager, Pool, Process, ThreadPool } from '../../dist/index.js';
import { ProcessPoolExecutor, ThreadPoolExecutor } from '../../dist/futures.js';
import { busy, countPrimes } from '../tasks.mjs';
import { controlOf } from './manycore-control.mjs';
import { locksOf } from './manycore-locks.mjs';
import { queuesOf } from './manycore-queues.mjs';

// Functions of this file go to the workers as they are, with what they use of other files: there is no worker file.
const functions = {
  square: (x) => x * x,
  echo: (value) => value,
  busy: (ms) => busy(ms),
  countPrimes: (range) => countPrimes(range),
};

export function open({ workers, context }) {
  const pool = context === 'thread' ? new ThreadPool(workers) : new Pool(workers);
  // Has no worker before the first call.
  const executor = context === 'thread' ? new ThreadPoolExecutor(workers) : new ProcessPoolExecutor(workers);
  return {
    run: (task, argument) => pool.applyAsync(functions[task], [argument]),
    map: (task, items) => pool.map(functions[task], items),
    imap: (task, items) => pool.imap(functions[task], items),
    submit: (task, argument) => executor.submit(functions[task], argument),
    queues: queuesOf(context),
    locks: locksOf(context),
    control: controlOf(context),
    dict: context === 'thread' ? undefined : openDict,
    close: () => Promise.all([pool.terminate(), executor.shutdown()]),
  };
}

async function openDict() {
  const manager = new Manager();
  await manager.start();
  const dict = manager.dict();
  return { set: (key, value) => dict.set(key, value), get: (key) => dict.get(key), close: () => manager.shutdown() };
}

export async function whole({ context }) {
  const one = new Process({ target: () => {}, context }).start();
  await one.join();
  return one.exitCode;
}
