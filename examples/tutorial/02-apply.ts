// Synchronous calls: each is awaited before the next is made, so four workers are no faster than one.
//   p = Pool(4)
//   for i in range(10): res = p.apply(func, args=(i,)); print(res)
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'manycore';

async function func(i: number): Promise<number> {
  await sleep(50);
  return i * i;
}

await using p = new Pool(4);
const results: number[] = [];
const start = performance.now();
for (let i = 0; i < 10; i++) {
  const res = await p.apply(func, [i]);
  console.log(res);
  results.push(res);
}

assert.deepEqual(results, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
assert.ok(performance.now() - start >= 10 * 45, 'one after the other');
