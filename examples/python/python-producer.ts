// The reverse: jobs from Python, done by a pool of TypeScript. Its tasks have the queues as arguments.
import assert from 'node:assert/strict';
import { Pool } from 'manycore';
import { firstLine, python, withQueues } from './queues.ts';

await withQueues(async (jobs, results, port) => {
  const told = firstLine(python('produce', port));
  await using pool = new Pool(2);
  const working = pool.map(
    async (by) => {
      for (;;) {
        const job = await jobs.get();
        if (job === null) return;
        await results.put({ n: job.n, square: job.n ** 2, by });
      }
    },
    ['TypeScript', 'TypeScript'],
  );
  const line = await told;
  await jobs.put(null);
  await jobs.put(null);
  await working;
  console.log('Python has found', line);

  assert.equal(line, "2470 {'TypeScript'}");
});
