import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { ArgumentRangeError, PoolTerminatedError, range, TimeoutError } from 'manycore';
import { eachContext, eventually, rejection, testPool } from '../matrix.ts';

const square = (x: number): number => x * x;
const squares = (count: number): number[] => Array.from({ length: count }, (_, i) => i * i);
const pause = async (ms: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

/** The results up to the error, and the error. */
async function collectUntilError<T>(results: AsyncIterable<T>): Promise<{ values: T[]; error: Error }> {
  const values: T[] = [];
  const error = await rejection(
    (async () => {
      for await (const value of results) values.push(value);
    })(),
  );
  return { values, error };
}

function* failingAt(place: number, onEnd?: () => void): Generator<number> {
  try {
    for (let i = 0; i < 30; i++) {
      if (i === place) throw new RangeError(`input ${i}`);
      yield i;
    }
  } finally {
    onEnd?.();
  }
}

const forms = ['imap', 'imapUnordered'] as const;

eachContext((context) => {
  testPool('imap: printed, it tells the call and how far it is', { context, workers: 1 }, async (pool) => {
    const results = pool.imap(square, range(2));
    assert.equal(inspect(results), '<ResultStream of imap(square) taken=0>');
    await results.next();
    assert.equal(String(results as unknown), '<ResultStream of imap(square) taken=1>');
    await collect(results);
    assert.equal(inspect(results), '<ResultStream of imap(square) taken=2 ended>');
  });

  testPool('imap: in order, with chunks and without; then it stops (K270)', { context, workers: 2 }, async (pool) => {
    assert.deepEqual(await collect(pool.imap(square, range(10))), squares(10));
    const results = pool.imap(square, range(1_000), { chunkSize: 100 });
    assert.deepEqual(await collect(results), squares(1_000));
    assert.deepEqual(await results.next(), { done: true, value: undefined });
    assert.deepEqual(await results.next(), { done: true, value: undefined });
  });

  testPool(
    'imap: next with a timeout can be asked again for the same item (K271)',
    { context, workers: 1 },
    async (pool) => {
      for (const form of forms) {
        const results = pool[form](pause, [300]);
        const error = await rejection(results.next({ timeout: 30 }));
        assert.ok(error instanceof TimeoutError);
        assert.match(error.message, /30 ms/);
        assert.deepEqual(await results.next({ timeout: 10_000 }), { done: false, value: 300 });
        assert.equal((await results.next({ timeout: 10_000 })).done, true);
      }
    },
  );

  testPool(
    'imap: an input that throws at once gives its error at the first next (K272, J262)',
    { context, workers: 1 },
    async (pool) => {
      for (const form of forms) {
        const results = pool[form](square, failingAt(0));
        const error = await rejection(results.next());
        assert.equal(error.message, 'input 0');
        assert.doesNotMatch(String(error.stack), /on worker/);
        assert.deepEqual(await results.next(), { done: true, value: undefined });
        assert.equal(await pool.apply(square, [3]), 9);
      }
    },
  );

  testPool(
    'imap: an input that throws within a chunk of which some was sent (B4)',
    { context, workers: 1 },
    async (pool) => {
      // The unfinished chunk is gone, but for what had been sent.
      for (const [at, bufferSize, least, most] of [
        [5, 3, 3, 5],
        [25, 20, 20, 25],
        [15, 100, 10, 10],
      ] as const) {
        const { values, error } = await collectUntilError(
          pool.imap(square, failingAt(at), { chunkSize: 10, bufferSize }),
        );
        assert.ok(values.length >= least && values.length <= most, `${values.length} results`);
        assert.deepEqual(
          values,
          values.map((_, i) => i * i),
        );
        assert.equal(error.message, `input ${at}`);
      }
    },
  );

  testPool('imap: results before the input threw come first (K273, B4)', { context, workers: 2 }, async (pool) => {
    for (const options of [{}, { chunkSize: 1 }]) {
      const { values, error } = await collectUntilError(pool.imap(square, failingAt(3), options));
      assert.deepEqual(values, [0, 1, 4]);
      assert.equal(error.message, 'input 3');
    }
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool(
    'imap: with chunks of a fixed size, the unfinished one is dropped (K275, B4)',
    { context, workers: 2 },
    async (pool) => {
      const { values, error } = await collectUntilError(pool.imap(square, failingAt(7), { chunkSize: 4 }));
      assert.deepEqual(values, [0, 1, 4, 9]);
      assert.equal(error.message, 'input 7');
      const two = await collectUntilError(pool.imap(square, failingAt(3), { chunkSize: 2 }));
      assert.deepEqual([two.values, two.error.message], [[0, 1], 'input 3']);
    },
  );

  testPool('imapUnordered: the same results, in whatever order (K276)', { context, workers: 2 }, async (pool) => {
    for (const options of [{}, { chunkSize: 1 }, { chunkSize: 53 }]) {
      const values = await collect(pool.imapUnordered(square, range(500), options));
      assert.deepEqual(
        values.toSorted((a, b) => a - b),
        squares(500),
      );
    }
  });

  testPool('imapUnordered: results before the input threw come first (K277)', { context, workers: 2 }, async (pool) => {
    const { values, error } = await collectUntilError(pool.imapUnordered(square, failingAt(3), { chunkSize: 1 }));
    assert.deepEqual(
      values.toSorted((a, b) => a - b),
      [0, 1, 4],
    );
    assert.equal(error.message, 'input 3');
  });

  testPool(
    'imap: a task that throws gives its error at its place, and it goes on (K278, U484)',
    { context, workers: 2 },
    async (pool) => {
      const odd = (x: number): number => {
        if (x === 1) throw new TypeError('one');
        return x;
      };
      const results = pool.imap(odd, range(4));
      assert.equal((await results.next()).value, 0);
      const error = await rejection(results.next());
      assert.ok(error instanceof TypeError);
      assert.match(String(error.stack), /task \d+ of imap\(odd\), input\[1\] = 1/);
      assert.equal((await results.next()).value, 2);
      assert.equal((await results.next()).value, 3);
      assert.equal((await results.next()).done, true);
      assert.deepEqual(await collect(pool.imap(odd, range(4), { onError: 'continue' })), [0, 2, 3]);
      const rest = await collect(pool.imapUnordered(odd, range(4), { onError: 'continue' }));
      assert.deepEqual(
        rest.toSorted((a, b) => a - b),
        [0, 2, 3],
      );
    },
  );

  testPool('imap: a chunk of less than one is refused (K279, U487)', { context, workers: 1 }, (pool) => {
    for (const form of forms)
      for (const chunkSize of [0, -1, 0.5, Number.NaN])
        assert.throws(() => pool[form](square, [1], { chunkSize }), ArgumentRangeError);
  });

  testPool('imap: reads only a bounded way ahead (K280, V521, W524, B5)', { context, workers: 2 }, async (pool) => {
    for (const form of forms) {
      for (const [options, most] of [
        [{ chunkSize: 5 }, 2 * 2 * 5],
        [{ bufferSize: 3 }, 3],
        [{ bufferSize: 1 }, 1],
      ] as const) {
        let read = 0;
        function* endless(): Generator<number> {
          for (;;) yield read++;
        }
        let taken = 0;
        for await (const _ of pool[form](square, endless(), options)) {
          assert.ok(read <= taken + most + 1, `${read} inputs read for ${taken} results, ${JSON.stringify(options)}`);
          if (++taken === 50) break;
        }
      }
    }
  });

  testPool('imap: an unread stream reads no more than its window (K280)', { context, workers: 1 }, async (pool) => {
    let read = 0;
    function* endless(): Generator<number> {
      for (;;) yield read++;
    }
    const results = pool.imap(square, endless());
    assert.equal((await results.next()).value, 0);
    await eventually(() => pool.statistics().running === 0);
    const now = read;
    await pool.apply(square, [1]);
    assert.equal(read, now);
    assert.ok(read <= 20, String(read));
    await results.return();
  });

  testPool(
    'imap: break stops the reading, runs finally, and frees the workers (K281, W530)',
    { context, workers: 2 },
    async (pool) => {
      for (const form of forms) {
        let ended = 0;
        function* endless(): Generator<number> {
          try {
            for (let i = 0; ; i++) yield i;
          } finally {
            ended++;
          }
        }
        for await (const value of pool[form](square, endless())) if (value > 100) break;
        assert.equal(ended, 1);
        async function* endlessly(): AsyncGenerator<number> {
          yield* endless();
        }
        for await (const value of pool[form](square, endlessly())) if (value > 100) break;
        // A break does not wait for the item that an asynchronous input is at.
        await eventually(() => ended === 2);
        await assert.rejects(async () => {
          for await (const _ of pool[form](square, endless())) throw new Error('the consumer');
        }, /the consumer/);
        assert.equal(ended, 3);
        assert.equal(await pool.apply(square, [3]), 9);
      }
    },
  );

  testPool('imap: an asynchronous input, and its errors (K282)', { context, workers: 2 }, async (pool) => {
    async function* input(failAt: number): AsyncGenerator<number> {
      for (let i = 0; i < 200; i++) {
        if (i === failAt) throw new RangeError(`input ${i}`);
        if (i % 50 === 0) await pause(1);
        yield i;
      }
    }
    assert.deepEqual(await collect(pool.imap(square, input(Infinity))), squares(200));
    assert.deepEqual(await collect(pool.imap(square, input(Infinity), { chunkSize: 7 })), squares(200));
    const { values, error } = await collectUntilError(pool.imap(square, input(60)));
    assert.deepEqual(values, squares(60));
    assert.equal(error.message, 'input 60');
  });

  testPool(
    'imap: the first result of a slow asynchronous input does not wait for the next input',
    { context, workers: 1 },
    async (pool) => {
      let goOn!: () => void;
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      async function* input(): AsyncGenerator<number> {
        yield 1;
        await gate;
        yield 2;
      }
      const results = pool.imap(square, input());
      assert.deepEqual(await results.next(), { done: false, value: 1 });
      goOn();
      assert.deepEqual(await collect(results), [4]);
    },
  );

  testPool('imapUnordered: the fastest first (K284, W528)', { context, workers: 2 }, async (pool) => {
    await pool.broadcast(() => 0);
    assert.deepEqual(await collect(pool.imapUnordered(pause, [800, 1], { chunkSize: 1 })), [1, 800]);
    assert.deepEqual(await collect(pool.imap(pause, [200, 1], { chunkSize: 1 })), [200, 1]);
  });

  testPool('imap: terminate ends a stream that is half read (V515)', { context, workers: 1 }, async (pool) => {
    let ended = false;
    const results = pool.imap(
      square,
      failingAt(Infinity, () => (ended = true)),
      { chunkSize: 1 },
    );
    assert.equal((await results.next()).value, 0);
    await pool.terminate();
    assert.ok((await rejection(results.next())) instanceof PoolTerminatedError);
    assert.equal((await results.next()).done, true);
    assert.ok(ended);
  });

  testPool('imap: two open streams of one pool take turns (W529)', { context, workers: 2 }, async (pool) => {
    const a = pool.imap(square, range(100));
    const b = pool.imapUnordered((x: number) => -x, range(100));
    const seen: number[] = [];
    for await (const value of a) seen.push(value, (await b.next()).value ?? Number.NaN);
    assert.equal(seen.length, 200);
    assert.deepEqual(await b.next(), { done: true, value: undefined });
  });

  testPool('imap: nexts that are asked for together come in order', { context, workers: 2 }, async (pool) => {
    const results = pool.imap(square, range(5));
    const all = await Promise.all(Array.from({ length: 7 }, () => results.next()));
    assert.deepEqual(
      all.map(({ value }) => value),
      [0, 1, 4, 9, 16, undefined, undefined],
    );
  });

  testPool(
    'imap: an input whose return throws ends the consumer with that error (B4)',
    { context, workers: 1 },
    async (pool) => {
      const input = {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false as const, value: 1 }),
          return: () => {
            throw new Error('return');
          },
        }),
      };
      await assert.rejects(async () => {
        for await (const _ of pool.imap(square, input)) break;
      }, /^Error: return$/);
      assert.equal(await pool.apply(square, [3]), 9);
    },
  );

  testPool('imap: an input that hangs holds up only its own stream (B4)', { context, workers: 1 }, async (pool) => {
    async function* hanging(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => {});
    }
    const results = pool.imap(square, hanging());
    assert.equal((await results.next()).value, 1);
    assert.ok((await rejection(results.next({ timeout: 50 }))) instanceof TimeoutError);
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool('imap: break does not wait for an input that hangs', { context, workers: 1 }, async (pool) => {
    async function* hanging(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => {});
    }
    for await (const _ of pool.imap(square, hanging())) break;
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool('imap: results that nobody has taken outlive a closed pool', { context, workers: 2 }, async (pool) => {
    const results = pool.imap(square, [1, 2, 3]);
    pool.close();
    await pool.join();
    assert.deepEqual(await collect(results), [1, 4, 9]);
  });

  testPool('next: a timeout longer than timers can be is none', { context, workers: 1 }, async (pool) => {
    const results = pool.imap(pause, [50]);
    assert.deepEqual(await results.next({ timeout: 2 ** 32 }), { done: false, value: 50 });
    assert.equal(await pool.apply(pause, [50]).get({ timeout: 2 ** 32 }), 50);
  });
});
