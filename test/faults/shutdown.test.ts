import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Pool, PoolClosedError, PoolTerminatedError } from 'manycore';
import { allUp, both, scenario, until } from './support.ts';

const ended = { ended: true };
const forever = (): Promise<never> => new Promise(() => {});

scenario('close() and join() with 50 pending tasks: all finish (F1)', ended, async ({ pool, submit }) => {
  const results = Array.from(
    { length: 50 },
    (_, i) => submit((x) => new Promise<number>((resolve) => setTimeout(() => resolve(x), 2)), [i]).result,
  );
  pool.close();
  await pool.join();
  assert.deepEqual(
    await Promise.all(results),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

scenario('terminate() with 100 000 pending tasks: all reject, and soon (F2)', ended, async ({ pool }) => {
  await allUp(pool, 2);
  const results = Array.from({ length: 100_000 }, () => pool.apply(forever));
  const settled = Promise.allSettled(results);
  const startedMs = performance.now();
  await pool.terminate();
  const outcomes = await settled;
  assert.ok(performance.now() - startedMs < 10_000);
  for (const outcome of outcomes)
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof PoolTerminatedError);
});

scenario('close, terminate, close at once and from callbacks (F3)', ended, async ({ pool, submit }) => {
  const { result } = submit(() => 1, []);
  await result;
  const stuck = submit(forever, []);
  void pool.applyAsync(() => 2, [], { callback: () => pool.close(), errorCallback: () => pool.close() });
  const ends: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) {
    pool.close();
    ends.push(pool.terminate(), pool.join());
    pool.close();
  }
  await Promise.all(ends);
  await stuck.error();
});

scenario(
  '1,000 submissions, from ends of tasks, timers and microtasks, race close() from a callback: each runs or is refused (B11)',
  ended,
  async ({ pool }) => {
    await allUp(pool, 2);
    const results: Promise<number>[] = [];
    let offered = 0;
    let refused = 0;
    const offer = (): Promise<number> | undefined => {
      const token = offered++;
      if (token === 300) void pool.applyAsync(() => 0, [], { callback: () => pool.close() });
      try {
        const result = pool.apply((x) => x * 7, [token]);
        results.push(result.then((value) => Number(value === token * 7)));
        return result;
      } catch (error) {
        assert.ok(error instanceof PoolClosedError, String(error));
        refused++;
        return undefined;
      }
    };
    const racer = async (_: unknown, which: number): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const result = offer();
        if ((i + which) % 4 === 0) await result;
        else if ((i + which) % 4 === 1) await new Promise((resolve) => setTimeout(resolve, 1));
        else if ((i + which) % 4 === 2) await nextTurn();
        else await Promise.resolve();
      }
    };
    await Promise.all(Array.from({ length: 10 }, racer));
    const right = await Promise.all(results);
    assert.ok(right.every((value) => value === 1));
    assert.equal(right.length + refused, 1_000);
    assert.ok(right.length >= 300 && refused > 0, `${right.length} ran, ${refused} were refused`);
    await pool.join();
    assert.equal(pool.statistics().succeeded, right.length + 1);
  },
);

for (const context of both) {
  test(`${context}: \`await using\` keeps the error of its body (F12)`, { timeout: 40_000 }, async () => {
    const caught = await Pool.use({ workers: 1, context }, async (pool) => {
      void pool.apply(forever);
      await pool.apply(() => 0, []).wait({ timeout: 1 });
      throw new RangeError('the body');
    }).catch((error: unknown) => error);
    assert.ok(caught instanceof RangeError);
    let seen: Pool | undefined;
    await assert.rejects(async () => {
      await using pool = new Pool(1, { context });
      seen = pool as Pool;
      throw new RangeError('the body');
    }, RangeError);
    await until('it has ended', () => seen?.statistics().state === 'ended');
  });
}
