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
});
