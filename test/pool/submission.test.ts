import assert from 'node:assert/strict';
import { Pool, PoolTerminatedError, range, SerializationError, type AsyncResult } from 'manycore';
import { collectGarbage, eachContext, eventually, partOf, rejection, scale, testClean, testPool } from '../matrix.ts';

const square = (x: number): number => x * x;
const identity = (x: unknown): unknown => x;

eachContext((context) => {
  testPool(
    'submission: what cannot be sent rejects and never throws at the call (B1)',
    { context, workers: 1 },
    async (pool) => {
      const trap = new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap');
          },
        },
      );
      const bad: [unknown, string][] = [
        [{ a: { b: new WeakMap() } }, '$.a.b'],
        [
          {
            get x(): never {
              throw new Error('getter');
            },
          },
          '$.x',
        ],
        [[1, trap], '$[1]'],
        [new Map([['k', Promise.resolve()]]), '$.get("k")'],
        [{ pool }, '$.pool'],
      ];
      for (const [value, path] of bad) {
        for (const result of [
          pool.apply(identity, [value]),
          pool.map(identity, [value]),
          pool.broadcast(identity, [value]),
        ]) {
          const error = await rejection(result);
          assert.ok(error instanceof SerializationError, String(error));
          assert.equal(error.phase, 'args');
          assert.ok(error.path.endsWith(path.slice(1)), `${error.path} for ${path}`);
          assert.match(String(error.stack), /submission\.test\.[jt]s/);
        }
        const error = await rejection(pool.imap(identity, [value]).next());
        assert.ok(error instanceof SerializationError);
      }
      assert.equal(await pool.apply(square, [3]), 9);
    },
  );

  testPool(
    'submission: a hundred that cannot be sent, then a hundred good ones, one worker (B2)',
    { context, workers: 1 },
    async (pool) => {
      const bad = range(100)
        .toArray()
        .map(() => pool.apply(identity, [new WeakSet()]));
      const good = range(100)
        .toArray()
        .map((i) => pool.apply(square, [i]));
      for (const outcome of await Promise.allSettled(bad)) assert.equal(outcome.status, 'rejected');
      assert.deepEqual(await Promise.all(good), range(100).toArray().map(square));
    },
  );

  const many = partOf(1_000_000, 20_000);
  testPool(
    `submission: ${many} of 1,000,000 calls at once (B6)`,
    { context, workers: 2, test: { limit: 60_000 * scale } },
    async (pool) => {
      const results = await Promise.all(Array.from({ length: many }, (_, i) => pool.apply(square, [i])));
      assert.equal(results.length, many);
      assert.ok(results.every((value, i) => value === i * i));
      assert.equal(pool.statistics().succeeded, many);
    },
  );

  testPool(
    'submission: large buffers go there and back (B7)',
    { context, workers: 1, test: { limit: 60_000 } },
    async (pool) => {
      const bytes = new Uint8Array(32 * 2 ** 20).fill(7);
      const back = await pool.apply((data: Uint8Array) => data, [bytes]);
      assert.equal(Buffer.compare(bytes, back), 0);
    },
  );

  testPool('submission: a getter of an argument that ends the pool', { context, workers: 2 }, async (pool) => {
    const trap = {
      get value(): number {
        void pool.terminate();
        return 1;
      },
    };
    const results = await pool.mapSettled((item: object) => Object.keys(item), [{}, trap, {}, {}]);
    for (const result of results)
      assert.match(String(result.status === 'rejected' && result.reason), /PoolTerminatedError/);
    await pool.join();
    const { state, succeeded, failed } = pool.statistics();
    assert.deepEqual([state, succeeded + failed], ['ended', 4]);
  });

  testPool('submission: a getter of an argument that aborts the call', { context, workers: 2 }, async (pool) => {
    const stop = new AbortController();
    const trap = {
      get value(): number {
        stop.abort(new Error('enough'));
        return 1;
      },
    };
    const error = await rejection(
      pool.map((item: object) => Object.keys(item), [{}, {}, trap, {}, {}], { signal: stop.signal }),
    );
    assert.equal(error.name, 'AbortError');
    await eventually(() => pool.statistics().succeeded + pool.statistics().failed === 5);
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool('submission: arguments are those of the moment of the call', { context, workers: 1 }, async (pool) => {
    const list = [1, 2, 3];
    const single = pool.apply((xs: number[]) => xs.length, [list]);
    const items = [1, 2, 3];
    const many = pool.map(square, items);
    list.push(4);
    items.push(4);
    assert.deepEqual([await single, await many], [3, [1, 4, 9]]);
  });

  testPool(
    'submission: a failed result that nobody looks at ends nothing; its derived promises do (B13)',
    { context, workers: 1 },
    async (pool) => {
      void pool.apply(() => {
        throw new Error('nobody looks');
      });
      void pool.map(identity, [new WeakMap()]);
      await eventually(() => pool.statistics().failed >= 2);
      assert.equal(await pool.apply(square, [3]), 9);
    },
  );

  testPool('submission: results that are dropped are collected (B14)', { context, workers: 1 }, async (pool) => {
    const refs = await (async () => {
      const results = range(500)
        .toArray()
        .map((i) => pool.apply((n: number) => ({ text: 'x'.repeat(10_000) + n }), [i]));
      const values = await Promise.all(results);
      return [...results, ...values].map((value) => new WeakRef<object>(value));
    })();
    assert.equal(await pool.apply(square, [3]), 9);
    await eventually(() => {
      collectGarbage();
      return refs.filter((ref) => ref.deref() !== undefined).length < 20;
    });
  });

  testClean(
    'submission: after terminate or a broken pool all is refused or rejected, nothing hangs (B11)',
    {},
    async () => {
      const pool = new Pool({ context, workers: 1 });
      const results: AsyncResult<unknown>[] = [];
      for (let i = 0; i < 100; i++) {
        if (i === 50) void pool.terminate();
        try {
          results.push(pool.apply(square, [i]));
        } catch {
          break;
        }
      }
      assert.equal(results.length, 50);
      for (const outcome of await Promise.allSettled(results))
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof PoolTerminatedError);
      await pool.join();
    },
  );
});
