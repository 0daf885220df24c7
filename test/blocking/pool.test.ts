import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArgumentTypeError, BlockingError, Pool, range, task, TimeoutError } from 'manycore';
import { eachContext, eventually, testClean, testPool } from '../matrix.ts';

const square = (x: number): number => x * x;
const later = async (x: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return x + 1;
};
/** So that a wait that would never end fails its test. */
const patience = { timeout: 15_000 };

eachContext((context) => {
  testPool('blocking: results of all forms', { context, workers: 2 }, (pool) => {
    assert.equal(pool.applySync(square, [3]), 9);
    assert.equal(pool.applySync(later, [3]), 4);
    assert.deepEqual(pool.mapSync(square, range(1_000)).at(-1), 998_001);
    assert.deepEqual(pool.mapSync(later, new Set([1, 2])), [2, 3]);
    assert.deepEqual(pool.mapSync(square, []), []);
    assert.deepEqual(
      pool.starmapSync(
        (a, b) => `${a}${b}`,
        [
          [1, 'a'],
          [2, 'b'],
        ],
      ),
      ['1a', '2b'],
    );
    assert.deepEqual(pool.broadcast(square, [4]).getSync(patience), [16, 16]);
    assert.deepEqual(pool.mapSettled(square, [1]).getSync(patience), [{ status: 'fulfilled', value: 1 }]);
    assert.equal(pool.mapAsync(square, [1, 2]).waitSync(patience), true);
  });

  testPool(
    'blocking: what was submitted before, and after, by promise and blocking',
    { context, workers: 2 },
    async (pool) => {
      const before = [1, 2, 3].map((x) => pool.apply(later, [x]));
      assert.deepEqual(pool.mapSync(square, [4, 5]), [16, 25]);
      assert.deepEqual(await Promise.all(before), [2, 3, 4]);
      assert.deepEqual(
        before.map((result) => result.getSync()),
        [2, 3, 4],
      );
      assert.equal(await pool.apply(square, [6]), 36);
      assert.equal(pool.applySync(square, [7]), 49);
    },
  );

  testPool(
    'blocking: an error is thrown, with its class, its fields and the line of the call',
    { context, workers: 1 },
    async (pool) => {
      const fail = (x: number): never => {
        throw Object.assign(new RangeError(`no ${x}`), { code: 'E_NO' });
      };
      const isIt = (error: Error & { code?: string }): boolean => {
        assert.ok(error instanceof RangeError);
        assert.equal(error.message, 'no 3');
        assert.equal(error.code, 'E_NO');
        assert.match(error.stack!, /blocking\/pool\.test/);
        return true;
      };
      assert.throws(() => pool.applySync(fail, [3]), isIt);
      assert.throws(() => pool.mapSync(fail, [3]), isIt);
      const failed = pool.apply(fail, [3]);
      assert.throws(() => failed.getSync(patience), isIt);
      assert.equal(failed.waitSync(), true);
      await assert.rejects(failed, isIt);
      assert.throws(() => pool.mapSync(square, 5 as never), ArgumentTypeError);
      assert.throws(() => failed.getSync({ timeOut: 5 } as object), ArgumentTypeError);
    },
  );

  testPool('blocking: a timeout leaves the task running', { context, workers: 1 }, async (pool) => {
    const result = pool.apply(sleep, [300, 'done']);
    assert.equal(result.waitSync({ timeout: 5 }), false);
    assert.equal(result.waitSync({ timeout: 0 }), false);
    assert.throws(() => result.getSync({ timeout: 20 }), TimeoutError);
    assert.equal(result.ready(), false);
    assert.equal(result.getSync(patience), 'done');
    assert.equal(result.waitSync({ timeout: 0 }), true);
    assert.equal(await result, 'done');
  });

  testPool('blocking: 10 MB of arguments and of results', { context, workers: 2 }, (pool) => {
    const bytes = new Uint8Array(10_000_000).fill(3);
    const text = 'ab'.repeat(5_000_000);
    const sum = (array: Uint8Array): number => array.reduce((total, byte) => total + byte, 0);
    assert.equal(pool.applyAsync(sum, [bytes]).getSync(patience), 30_000_000);
    assert.deepEqual(
      pool.mapAsync((value: string) => value.length, [text, text, text]).getSync(patience),
      [1e7, 1e7, 1e7],
    );
    const back = pool.applyAsync((n: number) => new Uint8Array(n).fill(5), [10_000_000]).getSync(patience);
    assert.equal(sum(back), 50_000_000);
    assert.equal(pool.applyAsync((n: number) => 'x'.repeat(n), [10_000_000]).getSync(patience).length, 10_000_000);
  });

  testPool(
    'blocking: what the event loop has begun to send, and what comes in the middle',
    { context, workers: 1 },
    async (pool) => {
      const big = Array.from({ length: 8 }, (_, i) => new Uint8Array(2_000_000).fill(i));
      const first = (array: Uint8Array): number => array[0]!;
      const before = pool.map(first, big);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(pool.mapAsync(first, big).getSync(patience), [0, 1, 2, 3, 4, 5, 6, 7]);
      const after = pool.map(first, big);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(pool.applyAsync(square, [9]).getSync(patience), 81);
      assert.deepEqual([await before, await after], [before.getSync(), [0, 1, 2, 3, 4, 5, 6, 7]]);
    },
  );

  testPool('blocking: behind 100,000 items that wait', { context, workers: 2 }, async (pool) => {
    const many = pool.map(square, range(100_000));
    const singles = Array.from({ length: 5_000 }, (_, i) => pool.apply(square, [i]));
    assert.deepEqual(pool.mapAsync(square, [1, 2, 3]).getSync(patience), [1, 4, 9]);
    assert.equal(many.getSync(patience).length, 100_000);
    assert.equal(singles.at(-1)!.getSync(patience), 4_999 ** 2);
    assert.equal((await Promise.all(singles)).length, 5_000);
  });

  testPool(
    'blocking: an elastic pool grows, shrinks and starts from nothing',
    { context, min: 0, max: 3, idleTimeout: 50 },
    (pool) => {
      const hold = (ms: number): number => {
        const end = Date.now() + ms;
        while (Date.now() < end);
        return task().workerIndex;
      };
      const seats = new Set(pool.mapAsync(hold, Array<number>(30).fill(40), { chunkSize: 1 }).getSync(patience));
      assert.ok(seats.size > 1, `${seats.size} workers`);
      const end = Date.now() + 10_000;
      while (pool.statistics().workers.length > 1 && Date.now() < end) pool.applyAsync(hold, [100]).getSync(patience);
      assert.equal(pool.statistics().workers.length, 1);
    },
  );

  testPool(
    'blocking: callbacks are called meanwhile, reactions of promises come afterwards',
    { context, workers: 1 },
    async (pool) => {
      const log: unknown[] = [];
      const other = pool.applyAsync(square, [2], { callback: (value: unknown) => log.push(['callback', value]) });
      void other.then((value) => log.push(['then', value]));
      const mine = pool.applyAsync(square, [3], { callback: (value: unknown) => log.push(['own', value]) });
      log.push(['blocked for', mine.getSync(patience)]);
      assert.equal(other.ready(), true);
      assert.deepEqual(log, [
        ['callback', 4],
        ['own', 9],
        ['blocked for', 9],
      ]);
      await other;
      await eventually(() => log.length === 4);
      assert.deepEqual(log.at(-1), ['then', 4]);
    },
  );

  testPool('blocking: not in a callback, which says so', { context, workers: 1 }, async (pool) => {
    const seen: unknown[] = [];
    const callback = (): void => {
      for (const block of [
        () => pool.applySync(square, [1]),
        () => pool.apply(square, [1]).waitSync(),
        () => result.getSync(),
      ])
        try {
          seen.push(block());
        } catch (error) {
          seen.push(error);
        }
    };
    const result = pool.applyAsync(square, [5], { callback });
    assert.equal(await result, 25);
    const again = pool.applyAsync(square, [5], { callback });
    assert.equal(again.getSync(patience), 25);
    assert.equal(seen.length, 6);
    const refused = seen.filter((error) => error instanceof BlockingError && error.message.includes('callback'));
    // A result that is there needs no blocking: at the second time the first one is.
    assert.equal(refused.length, 5);
    assert.equal(seen[5], 25);
  });

  testPool(
    'blocking: items that come asynchronously are refused, or are waited for when they have all come',
    { context, workers: 1 },
    async (pool) => {
      async function* numbers(): AsyncGenerator<number> {
        yield 1;
        yield 2;
      }
      assert.throws(() => pool.mapSync(square, numbers() as never), BlockingError);
      const result = pool.map(square, numbers());
      assert.throws(() => result.getSync(), { name: 'BlockingError', message: /items come asynchronously/ });
      assert.equal(pool.applySync(square, [3]), 9);
      assert.deepEqual(await result, [1, 4]);
      assert.deepEqual(result.getSync(), [1, 4]);
    },
  );

  testPool('blocking: instances of a class whose module is not loaded here', { context, workers: 1 }, async (pool) => {
    const point = pool.applySync(
      async (url: string) => {
        const { Point } = (await import(url)) as typeof import('./fixtures/point.ts');
        return new Point(21);
      },
      [new URL('./fixtures/point.js', import.meta.url).href],
    );
    assert.equal(point.double, 42);
    const { Point } = await import('./fixtures/point.ts');
    assert.ok(point instanceof Point);
    const late = pool.apply(
      async (url: string) => {
        const { Late } = (await import(url)) as typeof import('./fixtures/late.ts');
        return new Late();
      },
      [new URL('./fixtures/late.js', import.meta.url).href],
    );
    assert.throws(() => late.getSync(patience), { name: 'BlockingError', message: /fixtures\/late\.js/ });
    assert.equal((await late).x, 1);
    assert.equal(pool.applySync(square, [2]), 4);
  });

  for (const inner of ['process', 'thread'] as const) {
    testPool(
      `blocking: in a worker, with a pool of its own of ${inner} workers`,
      { context, workers: 2 },
      async (pool) => {
        const nested = async (kind: typeof inner, n: number): Promise<number[]> => {
          await using own = new Pool(2, { context: kind });
          const some = own.mapSync((x) => x * x, [n, n + 1]);
          const none = own.apply(() => new Promise(() => {}));
          return [...some, own.applySync((x: number) => -x, [n]), Number(none.waitSync({ timeout: 20 }))];
        };
        const both = pool.starmapSync(nested, [
          [inner, 2],
          [inner, 5],
        ]);
        assert.deepEqual(both, [
          [4, 9, -2, 0],
          [25, 36, -5, 0],
        ]);
        assert.deepEqual(await pool.apply(nested, [inner, 3]), [9, 16, -3, 0]);
      },
    );
  }
});

