// A tour of the interface in one program: maps, streams, cancellation, futures, shared memory, a manager.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Manager, Pool, range, SharedArray, task, TaskTimeoutError, WorkerLostError } from 'manycore';
import { asCompleted, ProcessPoolExecutor } from 'manycore/futures';

const salt = 'pepper'; // closures travel: no worker file, no registration

await using pool = new Pool({ min: 3, max: 20, maxTasksPerChild: 1_000 });

const squares = await pool.map((x) => x * x, range(10_000), { progress: 'squares' }); // number[]
const boxes = await pool.starmap(
  (w, h, tag) => `${tag}:${w * h}`,
  [
    [2, 3, 'a'],
    [4, 5, 'b'],
  ],
); // string[]

const lines = createInterface({ input: createReadStream(new URL('../../README.md', import.meta.url)) });
const digests = pool.imapUnordered(
  (line: string) => ({
    line,
    digest: createHash('sha256')
      .update(salt + line)
      .digest('hex'),
  }),
  lines,
  { chunkSize: 256 },
);
for await (const { line, digest } of digests) {
  if (digest.startsWith('0')) {
    console.log('found', digest, line);
    break; // what has not begun is dropped, and no more is read
  }
}

const stop = new AbortController();
const render = pool.applyAsync(
  async (frames: number) => {
    for (let i = 0; i < frames && !task().signal.aborted; i++) task().progress(i + 1, frames);
    return 'movie.mp4';
  },
  [500],
  { signal: stop.signal, timeout: 30_000, retries: 2, name: 'render' },
);
try {
  console.log('rendered', await render);
} catch (error) {
  if (error instanceof TaskTimeoutError) console.error(`task ${error.task.id} took too long`);
  else if (error instanceof WorkerLostError) console.error(`worker died: ${error.signal ?? error.exitCode}`);
  else throw error; // the error that the function threw: same class, same fields
}

await using executor = new ProcessPoolExecutor({ maxWorkers: 4 });
const futures = squares.slice(0, 8).map((n) => executor.submit(Math.sqrt, n));
const roots: number[] = [];
for await (const future of asCompleted(futures)) roots.push(await future.result());
console.log(
  'roots',
  roots.toSorted((a, b) => a - b),
); // [ 0, 1, 2, 3, 4, 5, 6, 7 ]

const histogram = new SharedArray('i32', 256);
await using manager = new Manager();
const seen = manager.dict<string, number>();
await pool.map(async (s: string) => {
  histogram.lock.runSync(() => {
    for (const c of s) histogram.array[c.charCodeAt(0) & 255]! += 1;
  });
  await seen.update(s, (n = 0) => n + 1);
}, boxes);
console.log('seen', await seen.value(), 'colons', histogram.at(':'.charCodeAt(0))); // Map(2) { 'a:6' => 1, 'b:20' => 1 } colons 2
