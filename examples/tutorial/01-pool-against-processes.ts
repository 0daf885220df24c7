// The same 100 calls by four pool workers and by 100 processes of their own, both timed. What costs is starting processes.
//   pool = Pool(4); pool.map(func, range(100)); pool.close(); pool.join()
//   p_lst = [Process(target=func, args=(i,)) for i in range(100)]; [p.start() for p in p_lst]; [p.join() for p in p_lst]
import assert from 'node:assert/strict';
import { Pool, Process, range } from 'manycore';

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
const processes = Array.from(range(100), (i) => new Process({ target: func, args: [i] }));
for (const p of processes) p.start();
for (const p of processes) await p.join();
const processMs = performance.now() - start2;

console.log(`${poolMs.toFixed(0)} ms by ${new Set(poolPids).size} pool workers`);
console.log(`${processMs.toFixed(0)} ms by ${processes.length} processes`);

assert.ok(new Set(poolPids).size <= 4);
assert.equal(new Set(processes.map((p) => p.pid)).size, 100);
assert.ok(processes.every((p) => p.exitCode === 0));
assert.ok(poolMs < processMs, 'the pool is faster');
