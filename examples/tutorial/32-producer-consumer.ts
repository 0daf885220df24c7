// A queue between a producer and a consumer process.
//   def producer(q): q.put('bread')
//   def consumer(q): print('got', q.get())
import assert from 'node:assert/strict';
import { Process, Queue } from 'manycore';
import { transcript } from './transcript.ts';

const lines = transcript();

async function producer(q: Queue<string>): Promise<void> {
  await q.put('bread');
}

async function consumer(q: Queue<string>): Promise<void> {
  console.log('got', await q.get());
}

const q = new Queue<string>();
const children = [producer, consumer].map((target) => new Process({ target, args: [q] }).start());
await Promise.all(children.map((child) => child.join()));

assert.deepEqual(lines, ['got bread']);
