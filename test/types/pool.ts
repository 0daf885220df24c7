// Compiled, never run: what a call infers, and what must not compile. Functions are written as users write them, un-annotated.
import { expectTypeOf } from 'expect-type';
import {
  type AsyncResult,
  enumerate,
  Pool,
  product,
  range,
  ThreadPool,
  zip,
  type PoolStatistics,
  type ResultStream,
} from 'manycore';
import * as mp from 'manycore';

declare const pool: Pool;
declare const words: AsyncIterable<string>;
declare const numbers: Iterable<number>;

interface Photo {
  readonly name: string;
  readonly size: number;
}
declare const photos: readonly Photo[];

export function items(): void {
  expectTypeOf(pool.map((x) => x * x, range(10))).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map((x) => `${x}`, [1, 2])).toEqualTypeOf<AsyncResult<string[]>>();
  expectTypeOf(pool.map((photo) => photo.size, photos)).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map((word) => word.length, words)).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map((x) => [x, x] as const, numbers)).toEqualTypeOf<AsyncResult<(readonly [number, number])[]>>();
  expectTypeOf(pool.map((c) => c.charCodeAt(0), 'abc')).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map((x) => x, new Set(['a']))).toEqualTypeOf<AsyncResult<string[]>>();
  expectTypeOf(pool.map((b) => b + 1, new Uint8Array(2))).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map(([i, name]) => i + name.length, enumerate(['a']))).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map(parseInt, ['10'])).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.map((x: number | string) => x, [1])).toEqualTypeOf<AsyncResult<(number | string)[]>>();
}

export function blocking(): void {
  expectTypeOf(pool.mapSync((x) => x * x, range(10))).toEqualTypeOf<number[]>();
  expectTypeOf(pool.mapSync(async (photo) => photo.size, photos)).toEqualTypeOf<number[]>();
  expectTypeOf(pool.starmapSync((i, name) => `${i + 1}${name}`, [[1, 'a']])).toEqualTypeOf<string[]>();
  expectTypeOf(pool.applySync((a, b) => a + b.length, [1, 'b'])).toEqualTypeOf<number>();
  expectTypeOf(pool.applySync(() => 'x')).toEqualTypeOf<string>();
  expectTypeOf(pool.map((x) => `${x}`, numbers).getSync({ timeout: 5 })).toEqualTypeOf<string[]>();
  expectTypeOf(pool.apply(() => 1).waitSync()).toEqualTypeOf<boolean>();
  // @ts-expect-error -- only the event loop can bring them
  pool.mapSync((word: string) => word, words);
  // @ts-expect-error -- the function takes a number
  pool.applySync((a: number) => a, ['a']);
}

export function asyncFunctions(): void {
  expectTypeOf(pool.map(async (x) => x > 1, [1])).toEqualTypeOf<AsyncResult<boolean[]>>();
  expectTypeOf(pool.mapAsync(async (x) => ({ x }), [1])).toEqualTypeOf<AsyncResult<{ x: number }[]>>();
  expectTypeOf(pool.apply(async () => 'a')).toEqualTypeOf<AsyncResult<string>>();
  expectTypeOf(pool.apply(async (a: number) => [a], [1])).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.imap(async (x) => x * 2, [1])).toEqualTypeOf<ResultStream<number>>();
  expectTypeOf(pool.broadcast(async () => 1n)).toEqualTypeOf<AsyncResult<bigint[]>>();
  expectTypeOf(pool.apply(async () => {})).toEqualTypeOf<AsyncResult<void>>();
}

