import assert from 'node:assert/strict';
import type { Pool } from 'manycore';
import { range, task } from 'manycore';
import { sleep } from '../functions.ts';
import { eachContext, eventually, testPool } from '../matrix.ts';

const size = (pool: Pool): number => pool.statistics().workers.length;
const ready = (pool: Pool): number => pool.statistics().workers.filter(({ state }) => state === 'ready').length;

eachContext((context) => {
  testPool(
    'elastic: three at rest, grows under load, and shrinks again (S444)',
    { context, min: 2, max: 6, idleTimeout: 200, test: { limit: 40_000 } },
    async (pool) => {
      assert.deepEqual(await pool.map(sleep, [1, 1], { chunkSize: 1 }), [1, 1]);
      assert.equal(size(pool), 2);
      const all = pool.map(
        sleep,
        range(40)
          .toArray()
          .map(() => 100),
        { chunkSize: 1 },
      );
      await eventually(() => ready(pool) === 6, 10_000);
      await all;
      await eventually(() => size(pool) === 2, 10_000);
      assert.equal(await pool.apply(sleep, [1]), 1);
    },
  );

  testPool(
    'elastic: none at rest, one when there is work, none again (S440, S442)',
    { context, min: 0, max: 2, idleTimeout: 50 },
    async (pool) => {
      assert.equal(size(pool), 0);
      for (let i = 0; i < 3; i++) {
        assert.equal(await pool.apply((x: number) => x, [i]), i);
        await eventually(() => size(pool) === 0);
      }
    },
  );

  testPool(
    'elastic: an idle time of almost nothing loses no task (S441)',
    { context, min: 0, max: 2, idleTimeout: 1, test: { limit: 40_000 } },
    async (pool) => {
      for (let i = 0; i < 10; i++) {
        const big = Array.from({ length: 1_000 }, (_, n) => ({ n }));
        assert.equal(await pool.apply((list: unknown[]) => list.length, [big]), 1_000);
        await sleep(i % 3);
      }
    },
  );

  testPool(
    'resize: after all workers have ended as they were idle, and while some are about to (S439)',
    { context, min: 0, max: 4, idleTimeout: 60, test: { limit: 40_000 } },
    async (pool) => {
      const inTurn = (count: number): Promise<number[]> =>
        pool.map(sleep, new Array<number>(count).fill(40), { chunkSize: 1 });
      await inTurn(8);
      assert.ok(size(pool) > 1, 'it has grown');
      await eventually(() => size(pool) === 0);
      pool.resize({ min: 0, max: 2 });
      let most = 0;
      pool.on('workerStart', () => (most = Math.max(most, size(pool))));
      assert.equal((await inTurn(8)).length, 8);
      assert.ok(most <= 2, `${most} workers`);
      // When the first of the two has gone the other one is about to.
      await eventually(() => size(pool) < 2);
      pool.resize(3);
      await eventually(() => ready(pool) === 3 && size(pool) === 3);
      assert.equal((await inTurn(6)).length, 6);
      pool.resize({ min: 0, max: 1 });
      await eventually(() => size(pool) === 0);
      assert.equal(await pool.apply(sleep, [1]), 1);
    },
  );

  testPool(
    'resize: up and down, at rest and at work (S434, S435, S437)',
    { context, workers: 2, test: { limit: 60_000 } },
    async (pool) => {
      const before = await pool.broadcast(() => task().workerId);
      pool.resize(2);
      assert.deepEqual(await pool.broadcast(() => task().workerId), before, 'the same size restarts nothing');
      pool.resize(1);
      await eventually(() => size(pool) === 1);
      assert.ok(before.includes(await pool.apply(() => task().workerId)), 'one of the old ones stays');
      for (const count of [5, 2, 1, 4, 1, 3]) {
        const results = pool.map((x: number) => x * x, range(200), { chunkSize: 3 });
        pool.resize(count);
        assert.deepEqual(
          await results,
          Array.from({ length: 200 }, (_, i) => i * i),
        );
      }
      await eventually(() => ready(pool) === 3 && size(pool) === 3);
      pool.resize({ min: 1, max: 4 });
      assert.equal(await pool.apply(sleep, [1]), 1);
    },
  );

  testPool('resize: right after a worker was lost (S438)', { context, workers: 2 }, async (pool) => {
    await pool.apply(() => process.exit(1)).catch(() => undefined);
    pool.resize(3);
    await eventually(() => ready(pool) === 3);
    assert.deepEqual(await pool.map((x: number) => x, range(5)), [0, 1, 2, 3, 4]);
  });

  testPool(
    'concurrency: one worker runs several asynchronous tasks at once, each with its own context',
    { context, workers: 1, concurrency: 8 },
    async (pool) => {
      const ids = await pool.map(
        async () => {
          const { id } = task();
          const here = globalThis as { together?: number };
          here.together = (here.together ?? 0) + 1;
          while (here.together < 8) await new Promise((resolve) => setTimeout(resolve, 1));
          return [id, task().id];
        },
        range(8),
        { chunkSize: 1 },
      );
      for (const [before, after] of ids) assert.equal(before, after);
      assert.equal(new Set(ids.map(([id]) => id)).size, 8);
    },
  );

  testPool(
    'maxMemoryPerWorker: a worker that grew is replaced after its task (S447)',
    { context, workers: 1, maxMemoryPerWorker: 150 * 2 ** 20, test: { limit: 40_000 } },
    async (pool) => {
      const first = await pool.apply(() => {
        const { workerId } = task();
        // Above the limit, below twice the limit.
        (globalThis as { hoard?: unknown }).hoard = Buffer.alloc(140 * 2 ** 20, 1);
        return workerId;
      });
      await eventually(async () => (await pool.apply(() => task().workerId)) !== first, 20_000);
    },
  );
});
