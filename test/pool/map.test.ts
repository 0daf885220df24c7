import assert from 'node:assert/strict';
import {
  AbortError,
  ArgumentTypeError,
  PoolTerminatedError,
  product,
  range,
  SerializationError,
  task,
  zip,
} from 'manycore';
import { eachContext, eventually, rejection, testPool } from '../matrix.ts';

const square = (x: number): number => x * x;
const squares = (count: number): number[] => Array.from({ length: count }, (_, i) => i * i);

function* counting(count: number, failAt = Infinity): Generator<number> {
  for (let i = 0; i < count; i++) {
    if (i === failAt) throw new RangeError(`input ${i}`);
    yield i;
  }
}

async function* slowly(count: number, failAt = Infinity): AsyncGenerator<number> {
  for (const i of counting(count, failAt)) {
    await new Promise((resolve) => setImmediate(resolve));
    yield i;
  }
}

eachContext((context) => {
  testPool(
    'map: equals a plain map, in order, with chunks or without (J243)',
    { context, workers: 3 },
    async (pool) => {
      assert.deepEqual(await pool.map(square, range(10)), squares(10));
      assert.deepEqual(await pool.map(square, range(100), { chunkSize: 20 }), squares(100));
      assert.deepEqual(await pool.map(square, range(5_000)), squares(5_000));
      assert.deepEqual(await pool.map(square, range(7), { chunkSize: 1_000_000_000 }), squares(7));
    },
  );

  testPool('map: passes exactly one argument', { context, workers: 1 }, async (pool) => {
    assert.deepEqual(await pool.map(Number.parseInt, ['10', '10', '10']), [10, 10, 10]);
    assert.deepEqual(await pool.map((...all: unknown[]) => all.length, ['a', 'b']), [1, 1]);
  });

  testPool('starmap: spreads each item (J244)', { context, workers: 2 }, async (pool) => {
    const pairs = [...zip(range(100), range(100, 200))];
    const expected = pairs.map(([a, b]) => a * b);
    const multiply = (a: number, b: number): number => a * b;
    assert.deepEqual(await pool.starmap(multiply, pairs), expected);
    assert.deepEqual(await pool.starmap(multiply, pairs, { chunkSize: 20 }), expected);
    assert.deepEqual(await pool.starmapAsync(multiply, zip(range(100), range(100, 200))), expected);
    assert.deepEqual(await pool.starmap((a, b) => `${a}${b}`, product([1, 2], ['a', 'b'])), ['1a', '1b', '2a', '2b']);
  });

  testPool('starmap: an item that is no list of arguments is named', { context, workers: 1 }, async (pool) => {
    const add = (a: number, b: number): number => a + b;
    const wrong =
      'Cannot use 3 as item 1 of starmap: expected a list of arguments, such as [x]. (starmap(add), called at';
    let closed = false;
    async function* later(): AsyncGenerator<never> {
      try {
        yield [1, 2] as never;
        yield 3 as never;
        yield [4, 5] as never;
      } finally {
        closed = true;
      }
    }
    for (const items of [[[1, 2], 3], later()] as never[][]) {
      const error = await rejection(pool.starmap(add, items));
      assert.ok(error instanceof ArgumentTypeError, String(error));
      assert.ok(error.message.startsWith(wrong), error.message);
    }
    await eventually(() => closed);
    assert.deepEqual(await pool.starmap((...letters: string[]) => letters, ['ab' as never]), [['a', 'b']]);
  });

  testPool('starmap: rows of different lengths (B10)', { context, workers: 1 }, async (pool) => {
    const sum = (...all: number[]): number => all.reduce((a, b) => a + b, 0);
    assert.deepEqual(await pool.starmap(sum, [[], [1], [1, 2], [1, 2, 3]]), [0, 1, 3, 6]);
  });

  testPool('mapAsync: get gives the list (J245)', { context, workers: 2 }, async (pool) => {
    assert.deepEqual(await pool.mapAsync(square, range(10)).get(), squares(10));
  });

  testPool('map: nothing to do ends at once, in all forms (J246, B10)', { context, workers: 1 }, async (pool) => {
    const empties = [() => [], () => range(0), () => counting(0), () => new Set<number>(), () => slowly(0)];
    for (const empty of empties) {
      for (const options of [{}, { chunkSize: 5 }]) {
        assert.deepEqual(await pool.map(square, empty(), options), []);
        assert.deepEqual(await pool.mapAsync(square, empty(), options), []);
        assert.deepEqual(await pool.mapSettled(square, empty(), options), []);
        for await (const _ of pool.imap(square, empty(), options)) assert.fail('no result');
        for await (const _ of pool.imapUnordered(square, empty(), options)) assert.fail('no result');
      }
    }
    assert.deepEqual(await pool.starmap((a: number) => a, []), []);
    assert.deepEqual(await pool.starmapAsync((a: number) => a, [], { chunkSize: 5 }), []);
  });

  testPool('map: every kind of iterable, of one item and of many (V491)', { context, workers: 2 }, async (pool) => {
    for (const count of [1, 300]) {
      const list = [...counting(count)];
      const kinds = [
        list,
        counting(count),
        new Set(list),
        range(count),
        slowly(count),
        new Map(zip(list, list)).keys(),
      ];
      for (const items of kinds) assert.deepEqual(await pool.map(square, items), squares(count));
    }
    assert.deepEqual(await pool.map((c: string) => c.toUpperCase(), 'héß'), ['H', 'É', 'SS']);
    const big = 'x'.repeat(300_000);
    assert.deepEqual(await pool.map((text: string) => text.length, [big, big, big]), [300_000, 300_000, 300_000]);
  });

  testPool(
    'map: an input that hangs ends with the signal, and with the pool',
    { context, workers: 1 },
    async (pool) => {
      let ends = 0;
      const hanging = (): AsyncIterable<number> => {
        const items = [1, 2];
        return {
          [Symbol.asyncIterator]: () => ({
            next: () => {
              const value = items.shift();
              return value === undefined ? new Promise<never>(() => {}) : Promise.resolve({ done: false, value });
            },
            return: () => {
              ends++;
              return Promise.resolve({ done: true, value: undefined });
            },
          }),
        };
      };
      const stop = new AbortController();
      const aborted = pool.map(square, hanging(), { signal: stop.signal });
      await eventually(() => pool.statistics().succeeded === 2);
      stop.abort();
      assert.ok((await rejection(aborted)) instanceof AbortError);
      assert.equal(ends, 1);
      const late = rejection(pool.map(square, hanging(), { signal: AbortSignal.abort() }));
      assert.ok((await late) instanceof AbortError);
      const terminated = rejection(pool.map(square, hanging()));
      await eventually(() => pool.statistics().succeeded >= 4);
      await pool.terminate();
      assert.ok((await terminated) instanceof PoolTerminatedError);
      await eventually(() => ends === 3);
    },
  );

  testPool('map: a typed array is a list of its numbers, in order', { context, workers: 2 }, async (pool) => {
    assert.deepEqual(await pool.map(square, new Float64Array([1, 2, 3])), [1, 4, 9]);
    assert.deepEqual(await pool.map((x: bigint) => x * 2n, new BigInt64Array([1n, 2n])), [2n, 4n]);
  });

  testPool('map: rows of arrays and objects arrive whole (V492)', { context, workers: 1 }, async (pool) => {
    assert.deepEqual(
      await pool.map(
        ([a, b]: [number, number]) => a + b,
        [
          [1, 2],
          [3, 4],
        ],
      ),
      [3, 7],
    );
    assert.deepEqual(await pool.map(({ a }: { a: number }) => a, [{ a: 1 }, { a: 2 }]), [1, 2]);
  });

  testPool(
    'map: an item that cannot travel rejects and names it; the pool goes on (J250)',
    { context, workers: 2 },
    async (pool) => {
      const items: unknown[] = [1, 2, { deep: new WeakMap() }, 4];
      const identity = (x: unknown): unknown => x;
      for (let i = 0; i < 2; i++) {
        const error = await rejection(pool.map(identity, items));
        assert.ok(error instanceof SerializationError);
        assert.equal(error.phase, 'args');
        assert.match(error.message, /WeakMap/);
        assert.match(error.message, /input\[2\]/);
        assert.match(error.path, /deep/);
      }
      assert.deepEqual(await pool.map(square, [3]), [9]);
      const settled = await pool.mapSettled(identity, items);
      assert.deepEqual(
        settled.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
      );
    },
  );

  testPool(
    'map: an input that throws when it is read rejects with that error (J251, J262, W523)',
    { context, workers: 2 },
    async (pool) => {
      const liar = { length: 5, [Symbol.iterator]: () => counting(5, 0) };
      for (let i = 0; i < 2; i++) {
        for (const items of [counting(30, 0), counting(30, 5), counting(30, 19), liar, slowly(30, 0), slowly(30, 19)]) {
          const error = await rejection(pool.map(square, items));
          assert.ok(error instanceof RangeError);
          assert.match(error.message, /^input \d+$/);
          assert.doesNotMatch(String(error.stack), /on worker/);
          assert.equal(error.cause, undefined);
        }
        // Nobody asked to go on without the rest of the input.
        assert.ok((await rejection(pool.mapSettled(square, slowly(30, 19)))) instanceof RangeError);
        assert.ok((await rejection(pool.map(square, slowly(30, 19), { onError: 'continue' }))) instanceof RangeError);
        assert.deepEqual(await pool.map(square, range(5)), squares(5));
      }
    },
  );

  testPool('map: rejects only when all tasks have ended (J252)', { context, workers: 2 }, async (pool) => {
    const error = await rejection(
      pool.map(
        async (i: number) => {
          if (i === 0) throw new Error('at once');
          await new Promise((resolve) => setTimeout(resolve, 150));
          return i;
        },
        range(4),
        { chunkSize: 1 },
      ),
    );
    assert.equal(error.message, 'at once');
    const { succeeded, failed, running, waiting } = pool.statistics();
    assert.deepEqual({ succeeded, failed, running, waiting }, { succeeded: 3, failed: 1, running: 0, waiting: 0 });
  });

  testPool(
    'map: where tasks are counted, the default is four chunks for each worker (J254, V520)',
    { context, workers: 1, maxTasksPerChild: 1 },
    async (pool) => {
      const workers = await pool.map(() => task().workerId, range(10));
      const sizes = new Map<number, number>();
      for (const id of workers) sizes.set(id, (sizes.get(id) ?? 0) + 1);
      assert.deepEqual([...sizes.values()], [3, 3, 3, 1]);
    },
  );

  testPool('map: an error names the task, the input and the call', { context, workers: 1 }, async (pool) => {
    function resize(name: string): number {
      if (name === 'IMG_2') throw new RangeError('Invalid array length');
      return name.length;
    }
    const error = await rejection(pool.map(resize, ['IMG_0', 'IMG_1', 'IMG_2']));
    assert.match(
      String(error.stack),
      /^RangeError: Invalid array length\n +at resize .*\n.*--- on worker 1 \((pid|thread) \d+\), task 3 of map\(resize\), input\[2\] = 'IMG_2' ---\n +at .*map\.test/,
    );
  });

  testPool(
    'map: onError continue leaves undefined; mapSettled tells all (U484)',
    { context, workers: 2 },
    async (pool) => {
      const odd = (x: number): number => {
        if (x % 2 === 1) throw new Error(`odd ${x}`);
        return x;
      };
      assert.deepEqual(await pool.map(odd, range(5), { onError: 'continue' }), [0, undefined, 2, undefined, 4]);
      const settled = await pool.mapSettled(odd, range(3));
      assert.deepEqual(settled[0], { status: 'fulfilled', value: 0 });
      assert.equal(settled[1]?.status === 'rejected' && (settled[1].reason as Error).message, 'odd 1');
      assert.deepEqual(await pool.map(odd, [1, 3], { onError: 'continue' }), [undefined, undefined]);
    },
  );

  testPool('map: a signal gives up what has not begun and tells what runs', { context, workers: 1 }, async (pool) => {
    await pool.apply(() => 0);
    const stop = new AbortController();
    const result = pool.map(
      async () => {
        const { signal } = task();
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
      range(100),
      { signal: stop.signal, chunkSize: 1 },
    );
    while (pool.statistics().running === 0) await new Promise((resolve) => setImmediate(resolve));
    const [worker] = pool.statistics().workers;
    const reason = new Error('enough');
    stop.abort(reason);
    const error = await rejection(result);
    assert.ok(error instanceof AbortError);
    assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'ABORT_ERR', reason]);
    assert.equal(await pool.apply(() => task().workerId), worker?.id, 'the task heeded its signal: its worker lives');
  });

  testPool('map: a signal that is aborted already runs nothing', { context, workers: 1 }, async (pool) => {
    const signal = AbortSignal.abort('never');
    assert.ok((await rejection(pool.map(square, range(10), { signal }))) instanceof AbortError);
    assert.ok((await rejection(pool.apply(square, [1], { signal }))) instanceof AbortError);
    assert.ok((await rejection(pool.imap(square, range(10), { signal }).next())) instanceof AbortError);
    await pool.apply(() => 0);
    assert.equal(pool.statistics().succeeded, 1);
  });

  testPool('map: several at once do not disturb each other (W529)', { context, workers: 2 }, async (pool) => {
    const all = await Promise.all([1, 2, 3, 4].map((n) => pool.map((x: number) => x * n, range(200))));
    assert.deepEqual(
      all,
      [1, 2, 3, 4].map((n) => Array.from({ length: 200 }, (_, i) => i * n)),
    );
  });
});
