// A list that all processes share: 100 tasks on a pool of 4 append to it.
//   manager = Manager(); q = manager.list()
//   pool = Pool(4)
//   for i in range(100): pool.apply_async(func, args=(i, q))
//   pool.close(); pool.join(); print(q)
import assert from 'node:assert/strict';
import { Manager, Pool } from 'manycore';
import type { ListProxy } from 'manycore/managers';

async function func(i: number, list: ListProxy<[number, number]>): Promise<void> {
  await list.append([i, i + 1]);
}

await using manager = new Manager();
const list = manager.list<[number, number]>();
const pool = new Pool(4);
for (let i = 0; i < 100; i++) void pool.applyAsync(func, [i, list]);
pool.close();
await pool.join();
const pairs = await list.value();
console.log(pairs);

assert.equal(pairs.length, 100);
assert.deepEqual(
  pairs.toSorted(([a], [b]) => a - b),
  Array.from({ length: 100 }, (_, i) => [i, i + 1]),
);
