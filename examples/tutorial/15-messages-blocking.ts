// The same with blocking calls: each message has ended before the next begins, and "Mark" comes after all of them.
//   for i in range(4): pool.apply(func, ("hello %d" % i,))
//   print("Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~")
//   pool.close(); pool.join(); print("Sub-process(es) done.")
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'manycore';
import { transcript } from './transcript.ts';

async function func(msg: string): Promise<void> {
  console.log('msg:', msg);
  await sleep(100);
  console.log('end');
}

const printed = transcript();
const pool = new Pool(3);
for (let i = 0; i < 4; i++) await pool.apply(func, [`hello ${i}`]);
console.log('Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~');
pool.close();
await pool.join();
console.log('Sub-process(es) done.');

const pairs = [0, 1, 2, 3].flatMap((i) => [`msg: hello ${i}`, 'end']);
assert.deepEqual(printed, [...pairs, 'Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~', 'Sub-process(es) done.']);
