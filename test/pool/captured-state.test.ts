import { strict as assert } from 'node:assert';
import { eachContext, testPool } from '../matrix.ts';

eachContext((context) => {
  testPool(
    'captured values are copied for each call: what one changed another does not see (T457)',
    { context, workers: 1 },
    async (pool) => {
      const counter = { n: 0 };
      const increment = (): number => ++counter.n;
      assert.deepEqual(await Promise.all([pool.apply(increment), pool.apply(increment)]), [1, 1]);
      counter.n = 10;
      assert.equal(await pool.apply(increment), 11);
      assert.equal(counter.n, 10);
    },
  );

  testPool(
    'within one call a worker keeps what the function captured (T457)',
    { context, workers: 1 },
    async (pool) => {
      const seen: number[] = [];
      const lengths = await pool.map((x: number) => seen.push(x), [7, 8, 9]);
      assert.deepEqual(lengths, [1, 2, 3]);
      assert.equal(seen.length, 0);
      assert.deepEqual(await pool.map((x: number) => seen.push(x), [7]), [1]);
    },
  );

  testPool(
    'a captured buffer is the same for every item of a batch in which one cannot be sent',
    { context, workers: 1 },
    async (pool) => {
      const table = new Float64Array(4_096).fill(7);
      const items = [{ other: table }, { map: new WeakMap() }, { other: new Float64Array(4_096).fill(99) }];
      const look = (): number | undefined => table[0];
      const outcomes = await pool.mapSettled(look, items, { chunkSize: 3 });
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.name)),
        [7, 'SerializationError', 7],
      );
      assert.deepEqual(await pool.map(look, [1, 2]), [7, 7]);
    },
  );
});
