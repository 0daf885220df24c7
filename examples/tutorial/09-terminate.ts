// terminate() with work pending ends the workers at once. Python leaves the results pending for ever; here they reject.
//   results = [pool.apply_async(time.sleep, (60,)) for _ in range(8)]
//   pool.terminate(); pool.join()
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, PoolTerminatedError } from 'manycore';

const start = performance.now();
const pool = new Pool(4);
const results = Array.from({ length: 8 }, (_, i) => pool.applyAsync(sleep, [60_000, i]));
await results[0]?.wait({ timeout: 300 });

await pool.terminate();
await pool.join();
const elapsedMs = performance.now() - start;
console.log(`terminated after ${elapsedMs.toFixed(0)} ms`);

for (const [i, result] of results.entries()) {
  assert.ok(result.ready(), 'nothing hangs');
  const error: unknown = await result.catch((reason: unknown) => reason);
  assert.ok(error instanceof PoolTerminatedError);
  console.log(i, error.name);
}
assert.ok(elapsedMs < 30_000);
