/** When what travels is copied. */
import { strict as assert } from 'node:assert';
import { Pool, Process, TaskTimeoutError } from 'manycore';
import { eachContext, rejection, testClean, testPool } from '../matrix.ts';

/** Below, at and above the sizes from which buffers go beside their message, through shared memory, and uncopied. */
const sizes = [1_000, 20_000, 100_000, 2 ** 21];

eachContext((context) => {
  testPool('arguments are copied at the call, buffers of any size too', { context, workers: 1 }, async (pool) => {
    const first = (bytes: Uint8Array): number => bytes[0]!;
    await pool.broadcast(() => 0);
    for (const size of sizes) {
      const bytes = new Uint8Array(size).fill(1);
      // The first goes to a worker that is free, the others wait.
      const results = Array.from({ length: 3 }, (_, i) => {
        const result = pool.apply(first, [bytes.fill(i)]);
        bytes.fill(9);
        return result;
      });
      assert.deepEqual(await Promise.all(results), [0, 1, 2], `${size} bytes`);
    }
  });

  testPool('so is what a function captured', { context, workers: 1 }, async (pool) => {
    for (const size of sizes) {
      const bytes = new Uint8Array(size).fill(1);
      const results = pool.map(() => bytes[0], [0, 0, 0]);
      bytes.fill(2);
      assert.deepEqual(await results, [1, 1, 1], `${size} bytes`);
    }
  });

  testClean('so are the arguments of an initializer, for workers that come later too', {}, async () => {
    const bytes = new Uint8Array(20_000).fill(1);
    await using pool = new Pool({
      context,
      workers: 1,
      initializer: (its: Uint8Array) => Object.assign(globalThis, { first: its[0] }),
      initArgs: [bytes],
    });
    const first = (): unknown => Reflect.get(globalThis, 'first');
    assert.equal(await pool.apply(first), 1);
    bytes.fill(2);
    await rejection(pool.apply(() => process.exit(1)));
    assert.equal(await pool.apply(first), 1);
  });

  testClean('so are the arguments of a Process', {}, async () => {
    const lists = Array.from({ length: 20 }, () => new Uint8Array(60_000).fill(1));
    const p = new Process({
      context,
      target: (its: Uint8Array[]) => process.exit(its.every((bytes) => bytes.every((byte) => byte === 1)) ? 7 : 8),
      args: [lists],
    }).start();
    for (const bytes of lists) bytes.fill(2);
    await p.join();
    assert.equal(p.exitCode, 7);
    p.close();
  });

  testPool('results are what they were when the task returned them', { context, workers: 1 }, async (pool) => {
    const scratch = { bytes: new Float64Array(4), record: { x: 0 }, deep: { list: [] as number[] }, tuple: [0, 0] };
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const cases: readonly { fn: (x: number) => unknown; expected: (x: number) => unknown }[] = [
      { fn: (x) => scratch.bytes.fill(x), expected: (x) => new Float64Array(4).fill(x) },
      { fn: (x) => Object.assign(scratch.record, { x }), expected: (x) => ({ x }) },
      { fn: (x) => scratch.tuple.fill(x), expected: (x) => [x, x] },
      {
        fn: (x) => {
          scratch.deep.list = scratch.deep.list.slice(0, x - 1);
          scratch.deep.list.push(x);
          return scratch.deep;
        },
        expected: (x) => ({ list: items.slice(0, x) }),
      },
    ];
    for (const { fn, expected } of cases) {
      assert.deepEqual(await pool.map(fn, items), items.map(expected));
      assert.deepEqual(await pool.map(fn, items, { chunkSize: 8 }), items.map(expected));
    }
  });

  testPool(
    'a task that never ends costs no results of those before it (V10)',
    { context, workers: 1 },
    async (pool) => {
      const fn = (x: number): number => {
        for (;;) if (x >= 0) return x;
      };
      const options = { timeout: 50, grace: 0 };
      await pool.map(fn, Array.from({ length: 2_000 }).fill(1) as number[], options);
      const items = Array.from({ length: 40 }, (_, i) => (i === 17 ? -1 : i));
      const outcomes = await pool.mapSettled(fn, items, options);
      assert.deepEqual(
        outcomes.flatMap((outcome, i) => (outcome.status === 'rejected' ? [[i, outcome.reason.constructor]] : [])),
        [[17, TaskTimeoutError]],
      );
    },
  );
});
