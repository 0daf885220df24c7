import assert from 'node:assert/strict';
import { eachContext, testPool } from '../matrix.ts';

eachContext((context) => {
  testPool('pool: apply runs a function with its arguments (J242)', { context, workers: 2 }, async (pool) => {
    assert.equal(await pool.apply((a: number, b: number) => a - b, [7, 2]), 5);
    assert.equal(await pool.apply(() => 'no arguments'), 'no arguments');
  });
});
