/** What `scenarios/locks.mjs` asks of manycore. */
import { Lock, Process, RawArray, Semaphore, SharedEvent } from '../../dist/index.js';
import { cpuMs } from '../lib/processes.mjs';

export const locksOf = (context) => ({
  /** Nanoseconds of each of so many. */
  free(count) {
    const lock = new Lock();
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      lock.acquireSync();
      lock.release();
    }
    return ((performance.now() - start) / count) * 1e6;
  },
  async contended(each) {
    const lock = new Lock();
    const [ready, done, go] = [new Semaphore(0), new Semaphore(0), new SharedEvent()];
    const total = RawArray('i32', 1);
    const args = [lock, total, ready, go, done, each];
    const children = [1, 2].map(() => new Process({ target: add, args, context }).start());
    for (const _ of children) await ready.acquire();
    const start = performance.now();
    go.set();
    for (const _ of children) await done.acquire();
    const ms = performance.now() - start;
    for (const child of children) await child.join();
    return { ms, total: total.array[0] };
  },
  /** CPU time while so many wait, in milliseconds. */
  async waiters(count, ms) {
    const lock = new Lock();
    const [held, over] = [new SharedEvent(), new SharedEvent()];
    const child = new Process({ target: hold, args: [lock, held, over], context }).start();
    await held.wait();
    const waits = Array.from({ length: count }, () => lock.run(() => {}));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const before = cpuMs(process.pid);
    await new Promise((resolve) => setTimeout(resolve, ms));
    const spent = cpuMs(process.pid) - before;
    over.set();
    await Promise.all(waits);
    await child.join();
    return spent;
  },
});

function add(lock, total, ready, go, done, count) {
  const { array } = total;
  ready.release();
  go.waitSync();
  for (let i = 0; i < count; i++) {
    lock.acquireSync();
    array[0]++;
    lock.release();
  }
  done.release();
}

async function hold(lock, held, over) {
  await lock.run(() => {
    held.set();
    return over.wait();
  });
}
