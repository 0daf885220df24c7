import { inspect } from 'node:util';
import type { AnyFunction } from '../engine/functions.ts';
import { Backend } from '../pool/backend.ts';
import { closeWhenForgotten } from '../pool/forgotten.ts';
import type { Items } from '../pool/items.ts';
import { checkCount, checkKeys } from '../arguments.ts';
import { checkCallOptions, type CallOptions } from '../pool/options.ts';
import type { ResultStream } from '../pool/result-stream.ts';
import { poolStatistics, type PoolStatistics } from '../pool/statistics.ts';
import { Submissions, type Unfinished } from '../pool/submissions.ts';
import { maxWorkers as mostWorkers } from '../limits.ts';
import { refusal } from '../wire/encode-builtin.ts';
import { submitSingle } from '../pool/apply.ts';
import { Future, insight } from './future.ts';
import { executorMapSync, submitExecutorMap } from './map.ts';
import {
  poolOptionsOf,
  type ExecutorMapOptions,
  type ExecutorMapSyncOptions,
  type ExecutorOptions,
  type ShutdownOptions,
} from './options.ts';

/** What takes calls: an executor, or one with options for its calls (`executor.with(...)`). */
export interface Submitter {
  /**
   * Runs `fn(...args)` on a worker. Python: `Executor.submit`.
   *
   * @throws PoolClosedError after `shutdown()`, PoolBrokenError when the workers cannot be started; the future has what the function threw.
   */
  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;

  /**
   * Runs `fn` on the items of one iterable, or on those at the same place of several; the results come in their order. Inputs are read only a
   * bounded way ahead of the results taken (`bufferSize`; `Infinity` reads all at once, as Python does). An item's error is thrown
   * at its place; calling `next()` again goes on behind it. Leaving the loop cancels what has not begun. Python: `Executor.map`.
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
}

type MapArguments = readonly (Items<unknown> | ExecutorMapOptions | undefined)[];
type MapSyncArguments = readonly (Iterable<unknown> | ExecutorMapSyncOptions | undefined)[];

/**
 * What `ProcessPoolExecutor` and `ThreadPoolExecutor` have in common: workers that are started when there is work for them. Python:
 * `concurrent.futures.Executor`.
 */
export abstract class Executor implements Submitter {
  readonly #backend: Backend;
  readonly #submissions: Submissions;

