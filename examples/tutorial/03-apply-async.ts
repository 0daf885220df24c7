// Asynchronous calls: all are made at once, the results are collected later. Four run at a time.
//   for i in range(10): res = p.apply_async(func, args=(i,)); res_l.append(res)
//   for res in res_l: print(res.get())
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type AsyncResult } from 'manycore';

async function func(i: number): Promise<{ square: number; from: number; to: number }> {
  const from = Date.now();
  await sleep(100);
  return { square: i * i, from, to: Date.now() };
}

await using p = new Pool(4);
const resList: AsyncResult<{ square: number; from: number; to: number }>[] = [];
for (let i = 0; i < 10; i++) resList.push(p.applyAsync(func, [i]));

const runs: { square: number; from: number; to: number }[] = [];
for (const res of resList) {
  const run = await res.get();
  console.log(run.square);
  runs.push(run);
}

const atOnce = runs.map(({ from }) => runs.filter((run) => run.from <= from && from < run.to).length);
console.log(`at most ${Math.max(...atOnce)} at a time`);
assert.deepEqual(
  runs.map(({ square }) => square),
  [0, 1, 4, 9, 16, 25, 36, 49, 64, 81],
);
assert.ok(Math.max(...atOnce) > 1 && Math.max(...atOnce) <= 4);
