import assert from 'node:assert/strict';
import { range, task } from 'manycore';
import { sleep, spin } from '../functions.ts';
import { eachContext, eventually, testPool } from '../matrix.ts';

eachContext((context) => {
  testPool(
    'recycling: workers that are too old are replaced while tasks go on, and each has one before it goes (L6)',
    { context, workers: 2, maxAgePerWorker: 300, test: { limit: 40_000 } },
    async (pool) => {
      let least = Infinity;
      await pool.broadcast(() => 0);
      pool.on('workerExit', () => {
        least = Math.min(least, pool.statistics().workers.filter(({ state }) => state === 'ready').length);
      });
      const first = new Set(await pool.broadcast(() => task().workerId));
      await eventually(async () => {
        const ids = await pool.map(() => task().workerId, range(8), { chunkSize: 1 });
        return ids.every((id) => !first.has(id));
      }, 20_000);
      assert.equal(least, 2, 'no gap');
      const { lost, failed } = pool.statistics();
      assert.deepEqual([lost, failed], [0, 0]);
    },
  );

  testPool(
    'workerIndex: from 0 to n - 1, also after recycling (V496)',
    { context, workers: 2, maxTasksPerChild: 3, test: { limit: 40_000 } },
    async (pool) => {
      const places = await pool.map(
        (ms) => {
          spin(ms);
          return [task().workerIndex, task().workerId] as const;
        },
        new Array<number>(24).fill(5),
        { chunkSize: 1 },
      );
      assert.deepEqual(new Set(places.map(([index]) => index)), new Set([0, 1]));
      assert.ok(new Set(places.map(([, id]) => id)).size >= 8);
    },
  );

  testPool(
    'elastic: a sawtooth of load starts no worker twice that the next tooth needs (S444)',
    { context, min: 2, max: 6, idleTimeout: 3_000, test: { limit: 60_000 } },
    async (pool) => {
      let started = 0;
      pool.on('workerStart', () => started++);
      for (let tooth = 0; tooth < 4; tooth++) {
        await pool.map(sleep, new Array<number>(24).fill(60), { chunkSize: 1 });
        await eventually(() => pool.statistics().workers.every(({ tasks }) => tasks === 0));
      }
      assert.ok(started <= 6, `${started} starts`);
      await eventually(() => pool.statistics().workers.length === 2, 20_000);
      assert.ok(started <= 6, `${started} starts`);
    },
  );
});
