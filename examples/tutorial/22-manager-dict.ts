// A dict that all processes share, filled by 20 tasks.
//   d = Manager().dict()
//   for i in range(20): pool.apply_async(square, args=(d, i))
//   pool.close(); pool.join(); print(d)
import assert from 'node:assert/strict';
import { Manager, Pool } from 'manycore';
import type { DictProxy } from 'manycore/managers';

async function square(d: DictProxy<number, number>, i: number): Promise<void> {
  await d.set(i, i * i);
}

await using manager = new Manager();
const d = manager.dict<number, number>();
const pool = new Pool(4);
for (let i = 0; i < 20; i++) void pool.applyAsync(square, [d, i]);
pool.close();
await pool.join();
const squares = await d.value();
console.log(squares);

assert.equal(squares.size, 20);
for (const [i, squared] of squares) assert.equal(squared, i * i);