testClean('blocking: pools of threads and of processes in one program serve each other', {}, async () => {
  await using threads = new Pool(1, { context: 'thread' });
  await using processes = new Pool(1, { context: 'process' });
  for (let i = 0; i < 20; i++) {
    const other = processes.apply(square, [i]);
    assert.equal(threads.applyAsync(square, [i]).getSync(patience), i * i);
    assert.equal(other.getSync(patience), i * i);
  }
  const callback = (value: number): void => void (chained = threads.apply(square, [value]));
  let chained = threads.apply(square, [0]);
  processes.applyAsync(square, [3], { callback }).getSync(patience);
  assert.equal(chained.getSync(patience), 81);
});

testClean('blocking: a pool without workers runs what is synchronous, and refuses what is not', {}, async () => {
  const order: string[] = [];
  await using pool = new Pool({ workers: 0, initializer: () => void order.push('initialized') });
  assert.equal(pool.applySync(square, [3]), 9);
  assert.deepEqual(pool.mapSync(square, range(2_000)).at(-1), 1_999 ** 2);
  assert.throws(
    () =>
      pool.applySync(() => {
        throw new RangeError('no');
      }),
    RangeError,
  );
  assert.equal(
    pool.applySync(() => task().attempt),
    1,
  );
  const waiting = pool.apply(later, [1]);
  assert.throws(() => waiting.getSync(), { name: 'BlockingError', message: /asynchronous/ });
  assert.throws(() => pool.applySync(later, [1]), BlockingError);
  assert.equal(await waiting, 2);
  assert.equal(waiting.getSync(), 2);
  assert.deepEqual(order, ['initialized']);
});

testClean('blocking: in a task of a pool without workers, for another pool', {}, async () => {
  await using outer = new Pool({ workers: 0 });
  await using inner = new Pool(1, { context: 'thread' });
  assert.deepEqual(
    outer.mapSync((x: number) => inner.applySync(square, [x]), [1, 2, 3]),
    [1, 4, 9],
  );
});
