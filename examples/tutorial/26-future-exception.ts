// A task that fails makes no noise of its own: its error waits in the future. A callback that asks `exception()` sees each error
// once, and each value once.
//   def done(future):
//       if future.exception() is not None: print('error:', future.exception())
//       else: print('result:', future.result())
//   for n in range(10): executor.submit(work, n).add_done_callback(done)
import assert from 'node:assert/strict';
import { ProcessPoolExecutor, wait, type Future } from 'manycore/futures';

function work(n: number): number {
  if (n % 2 === 0) throw new RangeError(`${n} is even`);
  return n * n;
}

const errors: string[] = [];
const values: number[] = [];

async function done(future: Future<number>): Promise<void> {
  const error = await future.exception();
  if (error === undefined) {
    values.push(await future);
    console.log('result:', values.at(-1));
  } else {
    errors.push(error.message);
    console.log('error:', error.message);
  }
}

await using executor = new ProcessPoolExecutor({ maxWorkers: 2 });
const futures = Array.from({ length: 10 }, (_, n) => executor.submit(work, n));
const told: Promise<void>[] = [];
for (const each of futures) each.addDoneCallback((future) => told.push(done(future)));
await wait(futures);
await Promise.all(told);

assert.deepEqual(
  errors.toSorted(),
  [0, 2, 4, 6, 8].map((n) => `${n} is even`),
);
assert.deepEqual(
  values.toSorted((a, b) => a - b),
  [1, 9, 25, 49, 81],
);