  /** For the two kinds of executor. */
  protected constructor(
    context: 'process' | 'thread',
    defaultWorkers: number,
    options: ExecutorOptions,
    nameOf?: (seat: number) => string,
  ) {
    const { maxWorkers = defaultWorkers } = options;
    const poolOptions = poolOptionsOf(this.constructor.name, context, maxWorkers, options);
    // The backend lives on without the executor, so it may know nothing that leads to it, such as a user's function.
    const streams = new Set<Unfinished>();
    this.#backend = new Backend(
      poolOptions,
      { min: 0, max: maxWorkers, eager: true },
      {
        workerStart: () => undefined,
        workerExit: () => undefined,
        workerError: (error, { id, pid }) =>
          process.emitWarning(
            `Worker ${id} (pid ${String(pid)}) had an error that no task caught and is replaced: ${error.stack ?? error.message}`,
            'ManycoreWarning',
          ),
        broken: (error) => streams.forEach((stream) => stream.abort(error)),
        ended: () => forgetAboutIt(),
      },
      nameOf,
    );
    this.#submissions = new Submissions(this.#backend, poolOptions, () => undefined, 'executor', streams);
    const forgetAboutIt = closeWhenForgotten(this, this.#backend);
    Object.defineProperty(this, refusal, {
      value: 'an executor cannot be passed to workers. Make one inside the function',
    });
  }

  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  submit(fn: AnyFunction, ...args: unknown[]): Future<unknown> {
    return submit(this.#submissions, undefined, fn, args);
  }

  map: Submitter['map'] = (fn: AnyFunction, ...rest: MapArguments[number][]): ResultStream<never> =>
    submitExecutorMap(this.#submissions, undefined, fn, rest);

  mapSync: Submitter['mapSync'] = (fn: AnyFunction, ...rest: MapSyncArguments[number][]): never[] =>
    executorMapSync(this.#submissions, undefined, fn, rest);

  /**
   * The same executor with options for its calls: `executor.with({ timeout: 1_000, retries: 2 }).submit(fn, 1)`. Here, `timeout` is the
   * longest that each task may run.
   *
   * @example
   * ```ts
   * import { ProcessPoolExecutor } from 'manycore/futures';
   * await using executor = new ProcessPoolExecutor(2);
   * const important = executor.with({ priority: 1, retries: 2 });
   * console.log(await important.submit((n: number) => n + 1, 41)); // 42
   * ```
   */
  with(options: CallOptions): Submitter {
    checkCallOptions('with', options);
    return new SubmitterWith(this.#submissions, Object.freeze({ ...options }));
  }

  /**
   * Takes no more work. What was submitted is done, then the workers end; `cancelFutures` cancels what has not begun. The promise waits for the
   * end of the workers, with `wait: false` for nothing. Python: `Executor.shutdown`.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkKeys('shutdown', options, ['wait', 'cancelFutures']);
    const { engine, ended } = this.#backend;
    for (const stream of this.#submissions.streams) stream.endInput(this.#submissions.closedError('map'));
    if (options.cancelFutures === true) engine.cancelWaiting();
    engine.close();
    return options.wait === false ? Promise.resolve() : ended;
  }

  /**
   * Ends the workers now, with SIGTERM; what is not done rejects with `PoolTerminatedError`. Resolves when they are gone. Python:
   * `ProcessPoolExecutor.terminate_workers`.
   */
  async terminateWorkers(): Promise<void> {
    this.#submissions.terminate();
    await this.#backend.ended;
  }

  /** As `terminateWorkers`, with SIGKILL. Python: `ProcessPoolExecutor.kill_workers`. */
  async killWorkers(): Promise<void> {
    this.#submissions.terminate(true);
    await this.#backend.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** Changes how many workers there may be. Those that are too many finish their tasks first. */
  resize(maxWorkers: number): void {
    checkCount('maxWorkers', maxWorkers, 1, mostWorkers);
    this.#backend.engine.resize(0, maxWorkers);
  }

  /** What the executor is doing, as numbers. */
  statistics(): PoolStatistics {
    return poolStatistics(this.#backend, this.#submissions.options);
  }
}

Object.defineProperty(Executor.prototype, inspect.custom, {
  value(this: Executor): string {
    const { state, workers, name } = this.statistics();
    return `<${this.constructor.name}${name === undefined ? '' : ` ${name}`} state=${state} workers=${workers.length}>`;
  },
});

/** An executor seen through options for its calls. */
class SubmitterWith implements Submitter {
  readonly #submissions: Submissions;
  readonly #options: CallOptions;

  constructor(submissions: Submissions, options: CallOptions) {
    this.#submissions = submissions;
    this.#options = options;
  }

  submit<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  submit(fn: AnyFunction, ...args: unknown[]): Future<unknown> {
    return submit(this.#submissions, this.#options, fn, args);
  }

  map: Submitter['map'] = (fn: AnyFunction, ...rest: MapArguments[number][]): ResultStream<never> =>
    submitExecutorMap(this.#submissions, this.#options, fn, rest);

  mapSync: Submitter['mapSync'] = (fn: AnyFunction, ...rest: MapSyncArguments[number][]): never[] =>
    executorMapSync(this.#submissions, this.#options, fn, rest);
}

function submit(
  pool: Submissions,
  options: CallOptions | undefined,
  fn: AnyFunction,
  args: readonly unknown[],
): Future<unknown> {
  pool.check('submit', fn);
  const future = new Future<unknown>();
  submitSingle(pool, insight, future, 'submit', fn, args, options);
  return future;
}
