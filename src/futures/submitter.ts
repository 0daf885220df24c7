import type { AnyFunction } from '../engine/functions.ts';
import { submitSingle } from '../pool/apply.ts';
import type { Items } from '../pool/items.ts';
import type { CallOptions } from '../pool/options.ts';
import type { ResultStream } from '../pool/result-stream.ts';
import type { Submissions } from '../pool/submissions.ts';
import { refusal } from '../wire/encode-builtin.ts';
import { Future, insight } from './future.ts';
import { executorMapSync, submitExecutorMap } from './map.ts';
import type { ExecutorMapOptions, ExecutorMapSyncOptions } from './options.ts';

/** What takes calls: an executor, or one with options for its calls (`executor.with(...)`). */
export class Submitter {
  readonly #submissions: Submissions;
  readonly #options: CallOptions | undefined;

  /** Made by executors. */
  constructor(submissions: Submissions, options?: CallOptions) {
    this.#submissions = submissions;
    this.#options = options;
    Object.defineProperty(this, refusal, {
      value: 'an executor cannot be passed to workers. Make one inside the function',
    });
  }

  /**
   * Runs `fn(...args)` on a worker. Python: `Executor.submit`.
   *
   * @throws PoolClosedError after `shutdown()`, PoolBrokenError when the workers cannot be started; the future has what the function threw.
   *
   * @example
   * ```ts
   * import { ProcessPoolExecutor } from 'manycore/futures';
   * await using executor = new ProcessPoolExecutor(2);
   * console.log(await executor.submit(Math.pow, 2, 8).result({ timeout: 5_000 })); // 256
   * ```
   */
  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  submit(fn: AnyFunction, ...args: unknown[]): Future<unknown> {
    this.#submissions.check('submit', fn);
    const future = new Future<unknown>();
    submitSingle(this.#submissions, insight, future, 'submit', fn, args, this.#options);
    return future;
  }

  /**
   * Runs `fn` on the items of one iterable, or on those at the same place of several; the results come in their order. Inputs are read only a
   * bounded way ahead of the results taken (`bufferSize`; `Infinity` reads all at once, as Python does). An item's error is thrown
   * at its place; calling `next()` again goes on behind it. Leaving the loop cancels what has not begun. Python: `Executor.map`.
   *
   * @example
   * ```ts
   * import { ProcessPoolExecutor } from 'manycore/futures';
   * await using executor = new ProcessPoolExecutor(2);
   * for await (const y of executor.map(Math.pow, [2, 3], [8, 2])) console.log(y); // 256, 9
   * ```
   */
  map<A, R>(fn: (item: A) => R, items: Items<A>, options?: ExecutorMapOptions): ResultStream<Awaited<R>>;
  map<A, B, R>(
    fn: (a: A, b: B) => R,
    first: Items<A>,
    second: Items<B>,
    options?: ExecutorMapOptions,
  ): ResultStream<Awaited<R>>;
  map<A, B, C, R>(
    fn: (a: A, b: B, c: C) => R,
    first: Items<A>,
    second: Items<B>,
    third: Items<C>,
    options?: ExecutorMapOptions,
  ): ResultStream<Awaited<R>>;
  map<A, B, C, D, R>(
    fn: (a: A, b: B, c: C, d: D) => R,
    first: Items<A>,
    second: Items<B>,
    third: Items<C>,
    fourth: Items<D>,
    options?: ExecutorMapOptions,
  ): ResultStream<Awaited<R>>;
  map(fn: AnyFunction, ...rest: readonly (Items<unknown> | ExecutorMapOptions | undefined)[]): ResultStream<never> {
    return submitExecutorMap(this.#submissions, this.#options, fn, rest);
  }

  /**
   * As `map`, blocking this thread until all results are there: they come as an array. The first error to arrive is thrown, and what
   * has not begun by then is dropped. The inputs are read at once and cannot come asynchronously. Python: `list(Executor.map(...))`.
   *
   * @throws TimeoutError when it takes longer than `timeout` (milliseconds), BlockingError in a callback or for asynchronous inputs.
   *
   * @example
   * ```ts
   * import { ProcessPoolExecutor } from 'manycore/futures';
   * await using executor = new ProcessPoolExecutor(2);
   * console.log(executor.mapSync(Math.pow, [2, 3], [8, 2])); // [ 256, 9 ]
   * ```
   */
  mapSync<A, R>(fn: (item: A) => R, items: Iterable<A>, options?: ExecutorMapSyncOptions): Awaited<R>[];
  mapSync<A, B, R>(
    fn: (a: A, b: B) => R,
    first: Iterable<A>,
    second: Iterable<B>,
    options?: ExecutorMapSyncOptions,
  ): Awaited<R>[];
  mapSync<A, B, C, R>(
    fn: (a: A, b: B, c: C) => R,
    first: Iterable<A>,
    second: Iterable<B>,
    third: Iterable<C>,
    options?: ExecutorMapSyncOptions,
  ): Awaited<R>[];
  mapSync<A, B, C, D, R>(
    fn: (a: A, b: B, c: C, d: D) => R,
    first: Iterable<A>,
    second: Iterable<B>,
    third: Iterable<C>,
    fourth: Iterable<D>,
    options?: ExecutorMapSyncOptions,
  ): Awaited<R>[];
  mapSync(fn: AnyFunction, ...rest: readonly (Iterable<unknown> | ExecutorMapSyncOptions | undefined)[]): never[] {
    return executorMapSync(this.#submissions, this.#options, fn, rest);
  }
}
