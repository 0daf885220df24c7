// `join()` of a queue returns when each item that was got was followed by `taskDone()`.
//   def worker(q):
//       while True: print('doing', q.get()); q.task_done()
//   q = JoinableQueue(); Process(target=worker, args=(q,), daemon=True).start()
//   for i in range(5): q.put(i)
//   q.join(); print('all done')
import assert from 'node:assert/strict';
import { JoinableQueue, Process, Queue } from 'manycore';

async function worker(q: JoinableQueue<number>, done: Queue<string>): Promise<void> {
  for await (const item of q) {
    await done.put(`item ${item}`);
    q.taskDone();
  }
}

const q = new JoinableQueue<number>();
const done = new Queue<string>();
const child = new Process({ target: worker, args: [q, done], daemon: true }).start();
for (let i = 0; i < 5; i++) await q.put(i);
await q.join();

const lines: string[] = [];
while (!done.empty()) lines.push(await done.get());
lines.push('all done');
console.log(lines.join('\n'));
assert.deepEqual(lines, ['item 0', 'item 1', 'item 2', 'item 3', 'item 4', 'all done']);
q.shutdown();
await child.join();
