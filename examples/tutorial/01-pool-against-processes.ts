// The same 100 calls by four pool workers and by 100 processes of their own, both timed. What costs is starting processes.
//   pool = Pool(4); pool.map(func, range(100)); pool.close(); pool.join()
//   p_lst = [Process(target=func, args=(i,)) for i in range(100)]; [p.start() for p in p_lst]; [p.join() for p in p_lst]
// The processes are those of a pool that replaces its worker after each task.
import assert from 'node:assert/strict';
import { Pool, range } from 'manycore';

function func(n: number): number {
  for (let i = 0; i < 10; i++) n += 1;
  return process.pid;
}

const start = performance.now();
const pool = new Pool(4);
const poolPids = await pool.map(func, range(100));
pool.close();
await pool.join();
const poolMs = performance.now() - start;

const start2 = performance.now();
const processes = new Pool(4, { maxTasksPerChild: 1 });
const processPids = await processes.map(func, range(100), { chunkSize: 1 });
processes.close();
await processes.join();
const processMs = performance.now() - start2;

console.log(`${poolMs.toFixed(0)} ms by ${new Set(poolPids).size} pool workers`);
console.log(`${processMs.toFixed(0)} ms by ${new Set(processPids).size} processes`);

assert.ok(new Set(poolPids).size <= 4);
assert.equal(new Set(processPids).size, 100);
assert.ok(poolMs < processMs, 'the pool is faster');
