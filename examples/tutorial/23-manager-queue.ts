// A queue that a pool can use: 20 writers on the pool, and a process that reads.
//   q = Manager().Queue()
//   reader = Process(target=read, args=(q,)); reader.start()
//   for i in range(20): pool.apply_async(write, args=(q, i))
//   pool.close(); pool.join(); q.put(None); reader.join()
import assert from 'node:assert/strict';
import { Manager, Pool, Process } from 'manycore';
import type { QueueProxy } from 'manycore/managers';
import { transcript } from './transcript.ts';

async function write(q: QueueProxy<string | null>, i: number): Promise<void> {
  await q.put(`line ${i}`);
}

async function read(q: QueueProxy<string | null>): Promise<void> {
  for await (const line of q) {
    if (line === null) return;
    console.log('read', line);
  }
}

const printed = transcript();
await using manager = new Manager();
const q = manager.Queue<string | null>();
const reader = new Process({ target: read, args: [q] });
reader.start();
const pool = new Pool(4);
for (let i = 0; i < 20; i++) void pool.applyAsync(write, [q, i]);
pool.close();
await pool.join();
await q.put(null);
await reader.join();
console.log('all read');

assert.equal(printed.length, 21);
assert.deepEqual(new Set(printed.slice(0, 20)), new Set(Array.from({ length: 20 }, (_, i) => `read line ${i}`)));
assert.equal(printed.at(-1), 'all read');
