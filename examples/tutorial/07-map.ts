// The shortest program: a function over a list.
//   pool = Pool(4)
//   print(pool.map(square, [1, 2, 3, 4]))
import assert from 'node:assert/strict';
import { Pool } from 'manycore';

const square = (x: number): number => x * x;

await using pool = new Pool(4);
const squares = await pool.map(square, [1, 2, 3, 4]);
console.log(squares);
assert.deepEqual(squares, [1, 4, 9, 16]);