export function tuples(): void {
  expectTypeOf(
    pool.starmap(
      (w, h, tag) => `${tag}:${w * h}`,
      [
        [2, 3, 'a'],
        [4, 5, 'b'],
      ],
    ),
  ).toEqualTypeOf<AsyncResult<string[]>>();
  expectTypeOf(pool.starmap((a, b) => a + b.length, zip([1, 2], ['a', 'b']))).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.starmapAsync((a, b) => [b, a] as const, product([1], ['x']))).toEqualTypeOf<
    AsyncResult<(readonly [string, number])[]>
  >();
  expectTypeOf(
    pool.starmap(Math.max, [
      [1, 2],
      [3, 4],
    ]),
  ).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf(pool.apply((a, b) => a + b, [1, 2])).toEqualTypeOf<AsyncResult<number>>();
  expectTypeOf(pool.apply((a, b) => `${a}${b}`, ['x', true])).toEqualTypeOf<AsyncResult<string>>();
  expectTypeOf(pool.broadcast((a, b) => a + b, [1, 2])).toEqualTypeOf<AsyncResult<number[]>>();
  expectTypeOf([...zip([1], ['a'], [true])]).toEqualTypeOf<[number, string, boolean][]>();
  expectTypeOf([...enumerate('ab')]).toEqualTypeOf<[number, string][]>();
}

export async function results(): Promise<void> {
  expectTypeOf(await pool.map((x) => x, [1])).toEqualTypeOf<number[]>();
  expectTypeOf(await pool.apply(() => 1).get({ timeout: 5 })).toEqualTypeOf<number>();
  expectTypeOf(await pool.apply(() => 1).wait({ timeout: 5 })).toEqualTypeOf<boolean>();
  expectTypeOf(pool.apply(() => 1).ready()).toEqualTypeOf<boolean>();
  expectTypeOf(pool.apply(() => 1).then((x) => `${x}`)).toEqualTypeOf<Promise<string>>();
  expectTypeOf(await Promise.all([pool.apply(() => 1), pool.apply(() => 'a')])).toEqualTypeOf<[number, string]>();
  for await (const value of pool.imapUnordered((x) => `${x}`, [1])) expectTypeOf(value).toEqualTypeOf<string>();
  expectTypeOf(await pool.imap((x) => x, [1]).next({ timeout: 5 })).toEqualTypeOf<IteratorResult<number, undefined>>();
  expectTypeOf(await pool.mapSettled(async (x) => x > 1, [1])).toEqualTypeOf<PromiseSettledResult<boolean>[]>();
  expectTypeOf(pool.statistics()).toEqualTypeOf<PoolStatistics>();
  expectTypeOf(await Pool.use(2, async (p) => p.map((x) => x, [1]))).toEqualTypeOf<number[]>();
  expectTypeOf(await ThreadPool.use({ workers: 2 }, (p) => p.apply(() => 'a'))).toEqualTypeOf<string>();
  await using own = new Pool(2);
  expectTypeOf(await own.apply(() => 1)).toEqualTypeOf<number>();
}

export function callbacks(): void {
  void pool.applyAsync((a: number) => a, [1], { callback: (value) => expectTypeOf(value).toEqualTypeOf<number>() });
  void pool.applyAsync(async () => 'a', [], { callback: (value) => expectTypeOf(value).toEqualTypeOf<string>() });
  void pool.mapAsync((x) => x > 1, [1], { callback: (values) => expectTypeOf(values).toEqualTypeOf<boolean[]>() });
  void pool.mapAsync((x) => x, [1], { errorCallback: (error) => expectTypeOf(error).toEqualTypeOf<Error>() });
  void pool.map((x) => x, [1], { progress: (snapshot) => expectTypeOf(snapshot.done).toEqualTypeOf<number>() });
  pool.on('workerExit', ({ id, exitCode }) =>
    expectTypeOf({ id, exitCode }).toEqualTypeOf<{ id: number; exitCode: number | null }>(),
  );
}

export function initializers(): void {
  void new Pool(2, { initializer: (host: string, port: number) => `${host}:${port}`, initArgs: ['a', 1] });
  void new Pool({ initializer: async () => {} });
  void new Pool({ initializer: (host = 'localhost') => host });
  // @ts-expect-error -- no arguments
  void new Pool({ initializer: (host: string) => host });
  // @ts-expect-error -- no arguments
  void new Pool(2, { initializer: (host: string) => host });
  // @ts-expect-error -- no arguments
  void new ThreadPool({ initializer: (n: number) => n });
  void new ThreadPool({ min: 1, max: 4, initializer: (n: number) => n, initArgs: [1] });
  // @ts-expect-error -- the wrong type
  void new Pool(2, { initializer: (host: string) => host, initArgs: [1] });
  // @ts-expect-error -- one too few
  void new Pool(2, { initializer: (host: string, port: number) => `${host}${port}`, initArgs: ['a'] });
  // @ts-expect-error -- not a list
  void new Pool(2, { initializer: (host: string) => host, initArgs: 'a' });
  // @ts-expect-error -- not a function
  void new Pool(2, { initializer: 'init' });
}

