// An elastic pool (Python has none): 3 workers at rest, up to 20 while tasks wait, then back to 3.
//   pool = Pool(min=3, max=20)      # if there were one
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, range } from 'manycore';

await using pool = new Pool({ min: 3, max: 20, idleTimeout: 300 });
const start = performance.now();
const sizes: number[] = [];

function look(): void {
  const { workers, waiting } = pool.statistics();
  if (workers.length === sizes.at(-1)) return;
  sizes.push(workers.length);
  const ms = (performance.now() - start).toFixed(0).padStart(5);
  console.log(`${ms} ms  ${'#'.repeat(workers.length).padEnd(20)} ${workers.length} workers, ${waiting} tasks wait`);
}

await pool.apply(() => 'warm');
look();
const work = pool.map(() => sleep(300), range(100), { chunkSize: 1 });
while (!work.ready()) {
  look();
  await sleep(10);
}
await work;
const deadline = performance.now() + 30_000;
while (pool.statistics().workers.length > 3 && performance.now() < deadline) {
  look();
  await sleep(10);
}
look();

assert.equal(sizes[0], 3);
assert.equal(Math.max(...sizes), 20);
assert.equal(sizes.at(-1), 3);
