// Compiled, never run: what a submission infers, and what must not compile. Functions are written as users write them, un-annotated.
import { expectTypeOf } from 'expect-type';
import { range, type ResultStream } from 'manycore';
import {
  asCompleted,
  Executor,
  Future,
  getReusableExecutor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  wait,
  type Submitter,
} from 'manycore/futures';

declare const executor: ProcessPoolExecutor;
declare const words: AsyncIterable<string>;

export function blocking(): void {
  expectTypeOf(executor.submit(() => 1).resultSync({ timeout: 5 })).toEqualTypeOf<number>();
  expectTypeOf(executor.mapSync((n) => n > 1, range(3))).toEqualTypeOf<boolean[]>();
  expectTypeOf(executor.mapSync(async (n, text) => `${n + 1}${text}`, [1], ['a'])).toEqualTypeOf<string[]>();
  // @ts-expect-error only the event loop can bring them
  executor.mapSync((word: string) => word, words);
}

export function submit(): void {
  expectTypeOf(executor.submit(() => 1)).toEqualTypeOf<Future<number>>();
  expectTypeOf(executor.submit((n) => n * n, 5)).toEqualTypeOf<Future<number>>();
  expectTypeOf(executor.submit((n, text) => `${text}${n.toFixed(1)}`, 5, 'a')).toEqualTypeOf<Future<string>>();
  expectTypeOf(executor.submit(async (n: number) => [n], 5)).toEqualTypeOf<Future<number[]>>();
  expectTypeOf(executor.submit(Math.sqrt, 5)).toEqualTypeOf<Future<number>>();
  expectTypeOf(executor.submit((a: number, b?: string) => a + (b ?? '').length, 5)).toEqualTypeOf<Future<number>>();
  expectTypeOf(executor.submit(async () => {})).toEqualTypeOf<Future<void>>();
  expectTypeOf(executor.with({ timeout: 100 }).submit((n) => n > 1, 5)).toEqualTypeOf<Future<boolean>>();
  // @ts-expect-error a string is no number
  void executor.submit(Math.sqrt, '5');
  // @ts-expect-error an argument is missing
  void executor.submit(Math.pow, 5);
  // @ts-expect-error one argument too many
  void executor.submit((n: number) => n, 5, 6);
  // @ts-expect-error no function
  void executor.submit(5);
  // @ts-expect-error no such option
  executor.with({ timeouts: 5 });
}

export function map(): void {
  expectTypeOf(executor.map((n) => n * n, range(10))).toEqualTypeOf<ResultStream<number>>();
  expectTypeOf(executor.map((n) => `${n}`, [1, 2], { chunkSize: 2 })).toEqualTypeOf<ResultStream<string>>();
  expectTypeOf(executor.map((a, b) => a + b.length, [1, 2], ['a', 'b'])).toEqualTypeOf<ResultStream<number>>();
  expectTypeOf(
    executor.map((a, b, c) => [a.toFixed(), b.length, c], [1], ['a'], [true], { bufferSize: Infinity }),
  ).toEqualTypeOf<ResultStream<(string | number | boolean)[]>>();
  expectTypeOf(executor.map((word) => word.length, words)).toEqualTypeOf<ResultStream<number>>();
  expectTypeOf(executor.map(async (word, n) => word.repeat(n), words, [1])).toEqualTypeOf<ResultStream<string>>();
  // @ts-expect-error the second input has no strings
  executor.map((a: number, b: string) => a + b.length, [1], [2]);
  // @ts-expect-error no such option
  executor.map((n: number) => n, [1], { chunksize: 2 });
}

export async function futures(): Promise<void> {
  const future = executor.submit((n: number) => `${n}`, 5);
  expectTypeOf(await future).toEqualTypeOf<string>();
  expectTypeOf(future.result({ timeout: 5 })).toEqualTypeOf<Promise<string>>();
  expectTypeOf(future.exception()).toEqualTypeOf<Promise<Error | undefined>>();
  expectTypeOf(future.then((text) => text.length)).toEqualTypeOf<Promise<number>>();
  future.addDoneCallback((done) => expectTypeOf(done).toEqualTypeOf<Future<string>>());
  const own = new Future<number>();
  own.setResult(1);
  // @ts-expect-error another type
  own.setResult('1');
}

export async function waiting(): Promise<void> {
  const urls = new Map([[executor.submit((n) => n, 1), 'a']]);
  for await (const future of asCompleted(urls.keys(), { timeout: 5 })) {
    expectTypeOf(future.cancelled()).toEqualTypeOf<boolean>();
    expectTypeOf(await future.result()).toEqualTypeOf<number>();
    expectTypeOf(urls.get(future)).toEqualTypeOf<string | undefined>();
    expectTypeOf(future).toExtend<Future<number>>();
  }
  const { done, notDone } = await wait(urls.keys(), { returnWhen: 'firstException' });
  expectTypeOf(done).toEqualTypeOf<Set<Future<number>>>();
  expectTypeOf(notDone).toEqualTypeOf<Set<Future<number>>>();
  // @ts-expect-error no such condition
  await wait([], { returnWhen: 'soon' });
  // @ts-expect-error a promise is no future
  await wait([Promise.resolve(1)]);
}

export async function executors(): Promise<void> {
  const initializer = (host: string, port: number): void => void `${host}${port}`;
  expectTypeOf(new ThreadPoolExecutor({ maxWorkers: 2, initializer, initArgs: ['a', 1] })).toExtend<Executor>();
  // @ts-expect-error the initializer takes arguments
  void new ProcessPoolExecutor({ initializer });
  // @ts-expect-error the initializer takes arguments
  void new ThreadPoolExecutor(2, { initializer });
  // @ts-expect-error the initializer takes a number
  void new ProcessPoolExecutor({ initializer, initArgs: ['a', 'b'] });
  // @ts-expect-error threads have no context
  void new ThreadPoolExecutor({ context: 'thread' });
  expectTypeOf(getReusableExecutor()).toEqualTypeOf<ProcessPoolExecutor>();
  expectTypeOf(getReusableExecutor(2)).toEqualTypeOf<ProcessPoolExecutor>();
  expectTypeOf(
    getReusableExecutor({ maxWorkers: 2, initializer, initArgs: ['a', 1] }),
  ).toEqualTypeOf<ProcessPoolExecutor>();
  expectTypeOf(getReusableExecutor({ context: 'thread' })).toEqualTypeOf<ThreadPoolExecutor>();
  // The one that is there, of whatever kind.
  expectTypeOf(getReusableExecutor({ context: 'thread', reuse: true })).toEqualTypeOf<Executor>();
  expectTypeOf<Executor>().toExtend<Submitter>();
  expectTypeOf(
    await ProcessPoolExecutor.use(2, (inner) => {
      expectTypeOf(inner).toEqualTypeOf<ProcessPoolExecutor>();
      return inner.submit(() => 1);
    }),
  ).toEqualTypeOf<number>();
  class Counting extends ThreadPoolExecutor {
    counted<A, R>(fn: (item: A) => R, items: Iterable<A>): Awaited<R>[] {
      return super.mapSync(fn, items);
    }
  }
  expectTypeOf(new Counting(1).counted((n) => `${n}`, [1])).toEqualTypeOf<string[]>();
  // @ts-expect-error it is abstract
  void new Executor('thread', 1, {});
}
