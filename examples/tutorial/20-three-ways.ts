// 20,000 squares by three calls, timed; and the same in Python where python3 is installed. The work is nothing: this shows
// what a call costs.
//   pool.map_async(square, numbers) | [pool.apply_async(square, (n,), callback=...) for n in numbers] | pool.imap(square, numbers)
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Pool, range } from 'manycore';

const count = 20_000;
const square = (n: number): number => n * n;
const numbers = range(count).toArray();
const expected = numbers.map(square);
const times: { call: string; manycore: string; python3: string }[] = [];

async function timed(call: string, run: () => Promise<number[]>): Promise<void> {
  const start = performance.now();
  const results = await run();
  times.push({ call, manycore: ((performance.now() - start) / 1_000).toFixed(3), python3: '' });
  assert.deepEqual(results, expected, call);
}

await using pool = new Pool(6);
await pool.broadcast(() => undefined);

await timed('mapAsync', () => pool.mapAsync(square, numbers).get());
await timed('applyAsync', async () => {
  const results: number[] = Array.from({ length: count });
  await Promise.all(numbers.map((n) => pool.applyAsync(square, [n], { callback: (value) => (results[n] = value) })));
  return results;
});
await timed('imap', async () => {
  const results: number[] = [];
  for await (const value of pool.imap(square, numbers)) results.push(value);
  return results;
});

const program = `
import time
from multiprocessing import Pool
def square(n): return n * n
if __name__ == '__main__':
    with Pool(6) as pool:
        pool.map(square, range(6))
        numbers = range(${count})
        t = time.time(); pool.map_async(square, numbers).get(); print('%.3f' % (time.time() - t))
        t = time.time(); out = []
        rs = [pool.apply_async(square, (n,), callback=out.append) for n in numbers]
        for r in rs: r.wait()
        print('%.3f' % (time.time() - t))
        t = time.time(); list(pool.imap(square, numbers)); print('%.3f' % (time.time() - t))
`;
const python = spawnSync('python3', ['-'], { input: program, encoding: 'utf8', timeout: 50_000 });
if (python.status === 0) {
  for (const [i, seconds] of python.stdout.trim().split('\n').entries()) {
    const row = times[i];
    if (row !== undefined) row.python3 = seconds;
  }
}

console.log(`${count} squares on 6 workers, seconds`);
console.log('call        manycore   python3');
for (const { call, manycore, python3 } of times) {
  console.log(`${call.padEnd(12)}${manycore.padStart(8)}${(python3 || '-').padStart(10)}`);
}
