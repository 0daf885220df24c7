// close(), join(), then get(): the workers have ended before the first result is looked at, and nothing is lost.
//   p.close(); p.join()
//   for res in res_l: print(res.get())
//   print('main process')
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, PoolClosedError, PoolRunningError } from 'manycore';

async function func(i: number): Promise<number> {
  await sleep(50);
  return i * i;
}

const p = new Pool(4);
const resList = Array.from({ length: 10 }, (_, i) => p.applyAsync(func, [i]));
await assert.rejects(p.join(), PoolRunningError, 'join() before close() is an error');

p.close();
assert.throws(() => p.applyAsync(func, [10]), PoolClosedError, 'submitting after close() is an error');
await p.join();

const results: number[] = [];
for (const res of resList) {
  assert.ok(res.ready());
  results.push(await res.get());
  console.log(results.at(-1));
}
console.log('main process');
assert.deepEqual(results, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
