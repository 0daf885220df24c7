// Coroutines in workers: 100 tasks that mostly wait, on 2 workers with 50 at once each, take about as long as one.
//   async def crawl(n): await asyncio.sleep(0.3)
//   asyncio.run(asyncio.gather(*[crawl(n) for n in chunk]))      # in each of two processes
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, range } from 'manycore';

async function crawl(page: number): Promise<{ page: number; pid: number }> {
  await sleep(300);
  return { page, pid: process.pid };
}

await using pool = new Pool(2, { concurrency: 50 });
await pool.broadcast(() => undefined);

const start = performance.now();
const pages = await pool.map(crawl, range(100));
const elapsedMs = performance.now() - start;

console.log(
  `100 tasks of 300 ms by ${new Set(pages.map(({ pid }) => pid)).size} processes: ${elapsedMs.toFixed(0)} ms`,
);
assert.deepEqual(
  pages.map(({ page }) => page),
  [...range(100)],
);
assert.ok(elapsedMs < 100 * 300 * 0.5, 'far less than one after the other');
