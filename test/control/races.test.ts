import assert from 'node:assert/strict';
import { setImmediate as nextTurn, setTimeout as sleepFor } from 'node:timers/promises';
import { AbortError, Pool, PoolClosedError, TaskTimeoutError } from 'manycore';
import { sleep } from '../functions.ts';
import { eachContext, testClean, testPool } from '../matrix.ts';

/** The races of test/engine/races.test.ts, with real workers and real time: nothing is lost, nothing is settled twice. */

/** Numbers that are the same in each run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

eachContext((context) => {
  testPool(
    'race: tasks end when their timeouts are over, 1,000 times (E2)',
    { context, workers: 2, concurrency: 4, test: { limit: 60_000 } },
    async (pool) => {
      const random = numbers(1);
      const waits = Array.from({ length: 1_000 }, () => 3 + Math.round(random() * 4));
      let told = 0;
      const outcomes = await Promise.allSettled(
        waits.map((ms) =>
          pool.applyAsync(sleep, [ms], {
            timeout: 5,
            grace: 5_000,
            callback: () => told++,
            errorCallback: () => told++,
          }),
        ),
      );
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') assert.equal(outcome.value, waits[i]);
        else assert.ok(outcome.reason instanceof TaskTimeoutError);
      }
      const { succeeded, failed, lost } = pool.statistics();
      assert.deepEqual([told, succeeded + failed, lost], [1_000, 1_000, 0]);
    },
  );

  testPool(
    'race: calls are aborted when they start, 1,000 times (E4)',
    { context, workers: 2, test: { limit: 60_000 } },
    async (pool) => {
      const random = numbers(2);
      await pool.broadcast(() => 0);
      let told = 0;
      const calls = Array.from({ length: 1_000 }, async (_, i) => {
        await sleepFor(i / 2);
        const stop = new AbortController();
        const result = pool.applyAsync(sleep, [1], {
          signal: stop.signal,
          callback: () => told++,
          errorCallback: () => told++,
        });
        const lot = random();
        if (lot < 0.5) setImmediate(() => stop.abort());
        else setTimeout(() => stop.abort(), lot * 4);
        return result;
      });
      for (const outcome of await Promise.allSettled(calls))
        assert.ok(outcome.status === 'fulfilled' ? outcome.value === 1 : outcome.reason instanceof AbortError);
      const { succeeded, failed, lost } = pool.statistics();
      assert.deepEqual([told, succeeded + failed, lost], [1_000, 1_002, 0]);
    },
  );

  // Who expires is started again, and a process takes 40 ms to start.
  const expiries = context === 'thread' ? 1_000 : 250;
  testPool(
    `race: workers have been idle for long enough when work comes, ${expiries} times (C18)`,
    { context, min: 0, max: 2, idleTimeout: 4, test: { limit: 120_000 } },
    async (pool) => {
      const random = numbers(3);
      for (let i = 0; i < expiries / 2; i++) {
        const two = [pool.apply((x: number) => x, [i]), pool.apply((x: number) => x, [-i])];
        assert.deepEqual(await Promise.all(two), [i, -i]);
        await sleepFor(2 + Math.round(random() * 2));
      }
    },
  );

  testClean('race: 1,000 calls are made when their pools are closed (B11)', { limit: 120_000 }, async () => {
    const random = numbers(4);
    let done = 0;
    let refused = 0;
    for (let round = 0; round < 100; round++) {
      const pool = new Pool({ context, min: 0, max: 1 });
      const closing = Math.floor(random() * 10);
      const results: PromiseLike<number>[] = [];
      for (let i = 0; i < 10; i++) {
        if (i === closing) queueMicrotask(() => pool.close());
        try {
          results.push(pool.apply((x: number) => x, [i]));
        } catch (error) {
          assert.ok(error instanceof PoolClosedError);
          refused++;
        }
        if (random() < 0.5) await nextTurn();
      }
      done += (await Promise.all(results)).length;
      pool.close();
      await pool.join();
    }
    assert.equal(done + refused, 1_000);
    assert.ok(done > 100 && refused > 100, `${done} done, ${refused} refused`);
  });
});
