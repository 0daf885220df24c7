/** How long manycore takes to have a task that never yields gone: see `scenarios/control.mjs`. */
import { once } from 'node:events';
import { Pool } from '../../dist/index.js';

const forever = () => {
  for (;;);
};
/** Ends its worker, and tells when. */
const die = (clock) => {
  clock[0] = performance.timeOrigin + performance.now();
  process.exit(1);
};
const now = () => performance.timeOrigin + performance.now();

export const controlOf = (context) => ({
  /** From the moment at which the task's time and grace are over to the end of its worker. */
  overshoot: (count) =>
    repeated(context, count, async (pool) => {
      const start = performance.now();
      const call = pool.apply(forever, [], { timeout: 30, grace: 20 });
      await Promise.all([failed(call), once(pool, 'workerExit')]);
      return performance.now() - start - 50;
    }),
  /** From `abort()` to the rejection and the end of the worker. */
  cancel: (count) =>
    repeated(context, count, async (pool) => {
      const stop = new AbortController();
      const call = failed(pool.apply(forever, [], { signal: stop.signal, grace: 0 }));
      await running(pool, 1);
      const start = performance.now();
      stop.abort();
      await Promise.all([call, once(pool, 'workerExit')]);
      return performance.now() - start;
    }),
  /** From the death of a worker, by SIGKILL or (a thread) by its own hand, to the rejection of its task. */
  death: (count) =>
    repeated(context, count, async (pool) => {
      const clock = new Float64Array(new SharedArrayBuffer(8));
      const call = failed(context === 'thread' ? pool.apply(die, [clock]) : pool.apply(forever));
      if (context === 'process') {
        await running(pool, 1);
        clock[0] = now();
        process.kill(pool.statistics().workers[0].pid, 'SIGKILL');
      }
      await call;
      return now() - clock[0];
    }),
  /** `terminate()` with two busy workers. */
  async terminate(count) {
    const times = [];
    for (let i = 0; i < count; i++) {
      const pool = new Pool({ workers: 2, context });
      await pool.broadcast(() => 0);
      const calls = [failed(pool.apply(forever)), failed(pool.apply(forever))];
      await running(pool, 2);
      const start = performance.now();
      await pool.terminate();
      times.push(performance.now() - start);
      await Promise.all(calls);
    }
    return times;
  },
});

async function repeated(context, count, once) {
  const pool = new Pool({ workers: 1, context });
  try {
    const times = [];
    for (let i = 0; i < count; i++) {
      // The replacement is up.
      await pool.apply(() => 0);
      times.push(await once(pool));
    }
    return times;
  } finally {
    await pool.terminate();
  }
}

async function running(pool, count) {
  while (pool.statistics().running < count) await new Promise(setImmediate);
}

async function failed(call) {
  let value;
  try {
    value = await call;
  } catch {
    return;
  }
  throw new Error(`wrong: a task that must fail gave ${value}`);
}
