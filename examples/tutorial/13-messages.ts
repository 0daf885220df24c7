// Non-blocking calls: the main process goes on at once, so "Mark" is printed before anything of the workers.
//   for i in range(4): pool.apply_async(func, ("hello %d" % i,))
//   print("Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~")
//   pool.close(); pool.join(); print("Sub-process(es) done.")
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'manycore';
import { transcript } from './transcript.ts';

async function func(msg: string): Promise<void> {
  console.log('msg:', msg);
  await sleep(300);
  console.log('end');
}

const printed = transcript();
const pool = new Pool(3);
for (let i = 0; i < 4; i++) void pool.applyAsync(func, [`hello ${i}`]);
console.log('Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~');
pool.close();
await pool.join();
console.log('Sub-process(es) done.');

assert.equal(printed.length, 10);
assert.match(printed[0] ?? '', /^Mark/);
assert.equal(printed.at(-1), 'Sub-process(es) done.');
assert.equal(printed.filter((line) => line.startsWith('msg: hello')).length, 4);
assert.match(printed[2] ?? '', /^msg/, 'a second one begins before the first has ended');
