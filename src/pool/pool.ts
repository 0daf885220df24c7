import { EventEmitter } from 'node:events';
import type { AnyFunction } from '../engine/functions.ts';
import { ArgumentTypeError, PoolRunningError } from '../errors.ts';
import { maxWorkers } from '../limits.ts';
import { refusal } from '../wire/encode-builtin.ts';
import { submitApply, submitBroadcast } from './apply.ts';
import type { AsyncResult } from './async-result.ts';
import { Backend, type WorkerEnd, type WorkerId } from './backend.ts';
import type { TaskProgress } from './call.ts';
import { readTimeout, within } from './deferred.ts';
import { forgetMeNot } from './forgotten.ts';
import { guarded } from './guarded.ts';
import { submitStream } from './imap.ts';
import type { Items } from './items.ts';
import { mapSync, submitMap } from './map.ts';
import { checkCount, checkKeys, type NeededArgs, show } from '../arguments.ts';
import { showAs } from '../inspection.ts';
import {
  checkPoolOptions,
  poolKeys,
  type CallbackOptions,
  type CallOptions,
  type MapOptions,
  type PoolOptions,
  type StreamOptions,
} from './options.ts';
import { sizeOf, type Size } from './size.ts';
import { describeState, poolStatistics, type PoolStatistics } from './statistics.ts';
import type { ResultStream } from './result-stream.ts';
import { Submissions } from './submissions.ts';
import { warnOfWorkerError } from './worker-warning.ts';

/** What a pool tells about its workers and tasks. */
export interface PoolEvents {
  /** It is ready for tasks. */
  workerStart: [worker: WorkerId];
  workerExit: [worker: WorkerEnd];
  /** An error that no task caught: a timer's callback, a promise that nobody awaited. Without a listener it is a warning. */
  workerError: [error: Error, worker: WorkerId];
  /** What a task told by `task().progress(done, total)`. */
  taskProgress: [progress: TaskProgress];
}

/**
 * Workers that run functions on other cores: child processes by default, threads with `{ context: 'thread' }`.
 *
 * Any function goes, closures included; its captured variables are copied at each call. The main program never runs in a
 * worker. Python: `multiprocessing.Pool`.
 *
 * @example
 * ```ts
 * import { Pool } from 'manycore';
 * await using pool = new Pool(2);
 * const factor = 3;
 * console.log(await pool.map((x: number) => x * factor, [1, 2, 3])); // [ 3, 6, 9 ]
 * ```
 */
export class Pool<InitArgs extends readonly unknown[] | [] = readonly unknown[]> extends EventEmitter<PoolEvents> {
  readonly #backend: Backend;
  readonly #submissions: Submissions;