export function misuse(): void {
  // @ts-expect-error -- the items do not fit the function
  void pool.map((x: number) => x, ['a']);
  // @ts-expect-error -- two arguments, one item
  void pool.map((a: number, b: number) => a + b, [1]);
  // @ts-expect-error -- the row is too short
  void pool.starmap((a: number, b: number) => a + b, [[1]]);
  // @ts-expect-error -- the wrong element
  void pool.starmap((a: number, b: number) => a + b, [[1, 'b']]);
  // @ts-expect-error -- too few arguments
  void pool.apply((a: number, b: number) => a + b, [1]);
  // @ts-expect-error -- arguments are needed
  void pool.apply((a: number) => a);
  // @ts-expect-error -- not a list
  void pool.apply((a: number) => a, 1);
  // @ts-expect-error -- not iterable
  void pool.map((x) => x, 7);
  // @ts-expect-error -- not a function
  void pool.map('square', [1]);
  // @ts-expect-error -- Python's spelling
  void pool.map((x) => x, [1], { chunksize: 2 });
  // @ts-expect-error -- positional in Python
  void pool.map((x) => x, [1], 2);
  // @ts-expect-error -- a single call has no chunks
  void pool.apply(() => 1, [], { chunkSize: 2 });
  // @ts-expect-error -- mapSettled tells of errors by itself
  void pool.mapSettled((x) => x, [1], { onError: 'continue' });
  // @ts-expect-error -- a stream has no callbacks
  void pool.imap((x) => x, [1], { callback: () => {} });
  // @ts-expect-error -- milliseconds in an options object
  void pool.apply(() => 1).get(5);
  // @ts-expect-error -- no such context
  void new Pool(2, { context: 'fork' });
  // @ts-expect-error -- the size twice
  void new Pool(2, { workers: 3 });
  // @ts-expect-error -- a thread pool is of threads
  void new ThreadPool({ context: 'process' });
  // @ts-expect-error -- Python's spelling
  void new Pool({ processes: 4 });
}

export function namespace(): void {
  expectTypeOf(mp.Pool).toEqualTypeOf<typeof Pool>();
  expectTypeOf(new mp.Pool(2).map((x) => x * 2, mp.range(3))).toEqualTypeOf<mp.AsyncResult<number[]>>();
  expectTypeOf(mp.cpuCount()).toEqualTypeOf<number>();
  expectTypeOf(new mp.TimeoutError('x').code).toEqualTypeOf<string>();
  expectTypeOf(mp.task().signal).toEqualTypeOf<AbortSignal>();
}

export function classes(): void {
  expectTypeOf(ThreadPool.use(2, async (own) => own)).toEqualTypeOf<Promise<ThreadPool>>();
  expectTypeOf(Pool.use({ min: 1, max: 2 }, (own) => own.map((x) => x * 2, [1]))).toEqualTypeOf<Promise<number[]>>();
  class Named extends Pool {
    readonly label = 'mine';
  }
  expectTypeOf(Named.use(2, ({ label }) => label)).toEqualTypeOf<Promise<string>>();
}

export function events(): void {
  pool.on('workerStart', ({ id, pid }) =>
    expectTypeOf({ id, pid }).toEqualTypeOf<{ id: number; pid: number | undefined }>(),
  );
  pool.on('workerExit', ({ exitCode, signal }) => {
    expectTypeOf(exitCode).toEqualTypeOf<number | null>();
    expectTypeOf(signal).toEqualTypeOf<string | null>();
  });
  pool.on('workerError', (error, worker) => {
    expectTypeOf(error).toEqualTypeOf<Error>();
    expectTypeOf(worker.pid).toEqualTypeOf<number | undefined>();
  });
  pool.on('taskProgress', (progress) => expectTypeOf(progress.done).toEqualTypeOf<number>());
  // @ts-expect-error -- there is no such event
  pool.on('workerStarted', () => undefined);
}
