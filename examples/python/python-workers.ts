// Jobs from TypeScript, done by Python: the queues are in a Python manager's server, work_queue.py.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { python, type Result, withQueues } from './queues.ts';

await withQueues(async (jobs, results, port) => {
  const workers = [python('work', port), python('work', port)];
  const ended = Promise.all(workers.map((worker) => once(worker, 'exit')));
  await Promise.all(Array.from({ length: 20 }, (_, n) => jobs.put({ n })));

  const squares: Result[] = [];
  while (squares.length < 20) squares.push(await results.get());
  for (const _ of workers) await jobs.put(null);
  await ended;
  console.log(squares);

  assert.deepEqual(
    squares.map(({ square }) => square).toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n * n),
  );
  assert.ok(squares.every(({ by }) => by === 'Python'));
});