  /**
   * @param workers - How many workers (default: the cores that this process may use), or the options.
   * @throws ArgumentTypeError, ArgumentRangeError for options that are wrong or unknown.
   * @throws CaptureError when the initializer cannot travel.
   */
  constructor(
    workers: number,
    options?: Omit<PoolOptions<InitArgs>, 'workers' | 'min' | 'max'> & NeededArgs<InitArgs, 'initArgs'>,
  );
  constructor(options?: PoolOptions<InitArgs> & NeededArgs<InitArgs, 'initArgs'>);
  constructor(first?: number | PoolOptions<InitArgs>, second?: PoolOptions<InitArgs>) {
    super();
    const options = readArguments(
      first as unknown as PoolOptions | undefined,
      second as unknown as PoolOptions | undefined,
    );
    checkPoolOptions(options);
    // What the workers report must not keep a pool alive that the program has dropped.
    const weak = new WeakRef(this);
    this.#backend = new Backend(options, sizeOf(options), {
      workerStart: (worker) => guarded(() => weak.deref()?.emit('workerStart', worker)),
      workerExit: (worker) => guarded(() => weak.deref()?.emit('workerExit', worker)),
      workerError: (error, worker) =>
        guarded(() => {
          const pool = weak.deref();
          if (pool === undefined || pool.listenerCount('workerError') === 0) warnOfWorkerError(error, worker);
          else pool.emit('workerError', error, worker);
        }),
      broken: (error) => submissions.abortStreams(error),
      ended: () => forgetAboutIt(),
    });
    const submissions = new Submissions(this.#backend, options, (progress) =>
      guarded(() => weak.deref()?.emit('taskProgress', progress)),
    );
    this.#submissions = submissions;
    const forgetAboutIt = forgetMeNot(this, this.#backend, options.name);
    Object.defineProperty(this, refusal, { value: 'a pool cannot be passed to workers. Make one inside the function' });
  }

  /** Runs `body` with a new pool and terminates it afterwards: `await using` for JavaScript on Node 20. */
  static async use<R, P extends Pool, InitArgs extends readonly unknown[] | []>(
    this: PoolClass<P, InitArgs>,
    options: number | PoolOptions<InitArgs>,
    body: (pool: P) => R | Promise<R>,
  ): Promise<Awaited<R>> {
    const pool = typeof options === 'number' ? new this(options) : new this(options);
    try {
      return await body(pool);
    } finally {
      await pool[Symbol.asyncDispose]();
    }
  }

  /**
   * Runs `fn(...args)` on a worker. Python: `Pool.apply`, `Pool.apply_async`.
   *
   * @throws PoolClosedError after `close()`; the promise rejects with what the function threw, `WorkerLostError`, `TaskTimeoutError`, ...
   */
  apply<R>(fn: () => R, args?: readonly [], options?: CallOptions): AsyncResult<Awaited<R>>;
  apply<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions,
  ): AsyncResult<Awaited<R>>;
  apply(fn: AnyFunction, args: readonly unknown[] = [], options?: CallOptions): AsyncResult<never> {
    return submitApply(this.#submissions, 'apply', fn, args, options) as AsyncResult<never>;
  }

  /** As `apply`, with callbacks. Python: `Pool.apply_async`. */
  applyAsync<R>(
    fn: () => R,
    args?: readonly [],
    options?: CallOptions & CallbackOptions<Awaited<R>>,
  ): AsyncResult<Awaited<R>>;
  applyAsync<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions & CallbackOptions<Awaited<R>>,
  ): AsyncResult<Awaited<R>>;
  applyAsync(
    fn: AnyFunction,
    args: readonly unknown[] = [],
    options?: CallOptions & CallbackOptions<never>,
  ): AsyncResult<never> {
    return submitApply(this.#submissions, 'applyAsync', fn, args, options) as AsyncResult<never>;
  }

  /**
   * Runs `fn(...args)` on a worker and blocks this thread until the result is there. Python: `Pool.apply`.
   *
   * @throws what the function threw; BlockingError in a callback, or when a pool without workers runs an asynchronous function.
   *
   * @example
   * ```ts
   * import { Pool } from 'manycore';
   * await using pool = new Pool(2);
   * console.log(pool.applySync((a: number, b: number) => a + b, [1, 2])); // 3
   * ```
   */
  applySync<R>(fn: () => R, args?: readonly [], options?: CallOptions): Awaited<R>;
  applySync<A extends readonly unknown[] | [], R>(fn: (...args: A) => R, args: A, options?: CallOptions): Awaited<R>;
  applySync(fn: AnyFunction, args: readonly unknown[] = [], options?: CallOptions): unknown {
    return submitApply(this.#submissions, 'applySync', fn, args, options).getSync();
  }

  /**
   * Runs `fn(item)` for each item; the results come in the order of the items. It ends when all items have; the first error
   * to arrive is thrown. Python: `Pool.map`.
   *
   * @example
   * ```ts
   * import { Pool, range } from 'manycore';
   * await using pool = new Pool(2);
   * console.log(await pool.map((x) => x * x, range(4))); // [ 0, 1, 4, 9 ]
   * ```
   */
  map<A, R>(
    fn: (item: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return submitMap(this.#submissions, 'map', fn, items, options ?? {}) as AsyncResult<Awaited<R>[]>;
  }

  /**
   * As `map`, blocking this thread until all results are there. The items cannot come asynchronously; for a time limit there is
   * `mapAsync(...).getSync({ timeout })`. Python: `Pool.map`.
   *
   * @throws the first error to arrive; BlockingError in a callback, for asynchronous items, or when a pool without workers runs an
   *   asynchronous function.
   *
   * @example
   * ```ts
   * import { Pool, range } from 'manycore';
   * await using pool = new Pool(2);
   * console.log(pool.mapSync((x) => x * x, range(4))); // [ 0, 1, 4, 9 ]
   * ```
   */
  mapSync<A, R>(fn: (item: A) => R, items: readonly A[] | Iterable<A>, options: MapOptions = {}): Awaited<R>[] {
    return mapSync(this.#submissions, 'mapSync', fn, items, options) as Awaited<R>[];
  }

  /** As `map`. Python: `Pool.map_async`. */
  mapAsync<A, R>(
    fn: (item: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return submitMap(this.#submissions, 'mapAsync', fn, items, options ?? {}) as AsyncResult<Awaited<R>[]>;
  }

  /**
   * As `map`, each item being a list of arguments. Python: `Pool.starmap`.
   *
   * @example
   * ```ts
   * import { Pool, zip } from 'manycore';
   * await using pool = new Pool(2);
   * console.log(await pool.starmap((a, b) => a + b, zip([1, 2], [10, 20]))); // [ 11, 22 ]
   * ```
   */
  starmap<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return submitMap(this.#submissions, 'starmap', fn, items, options ?? {}) as AsyncResult<Awaited<R>[]>;
  }

  /** As `mapSync`, each item being a list of arguments. Python: `Pool.starmap`. */
  starmapSync<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: readonly A[] | Iterable<A>,
    options: MapOptions = {},
  ): Awaited<R>[] {
    return mapSync(this.#submissions, 'starmapSync', fn, items, options) as Awaited<R>[];
  }

  /** As `starmap`. Python: `Pool.starmap_async`. */
  starmapAsync<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return submitMap(this.#submissions, 'starmapAsync', fn, items, options ?? {}) as AsyncResult<Awaited<R>[]>;
  }

  /** As `map`, with an outcome for each item, as `Promise.allSettled` has; it rejects only when the whole call fails. */
  mapSettled<A, R>(
    fn: (item: A) => R,
    items: Items<A>,
    options?: Omit<MapOptions, 'onError'>,
  ): AsyncResult<PromiseSettledResult<Awaited<R>>[]> {
    return submitMap(this.#submissions, 'mapSettled', fn, items, options ?? {}) as AsyncResult<
      PromiseSettledResult<Awaited<R>>[]
    >;
  }

  /**
   * The results as they come, in the order of the items, which are read only a bounded way ahead. Python: `Pool.imap`.
   *
   * @example
   * ```ts
   * import { Pool } from 'manycore';
   * await using pool = new Pool(2);
   * function* endless() { for (let i = 0; ; i++) yield i; }
   * for await (const y of pool.imap((x) => x * x, endless())) if (y > 50) break;
   * ```
   */
  imap<A, R>(fn: (item: A) => R, items: Items<A>, options?: StreamOptions): ResultStream<Awaited<R>> {
    return submitStream(this.#submissions, 'imap', fn, items, options ?? {});
  }

  /**
   * The results in the order in which they are there. Python: `Pool.imap_unordered`.
   *
   * @example
   * ```ts
   * import { Pool, range } from 'manycore';
   * await using pool = new Pool(2);
   * let sum = 0;
   * for await (const y of pool.imapUnordered((x) => x * x, range(4))) sum += y;
   * console.log(sum); // 14
   * ```
   */
  imapUnordered<A, R>(fn: (item: A) => R, items: Items<A>, options?: StreamOptions): ResultStream<Awaited<R>> {
    return submitStream(this.#submissions, 'imapUnordered', fn, items, options ?? {});
  }

  /**
   * Runs `fn(...args)` once on each worker that the pool has now; gives a list of their results.
   *
   * @example
   * ```ts
   * import { Pool, workerState } from 'manycore';
   * await using pool = new Pool(2);
   * await pool.broadcast((rate: number) => void (workerState<{ rate: number }>().rate = rate), [3]);
   * console.log(await pool.map((x) => x * workerState<{ rate: number }>().rate, [1, 2])); // [ 3, 6 ]
   * ```
   */
  broadcast<R>(fn: () => R, args?: readonly [], options?: CallOptions): AsyncResult<Awaited<R>[]>;
  broadcast<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions,
  ): AsyncResult<Awaited<R>[]>;
  broadcast(fn: AnyFunction, args: readonly unknown[] = [], options: CallOptions = {}): AsyncResult<never[]> {
    return submitBroadcast(this.#submissions, fn, args, options) as AsyncResult<never[]>;
  }

  /** Takes no more work. What was submitted is done, then the workers end. Python: `Pool.close`. */
  close(): void {
    this.#backend.engine.close();
  }

  /**
   * Waits until the workers have ended, or for `timeout` milliseconds. Python: `Pool.join`.
   *
   * @throws PoolRunningError before `close()` or `terminate()`; TimeoutError, after which the pool goes on; what a `finalizer` threw.
   */
  async join(options: { readonly timeout?: number } = {}): Promise<void> {
    const timeoutMs = readTimeout('join', options);
    if (this.#backend.engine.state === 'running') {
      throw new PoolRunningError('Cannot join a pool that is still running: call close() or terminate() first.');
    }
    await within(this.#backend.ended, timeoutMs, (ms) => `The pool has not ended after ${ms} ms. It goes on.`);
    if (this.#backend.finalizerError !== undefined) throw this.#backend.finalizerError;
  }

  /** What the `finalizer` returned in the workers that have ended so far. Python: mpire's `get_exit_results`. */
  finalizerResults(): unknown[] {
    return [...this.#backend.finalizerResults];
  }

  /** Ends the workers now; what is not done rejects with `PoolTerminatedError`. Python: `Pool.terminate`, which leaves it pending for ever. */
  async terminate(): Promise<void> {
    this.#submissions.terminate();
    await this.#backend.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#submissions.terminate({ left: true });
    await this.#backend.ended;
  }

  /** Changes the number of workers, or the range of an elastic pool. Those that are too many finish their tasks first. */
  resize(size: number | { readonly min: number; readonly max: number }): void {
    const { min, max } = readSize(size);
    this.#backend.engine.resize(min, max);
  }

  /** What the pool is doing, as numbers. */
  statistics(): PoolStatistics {
    return poolStatistics(this.#backend, this.#submissions.options);
  }
}

showAs(Pool, (pool) => describeState(pool.statistics()));

/** `Pool`, or a class made of it. */
interface PoolClass<P, InitArgs extends readonly unknown[] | []> {
  new (workers: number): P;
  new (options: PoolOptions<InitArgs>): P;
}

function readArguments(first: number | PoolOptions | undefined, second: PoolOptions | undefined): PoolOptions {
  if (typeof first !== 'number') {
    if (first !== undefined && (typeof first !== 'object' || first === null)) {
      throw new ArgumentTypeError(`Cannot make a pool of ${show(first)}: expected a number of workers or options.`);
    }
    return first ?? {};
  }
  checkCount('workers', first, 1, maxWorkers);
  if (second === undefined) return { workers: first };
  checkKeys('Pool', second, poolKeys);
  if (second.workers !== undefined)
    throw new ArgumentTypeError(
      `Cannot make a pool of ${first} workers with the option workers ${show(second.workers)}: give the size once.`,
    );
  return { ...second, workers: first };
}

function readSize(size: number | Size): Size {
  if (typeof size === 'object' && size !== null) {
    checkKeys('resize', size, ['min', 'max']);
    checkCount('min', size.min, 0, maxWorkers);
    checkCount('max', size.max, Math.max(1, size.min), maxWorkers);
    return size;
  }
  checkCount('size', size, 1, maxWorkers);
  return { min: size, max: size };
}
