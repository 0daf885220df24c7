// The same with results, kept in a list and asked for at the end: they come in the order in which they were submitted.
//   for i in range(3): result.append(pool.apply_async(func, ("hello %d" % i,)))
//   pool.close(); pool.join()
//   for res in result: print(":::", res.get())
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type AsyncResult } from 'manycore';

async function func(msg: string, ms: number): Promise<string> {
  console.log('msg:', msg);
  await sleep(ms);
  console.log('end');
  return `done${msg}`;
}

const pool = new Pool(3);
const result: AsyncResult<string>[] = [];
// The first takes longest: the order of the results is not that of their ends.
for (let i = 0; i < 3; i++) result.push(pool.applyAsync(func, [`hello ${i}`, 300 - 100 * i]));
pool.close();
await pool.join();

const answers: string[] = [];
for (const res of result) {
  answers.push(await res.get());
  console.log(':::', answers.at(-1));
}
console.log('Sub-process(es) done.');
assert.deepEqual(answers, ['donehello 0', 'donehello 1', 'donehello 2']);
