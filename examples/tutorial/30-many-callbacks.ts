// 10,000 asynchronous calls with a callback that prints. Each is called once, here, in the main process.
//   for i in range(10000): pool.apply_async(func, (i,), callback=print)
//   pool.close(); pool.join()
import assert from 'node:assert/strict';
import { Pool } from 'manycore';

const seen = new Set<number>();
let calls = 0;

const pool = new Pool(4);
for (let i = 0; i < 10_000; i++) {
  void pool.applyAsync((n: number) => 2 * n, [i], {
    callback: (value) => {
      console.log(value);
      seen.add(value);
      calls++;
    },
  });
}
pool.close();
await pool.join();

console.log(`${calls} callbacks`);
assert.equal(calls, 10_000);
assert.equal(seen.size, 10_000);
