import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  CancelledError,
  range,
  TimeoutError,
  type ResultStream,
} from 'manycore';
import type { Future, ThreadPoolExecutor } from 'manycore/futures';
import { eventually, rejection } from '../matrix.ts';
import { sleep, square } from '../functions.ts';
import { collect, eachExecutor, hasBegun, testExecutor } from './support.ts';

function divmod(a: number, b: number): [number, number] {
  if (b === 0) throw new RangeError('division by zero');
  return [Math.floor(a / b), a % b];
}

/** Numbers that notice how far they were read and that they were closed. */
function* counted(seen: { read: number; closed?: boolean }, end = Infinity): Generator<number, undefined> {
  try {
    for (let i = 0; i < end; i++) {
      seen.read++;
      yield i;
    }
  } finally {
    seen.closed = true;
  }
  return undefined;
}

eachExecutor((make) => {
  testExecutor('map: over two inputs, up to the shortest (N336, U486)', make, { maxWorkers: 2 }, async (executor) => {
    const numbers = range(10).toArray();
    assert.deepEqual(
      await collect(executor.map(Math.pow, numbers, numbers)),
      numbers.map((n) => n ** n),
    );
    assert.deepEqual(await collect(executor.map((a: number, b: number) => a + b, [1, 2, 3], [10, 20])), [11, 22]);
    assert.deepEqual(await collect(executor.map((a: number, b: string, c: number) => a + b + c, [1], 'x', range(5))), [
      '1x0',
    ]);
    assert.deepEqual(await collect(executor.map(square, [])), []);
    // One argument only, unlike Array.prototype.map.
    assert.deepEqual(await collect(executor.map(parseInt, ['10', '10'])), [10, 10]);
  });

  testExecutor('map: asynchronous inputs, alone and beside others', make, { maxWorkers: 1 }, async (executor) => {
    async function* words(): AsyncGenerator<string> {
      yield 'a';
      await Promise.resolve();
      yield 'bc';
      yield 'def';
    }
    assert.deepEqual(await collect(executor.map((word) => word.length, words())), [1, 2, 3]);
    assert.deepEqual(await collect(executor.map((word, n) => word.repeat(n), words(), [3, 2])), ['aaa', 'bcbc']);
  });

  testExecutor('map: a subclass builds on the methods of its executor', make, { maxWorkers: 1 }, async (plain) => {
    const Base = plain.constructor as typeof ThreadPoolExecutor;
    class Doubling extends Base {
      override submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
        return super.submit(fn, ...args);
      }
      twice<A, R>(fn: (item: A) => R, items: readonly A[]): ResultStream<Awaited<R>> {
        return super.map(fn, [...items, ...items]);
      }
      twiceSync<A, R>(fn: (item: A) => R, items: readonly A[]): Awaited<R>[] {
        return super.mapSync(fn, [...items, ...items]);
      }
    }
    await using executor = new Doubling(1);
    assert.deepEqual(await collect(executor.twice(square, [2, 3])), [4, 9, 4, 9]);
    assert.deepEqual(executor.twiceSync(square, [2, 3]), [4, 9, 4, 9]);
    assert.equal(await executor.submit(square, 4), 16);
    assert.equal(await executor.with({ priority: 1 }).submit(square, 5), 25);
    assert.match(inspect(executor), /^<Doubling state=running workers=1>$/);
    assert.ok(!Object.hasOwn(executor, 'map'));
  });

  testExecutor(
    'map: an error at its place, and on behind it, also within a chunk (N338, U484)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      for (const options of [undefined, { chunkSize: 3 }, { bufferSize: 2 }]) {
        const results = executor.map(divmod, [5, 5, 5, 5], [2, 3, 0, 5], options);
        assert.deepEqual(await results.next(), { done: false, value: [2, 1] });
        assert.deepEqual(await results.next(), { done: false, value: [1, 2] });
        assert.match((await rejection(results.next())).message, /division by zero/);
        assert.deepEqual(await results.next(), { done: false, value: [1, 0] });
        assert.deepEqual(await results.next(), { done: true, value: undefined });
      }
    },
  );

  testExecutor(
    'map: a time limit counts from the call; what is there comes, then TimeoutError, then nothing (N339, N340)',
    make,
    { maxWorkers: 3 },
    async (executor) => {
      await Promise.all([1, 2, 3].map(() => executor.submit(sleep, 100)));
      const results = executor.map(sleep, [0, 1, 60_000, 0], { timeout: 1_500 });
      assert.deepEqual(await results.next(), { done: false, value: 0 });
      await sleep(100);
      assert.deepEqual(await results.next(), { done: false, value: 1 });
      const startedMs = performance.now();
      const error = await rejection(results.next());
      assert.ok(error instanceof TimeoutError);
      assert.match(error.message, /map\(sleep\) had not ended after 1500 ms/);
      const waitedMs = performance.now() - startedMs;
      assert.ok(waitedMs < 1_490, `${waitedMs} ms, counted from the call`);
      assert.deepEqual(await results.next(), { done: true, value: undefined });
      assert.deepEqual(await results.next(), { done: true, value: undefined });
    },
  );

  testExecutor(
    'map: no time on a busy executor: TimeoutError, and none of it ever runs (N354)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const first = executor.submit(sleep, 200);
      await hasBegun(first);
      const results = executor.map(square, range(5), { timeout: 0 });
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok((await rejection(results.next())) instanceof TimeoutError);
      assert.deepEqual(await results.next(), { done: true, value: undefined });
      await first;
      assert.equal(await executor.submit(square, 3), 9);
      assert.equal(executor.statistics().succeeded, 2);
    },
  );

  testExecutor(
    'map: an iteration that is left cancels what has not begun (N341, U485)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const seen = { read: 0, closed: false };
      const results = executor.map((n) => n, counted(seen), { bufferSize: 50 });
      assert.equal((await results.next()).value, 0);
      await results.return();
      assert.equal(seen.closed, true);
      assert.deepEqual(await results.next(), { done: true, value: undefined });
      const { read } = seen;
      for await (const value of executor.map(sleep, [1, 60_000, 60_000])) {
        assert.equal(value, 1);
        break;
      }
      await executor.killWorkers();
      assert.equal(seen.read, read);
    },
  );

  testExecutor(
    'map: all is submitted at the call when the buffer is endless (N342)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const results = executor.map(square, range(100), { bufferSize: Infinity });
      await eventually(() => executor.statistics().succeeded === 100);
      assert.deepEqual(
        await collect(results),
        range(100)
          .toArray()
          .map((n) => n * n),
      );
    },
  );

  testExecutor(
    'map: an input that throws: first the results before it, then its error (N343)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      function* bad(): Generator<number> {
        yield 1;
        yield 2;
        throw new SyntaxError('bad input');
      }
      for (const options of [undefined, { bufferSize: 2 }]) {
        const results = executor.map(square, bad(), options);
        assert.deepEqual([(await results.next()).value, (await results.next()).value], [1, 4]);
        assert.equal((await rejection(results.next())).message, 'bad input');
        assert.deepEqual(await results.next(), { done: true, value: undefined });
      }
    },
  );

  testExecutor(
    'map: a shutdown while inputs come asynchronously ends it, with what was sent (N343)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const never = new Promise<void>(() => undefined);
      async function* slow(): AsyncGenerator<number> {
        yield* [1, 2, 3];
        await never;
      }
      const results = executor.map(square, slow(), { chunkSize: 2 });
      assert.deepEqual([(await results.next()).value, (await results.next()).value], [1, 4]);
      const last = rejection(results.next());
      await executor.shutdown();
      assert.match((await last).message, /after shutdown/);
    },
  );

  testExecutor(
    'map: wrong buffers and chunks are refused at the call (N344, U487)',
    make,
    { maxWorkers: 1 },
    (executor) => {
      assert.throws(() => executor.map(square, [1], { bufferSize: '2' as never }), ArgumentTypeError);
      assert.throws(() => executor.map(square, [1], { bufferSize: 0 }), ArgumentRangeError);
      assert.throws(() => executor.map(square, [1], { bufferSize: -1 }), ArgumentRangeError);
      assert.throws(() => executor.map(square, [1], { bufferSize: 1.5 }), RangeError);
      assert.throws(() => executor.map(square, [1], { chunkSize: 0 }), ArgumentRangeError);
      assert.throws(() => executor.map(square, [1], { buffersize: 1 } as object), /Did you mean "bufferSize"/);
      assert.throws(() => executor.map(square, 5 as never), /expected an iterable/);
      assert.throws(() => executor.map(5 as never, [1]), /expected a function/);
    },
  );

  testExecutor('map: with any buffer the same results (N345)', make, { maxWorkers: 2 }, async (executor) => {
    const expected = range(20)
      .toArray()
      .map((n) => n * n);
    for (const bufferSize of [1, 2, 20, 40])
      assert.deepEqual(await collect(executor.map(square, range(20), { bufferSize })), expected);
  });

  testExecutor(
    'map: as many inputs are read as the buffer holds, one more for each result taken (N347)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const seen = { read: 0 };
      const results = executor.map(square, counted(seen), { bufferSize: 4 });
      await eventually(() => executor.statistics().succeeded === 4);
      assert.equal(seen.read, 4);
      for (let taken = 1; taken <= 5; taken++) {
        await results.next();
        assert.equal(seen.read, 4 + taken);
      }
      await results.return();
    },
  );

  testExecutor(
    'map: chunks by run time are much faster than one by one (N356)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      await Promise.all([executor.submit(sleep, 100), executor.submit(sleep, 100)]);
      const timed = async (options: object): Promise<number> => {
        const startedMs = performance.now();
        const values = await collect(executor.map(square, range(10_000), options));
        assert.ok(values.length === 10_000 && values.every((value, i) => value === i * i));
        return performance.now() - startedMs;
      };
      await timed({});
      // One by one as Python does it: one item under way for each worker, and one more.
      const [single, automatic] = [await timed({ chunkSize: 1, bufferSize: 4 }), await timed({})];
      assert.ok(automatic < single, `${automatic} ms against ${single} ms`);
    },
  );

  testExecutor('map: with an executor of options for its calls', make, { maxWorkers: 1 }, async (executor) => {
    const stop = new AbortController();
    const results = executor.with({ signal: stop.signal }).map(sleep, [1, 60_000]);
    assert.equal((await results.next()).value, 1);
    const next = rejection(results.next());
    stop.abort();
    assert.equal((await next).name, 'AbortError');
  });

  testExecutor(
    'map: a shutdown ends the reading of its input, what was read is done',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const seen = { read: 0, closed: false };
      const results = executor.map(square, counted(seen), { bufferSize: 3 });
      assert.equal((await results.next()).value, 0);
      await executor.shutdown();
      assert.equal(seen.closed, true);
      const values: unknown[] = [];
      const error = await rejection(
        (async () => {
          for await (const value of results) values.push(value);
        })(),
      );
      assert.match(error.message, /cannot schedule new futures after shutdown/);
      assert.equal(values.length, seen.read - 1);
    },
  );

  testExecutor(
    'map: a shutdown that cancels leaves CancelledErrors at their places',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const results = executor.map(sleep, [100, 100, 100, 100], { bufferSize: 10, chunkSize: 1 });
      await eventually(() => executor.statistics().running > 0);
      const first = executor.submit(square, 2);
      await eventually(() => executor.statistics().workers.some(({ state }) => state === 'ready'));
      await sleep(10);
      void executor.shutdown({ wait: false, cancelFutures: true });
      const outcomes: string[] = [];
      for (;;) {
        const outcome = await results.next().catch((error: Error) => error);
        if (outcome instanceof Error) outcomes.push(outcome instanceof CancelledError ? 'cancelled' : outcome.name);
        else if (outcome.done === true) break;
        else outcomes.push('done');
      }
      assert.equal(outcomes.length, 4);
      assert.ok(outcomes.includes('cancelled') && first.cancelled(), outcomes.join());
      await executor.shutdown();
    },
  );
});
