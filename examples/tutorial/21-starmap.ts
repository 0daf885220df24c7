// Functions of several arguments: each item is a list of them. The types are checked for each place.
//   pool.starmap(add, [(1, 2), (3, 4)]); pool.starmap_async(add, zip(a, b)).get()
import assert from 'node:assert/strict';
import { Pool, zip } from 'manycore';

const add = (x: number, y: number): number => x + y;

await using pool = new Pool(4);
const sums = await pool.starmap(add, [
  [1, 2],
  [3, 4],
  [5, 6],
]);
console.log(sums);

const a = [1, 2, 3];
const b = [10, 20, 30];
const result = pool.starmapAsync(add, zip(a, b));
const more = await result.get();
console.log(more);

const boxes = await pool.starmap(
  (w, h, tag) => `${tag}:${w * h}`,
  [
    [2, 3, 'a'],
    [4, 5, 'b'],
  ],
);
console.log(boxes);

assert.deepEqual(sums, [3, 7, 11]);
assert.deepEqual(more, [11, 22, 33]);
assert.deepEqual(boxes, ['a:6', 'b:20']);
