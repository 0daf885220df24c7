import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { Functions, type AnyFunction, type FunctionHandle } from '../engine/functions.ts';
import type { WireJob } from '../engine/link.ts';
import {
  AbortError,
  ArgumentTypeError,
  PoolClosedError,
  PoolRunningError,
  PoolTerminatedError,
  type ManycoreError,
} from '../errors.ts';
import { maxWorkers } from '../limits.ts';
import { startProgress } from '../progress/index.ts';
import { encodeAhead, isImmutable } from '../wire/encoded-message.ts';
import { refusal } from '../wire/encode-builtin.ts';
import { AsyncResult, settler } from './async-result.ts';
import { Backend, type BackendEvents, type Size } from './backend.ts';
import { newCall, type Call } from './call.ts';
import { callSite, shortSite } from './call-site.ts';
import { cpuCount } from './cpu-count.ts';
import { Range } from './iterables.ts';
import { MapJob, type MapOutcome } from './map-job.ts';
import {
  checkCallbacks,
  checkCallOptions,
  checkCount,
  checkFunction,
  checkMapOptions,
  checkPoolOptions,
  show,
  type CallbackOptions,
  type CallOptions,
  type MapOptions,
  type PoolOptions,
  type StreamOptions,
} from './options.ts';
import { Series } from './series.ts';
import { poolStatistics, type PoolStatistics } from './statistics.ts';
import { ResultStream, sourceOf, StreamJob } from './stream.ts';
import { forgetMeNot } from './forgotten.ts';

/** Options whose initializer was checked against its arguments. */
type AnyOptions = PoolOptions<readonly unknown[]>;

/** Anything that can be gone through once. */
export type Items<A> = readonly A[] | Iterable<A> | AsyncIterable<A>;

/** What a pool tells about its workers. */
export interface PoolEvents {
  workerStart: Parameters<BackendEvents['workerStart']>;
  workerExit: Parameters<BackendEvents['workerExit']>;
  workerError: Parameters<BackendEvents['workerError']>;
}

/** A burst is cut into series of this many calls, so that what is done can be collected while the rest waits. */
const maxSeries = 4_096;
/** Work is handed out at the latest after this many calls, not only at the end of the tick. */
const maxUndispatched = 1_024;

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
  readonly #options: AnyOptions;
  #series: Series | undefined;
  #seriesFn: AnyFunction | undefined;
  #lastTaskId = 0;
  #undispatched = 0;
  #scheduled = false;
  /** Streams and results to be told when the pool ends before them. */
  readonly #streams = new Set<StreamJob>();
  #firstUnawaited: Call | undefined;
  #unregister: () => void;

  /**
   * @param workers how many workers (default: the cores that this process may use), or the options.
   * @throws ArgumentTypeError, ArgumentRangeError for options that are wrong or unknown.
   * @throws CaptureError when the initializer cannot travel.
   */
  constructor(workers: number, options?: Omit<PoolOptions<InitArgs>, 'workers' | 'min' | 'max'>);
  constructor(options?: PoolOptions<InitArgs>);
  constructor(first?: number | PoolOptions<InitArgs>, second?: PoolOptions<InitArgs>) {
    super();
    const options = readArguments(
      first as unknown as AnyOptions | undefined,
      second as unknown as AnyOptions | undefined,
    );
    checkPoolOptions(options);
    this.#options = options;
    const weak = new WeakRef(this);
    this.#backend = new Backend(options, sizeOf(options), {
      workerStart: (worker) => weak.deref()?.emit('workerStart', worker),
      workerExit: (worker) => weak.deref()?.emit('workerExit', worker),
      workerError: (error, worker) => reportWorkerError(weak.deref(), error, worker),
      taskProgress: () => undefined,
      ended: (error) => {
        const pool = weak.deref();
        if (pool !== undefined) pool.#ended(error);
      },
    });
    this.#unregister = forgetMeNot(this, this.#backend, options.name);
    Object.defineProperty(this, refusal, {
      value: 'a pool cannot be passed to workers. Make one inside the function, or pass what it is needed for',
    });
  }

  /** Runs `body` with a new pool and terminates it afterwards: `await using` for JavaScript on Node 20. */
  static async use<R, InitArgs extends readonly unknown[] | []>(
    options: number | PoolOptions<InitArgs>,
    body: (pool: Pool) => R | Promise<R>,
  ): Promise<Awaited<R>> {
    const pool = typeof options === 'number' ? new this(options) : new this<InitArgs>(options);
    try {
      return await body(pool as Pool);
    } finally {
      await pool.terminate();
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
    return this.#single('apply', fn, args, options) as AsyncResult<never>;
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
    return this.#single('applyAsync', fn, args, options) as AsyncResult<never>;
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
    return this.#map('map', fn, items, options ?? {}, false) as AsyncResult<Awaited<R>[]>;
  }

  /** As `map`. Python: `Pool.map_async`. */
  mapAsync<A, R>(
    fn: (item: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return this.#map('mapAsync', fn, items, options ?? {}, false) as AsyncResult<Awaited<R>[]>;
  }

  /** As `map`, each item being a list of arguments. Python: `Pool.starmap`. */
  starmap<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return this.#map('starmap', fn, items, options ?? {}, true) as AsyncResult<Awaited<R>[]>;
  }

  /** As `starmap`. Python: `Pool.starmap_async`. */
  starmapAsync<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: Items<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): AsyncResult<Awaited<R>[]> {
    return this.#map('starmapAsync', fn, items, options ?? {}, true) as AsyncResult<Awaited<R>[]>;
  }

  /** As `map`, with an outcome for each item, as `Promise.allSettled` has; it rejects only when the whole call fails. */
  mapSettled<A, R>(
    fn: (item: A) => R,
    items: Items<A>,
    options?: Omit<MapOptions, 'onError'>,
  ): AsyncResult<PromiseSettledResult<Awaited<R>>[]> {
    return this.#map('mapSettled', fn, items, options ?? {}, false, {
      failed: (reason) => ({ status: 'rejected', reason }),
      succeeded: (value) => ({ status: 'fulfilled', value }),
    }) as AsyncResult<PromiseSettledResult<Awaited<R>>[]>;
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
    return this.#stream('imap', fn, items, options ?? {}, true);
  }

  /** The results in the order in which they are there. Python: `Pool.imap_unordered`. */
  imapUnordered<A, R>(fn: (item: A) => R, items: Items<A>, options?: StreamOptions): ResultStream<Awaited<R>> {
    return this.#stream('imapUnordered', fn, items, options ?? {}, false);
  }

  /** Runs `fn(...args)` once on each worker that the pool has now. */
  broadcast<R>(fn: () => R, args?: readonly [], options?: CallOptions): AsyncResult<Awaited<R>[]>;
  broadcast<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions,
  ): AsyncResult<Awaited<R>[]>;
  broadcast(fn: AnyFunction, args: readonly unknown[] = [], options: CallOptions = {}): AsyncResult<never[]> {
    this.#check('broadcast', fn);
    checkCallOptions('broadcast', options);
    const result = new AsyncResult<unknown>();
    this.#attempt(result, () => {
      const call = newCall('broadcast', this.#handleOf(fn), true, options, callSite());
      const parts: AsyncResult<unknown>[] = [];
      this.#backend.engine.pin((workerId) => {
        const series = new Series({ ...call, pinned: workerId }, this.#taskIds(1));
        const part = new AsyncResult<unknown>();
        series.add(args, part);
        parts.push(part);
        return series;
      });
      void Promise.all(parts).then(
        (values) => settler.succeed(result, values),
        (error: Error) => settler.fail(result, error),
      );
      this.#dispatchSoon();
    });
    return result as AsyncResult<never[]>;
  }

  /** Takes no more work. What was submitted is done, then the workers end. Python: `Pool.close`. */
  close(): void {
    this.#backend.engine.close();
  }

  /**
   * Waits until the workers have ended. Python: `Pool.join`.
   *
   * @throws PoolRunningError before `close()` or `terminate()`.
   */
  async join(): Promise<void> {
    if (this.#backend.engine.state === 'running') {
      throw new PoolRunningError('Cannot join a pool that is still running: call close() or terminate() first.');
    }
    await this.#backend.ended;
  }

  /** Ends the workers now; what is not done rejects with `PoolTerminatedError`. Python: `Pool.terminate`, which leaves it pending for ever. */
  async terminate(): Promise<void> {
    this.#end(this.#terminatedError());
    await this.#backend.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.terminate();
  }

  /** Changes the number of workers, or the range of an elastic pool. Those that are too many finish their tasks first. */
  resize(size: number | { readonly min: number; readonly max: number }): void {
    const { min, max } = typeof size === 'number' ? { min: size, max: size } : size;
    checkCount('min', min, 0, maxWorkers);
    checkCount('max', max, Math.max(1, min), maxWorkers);
    this.#backend.engine.resize(min, max);
  }

  /** What the pool is doing, as numbers. */
  statistics(): PoolStatistics {
    return poolStatistics(this.#backend, this.#options);
  }

  #check(method: string, fn: unknown): void {
    const { engine } = this.#backend;
    if (engine.state !== 'running') {
      if (engine.broken !== undefined) throw engine.broken;
      throw new PoolClosedError(
        `Cannot call ${method}: the pool was ${engine.state === 'closing' ? 'closed' : 'terminated'} and takes no more work.`,
      );
    }
    checkFunction('the function', fn);
  }

  #handleOf(fn: AnyFunction): FunctionHandle {
    return this.#backend.context === 'inline' ? Functions.inline(fn) : this.#backend.functions.handleOf(fn);
  }

  #taskIds(count: number): number {
    this.#series = undefined;
    const first = this.#lastTaskId + 1;
    this.#lastTaskId += count;
    return first;
  }

  /** What goes wrong before a task is on its way rejects its result, so that a submission throws only for its options. */
  #attempt(result: AsyncResult<unknown>, submit: () => void): void {
    try {
      submit();
    } catch (error) {
      settler.fail(result, error as Error);
    }
  }

  #single(
    method: string,
    fn: AnyFunction,
    args: readonly unknown[],
    options: (CallOptions & CallbackOptions<never>) | undefined,
  ): AsyncResult<unknown> {
    this.#check(method, fn);
    if (!Array.isArray(args))
      throw new ArgumentTypeError(
        `Cannot use ${show(args)} as the arguments of ${method}: expected a list, such as [x].`,
      );
    if (options !== undefined) {
      checkCallOptions(method, options, ['callback', 'errorCallback']);
      checkCallbacks(options);
    }
    const result = new AsyncResult<unknown>();
    if (options?.callback !== undefined || options?.errorCallback !== undefined)
      settler.listen(result, options.callback, options.errorCallback);
    this.#attempt(result, () => {
      const arg = this.#snapshot(args);
      const series = this.#seriesFor(method, fn, args.length !== 1, options);
      const index = series.add(arg, result);
      this.#lastTaskId = series.firstTaskId + index;
      this.#backend.engine.add(series, index, index + 1);
      if (series.terms.signal !== undefined)
        this.#abortWith(series.terms.signal, series, (stop) => (series.onSettled = stop));
      this.#dispatchSoon();
    });
    return result;
  }

  /** Arguments are copied at the call, not when a worker happens to be free. Immutable ones need no copy. */
  #snapshot(args: readonly unknown[]): unknown {
    const single = args.length === 1;
    if (this.#backend.context === 'inline' || args.every(isImmutable)) return single ? args[0] : args.slice();
    return encodeAhead(this.#backend.functions.encoder, single ? args[0] : args);
  }

  /** The open series, if the call can join it, else a new one. */
  #seriesFor(method: string, fn: AnyFunction, spread: boolean, options: CallOptions | undefined): Series {
    const plain = options === undefined || !callKeys.some((key) => options[key] !== undefined);
    const open = this.#series;
    const handle = this.#handleOf(fn);
    if (
      plain &&
      open !== undefined &&
      open.terms.fn === handle &&
      open.terms.spread === spread &&
      open.length < maxSeries
    )
      return open;
    const call = newCall(method, handle, spread, options ?? {}, callSite());
    const series = new Series(call, this.#taskIds(1));
    this.#firstUnawaited ??= call;
    if (plain) this.#series = series;
    return series;
  }

  #dispatchSoon(): void {
    if (++this.#undispatched >= maxUndispatched) return this.#dispatch();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    this.#undispatched = 0;
    this.#backend.engine.dispatch();
  }

  #map(
    method: 'map' | 'mapAsync' | 'starmap' | 'starmapAsync' | 'mapSettled',
    fn: AnyFunction,
    items: Items<unknown>,
    options: MapOptions & CallbackOptions<never>,
    spread: boolean,
    each?: { readonly failed: (error: Error) => unknown; readonly succeeded: (value: unknown) => unknown },
  ): AsyncResult<unknown> {
    this.#check(method, fn);
    checkMapOptions(method, options, ['callback', 'errorCallback']);
    checkCallbacks(options);
    checkItems(method, items);
    const counters = this.#counters();
    const bar = startProgress(options.progress, counters, options.name ?? (fn.name === '' ? method : fn.name));
    const result = new AsyncResult<unknown>();
    settler.listen(result, options.callback, options.errorCallback);
    const goOn = each !== undefined || options.onError === 'continue';
    let stop: (() => void) | undefined;
    const done = ({ values, error }: MapOutcome): void => {
      stop?.();
      bar.stop(error !== undefined && !goOn ? 'failed' : 'done');
      if (error !== undefined && !goOn) settler.fail(result, error);
      else settler.succeed(result, values);
    };
    const fail = (error: Error): void => {
      bar.stop('failed');
      settler.fail(result, error);
    };
    try {
      const site = callSite();
      const list = listOf(items);
      const chunkSize =
        options.chunkSize ??
        (this.#options.maxTasksPerChild === undefined ? undefined : this.#defaultChunk(list?.length));
      const call = newCall(method, this.#handleOf(fn), spread, { ...options, chunkSize }, site);
      this.#firstUnawaited ??= call;
      counters.total = list?.length;
      const handlers = {
        failed: each?.failed ?? (() => undefined),
        ...(each === undefined ? {} : { succeeded: each.succeeded }),
        done,
        counters,
      };
      const job = new MapJob(call, this.#taskIds(list?.length ?? 2 ** 30), list ?? [], list !== undefined, handlers);
      if (list?.length === 0) {
        queueMicrotask(() => done({ values: [], error: undefined }));
        return result;
      }
      if (call.signal !== undefined) this.#abortWith(call.signal, job, (cancel) => (stop = cancel));
      if (list === undefined) void this.#feed(job, items as AsyncIterable<unknown>, counters);
      else {
        this.#backend.engine.add(job, 0, list.length);
        this.#dispatchSoon();
      }
    } catch (error) {
      fail(error as Error);
    }
    return result;
  }

  /** Adds the items of an asynchronous iterable as they come. */
  async #feed(job: MapJob, items: AsyncIterable<unknown>, counters: { total: number | undefined }): Promise<void> {
    const release = this.#backend.engine.hold();
    try {
      let index = -1;
      for await (const item of items) {
        if (this.#backend.engine.state === 'terminating' || this.#backend.engine.state === 'ended') break;
        index = job.add(item);
        this.#backend.engine.add(job, index, index + 1);
        this.#dispatchSoon();
      }
      counters.total = index + 1;
      job.complete();
    } catch (error) {
      job.complete(error as Error);
    } finally {
      release();
    }
  }

  /** Python's: four waves for each worker. It is used where tasks are counted; otherwise batches follow the run time. */
  #defaultChunk(length: number | undefined): number {
    return length === undefined ? 1 : Math.max(1, Math.ceil(length / (4 * sizeOf(this.#options).max)));
  }

  #counters(): {
    total: number | undefined;
    done: number;
    failed: number;
    readonly running: number;
    readonly workers: number;
  } {
    const { engine } = this.#backend;
    return {
      total: undefined,
      done: 0,
      failed: 0,
      get running() {
        let busy = 0;
        for (const { leases } of engine.members) if (leases.open > 0) busy++;
        return busy;
      },
      get workers() {
        return engine.members.size;
      },
    };
  }

  #stream<R>(
    method: 'imap' | 'imapUnordered',
    fn: AnyFunction,
    items: Items<unknown>,
    options: StreamOptions,
    ordered: boolean,
  ): ResultStream<Awaited<R>> {
    this.#check(method, fn);
    checkMapOptions(method, options, ['bufferSize']);
    if (options.bufferSize !== undefined) checkCount('bufferSize', options.bufferSize, 1);
    checkItems(method, items);
    const counters = this.#counters();
    if (Array.isArray(items)) counters.total = items.length;
    const bar = startProgress(options.progress, counters, options.name ?? (fn.name === '' ? method : fn.name));
    const { engine } = this.#backend;
    const release = engine.hold();
    let stop: (() => void) | undefined;
    try {
      const call = newCall(method, this.#handleOf(fn), false, options, callSite());
      const host = {
        add: (job: WireJob, from: number, to: number): void => {
          engine.add(job, from, to);
          this.#dispatchSoon();
        },
        withdraw: (job: WireJob) => engine.withdraw(job, undefined),
        over: (outcome: 'done' | 'failed' | 'cancelled') => {
          this.#streams.delete(job);
          stop?.();
          bar.stop(outcome);
          release();
        },
        workers: sizeOf(this.#options).max,
      };
      const settings = {
        ordered,
        skipErrors: options.onError === 'continue',
        bufferSize: options.bufferSize,
        counters,
      };
      const job = new StreamJob(call, this.#taskIds(2 ** 30), sourceOf(items), host, settings);
      this.#streams.add(job);
      if (call.signal !== undefined)
        this.#abortWith(
          call.signal,
          job,
          (cancel) => (stop = cancel),
          (error) => job.abort(error),
        );
      return new ResultStream<Awaited<R>>(job);
    } catch (error) {
      release();
      bar.stop('failed');
      throw error;
    }
  }

  /** Gives a job up when its signal says so; `keep` gets the function that stops listening. */
  #abortWith(
    signal: AbortSignal,
    job: WireJob & { readonly terms: Call },
    keep: (stop: () => void) => void,
    abort?: (error: Error) => void,
  ): void {
    const { method, name } = job.terms;
    const onAbort = (): void => {
      abort?.(new AbortError(`${method}(${name}) was aborted.`, { cause: signal.reason }));
      this.#backend.engine.withdraw(job, { value: signal.reason });
    };
    if (signal.aborted) return queueMicrotask(onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    keep(() => signal.removeEventListener('abort', onAbort));
  }

  #terminatedError(): ManycoreError {
    const { engine } = this.#backend;
    const left = engine.waiting + engine.running;
    const site = this.#firstUnawaited === undefined ? undefined : shortSite(this.#firstUnawaited.site);
    const hint = left === 0 || site === undefined ? '' : ` Did you forget \`await\` at ${site}?`;
    return new PoolTerminatedError(
      `The pool ended while ${left} ${left === 1 ? 'task was' : 'tasks were'} not done.${hint}`,
    );
  }

  #end(error: Error): void {
    for (const stream of [...this.#streams]) stream.abort(error);
    this.#backend.engine.terminate(error);
  }

  #ended(error: Error | undefined): void {
    this.#unregister();
    for (const stream of [...this.#streams]) stream.abort(error ?? this.#terminatedError());
  }
}

Object.defineProperty(Pool.prototype, inspect.custom, {
  value(this: Pool): string {
    const { state, workers, name } = this.statistics();
    return `<${this.constructor.name}${name === undefined ? '' : ` ${name}`} state=${state} workers=${workers.length}>`;
  },
});

const callKeys = ['timeout', 'signal', 'retries', 'priority', 'name'] as const;

function readArguments(first: number | AnyOptions | undefined, second: AnyOptions | undefined): AnyOptions {
  if (typeof first !== 'number') {
    if (first !== undefined && (typeof first !== 'object' || first === null)) {
      throw new ArgumentTypeError(`Cannot make a pool of ${show(first)}: expected a number of workers or options.`);
    }
    return first ?? {};
  }
  checkCount('workers', first, 1, maxWorkers);
  return { ...second, workers: first };
}

function sizeOf({ workers, min, max }: AnyOptions): Size {
  if (workers === 0) return { min: 1, max: 1 };
  if (workers !== undefined) return { min: workers, max: workers };
  if (min === undefined && max === undefined) return { min: cpuCount(), max: cpuCount() };
  return { min: min ?? 0, max: max ?? Math.max(min ?? 0, cpuCount()) };
}

function checkItems(method: string, items: unknown): void {
  const iterable =
    typeof items === 'string' ||
    (typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items));
  if (!iterable)
    throw new ArgumentTypeError(`Cannot ${method} over ${show(items)}: expected an iterable, such as an array.`);
}

/** The items as an array of our own, or undefined when they come asynchronously. */
function listOf(items: Items<unknown>): unknown[] | undefined {
  if (Array.isArray(items)) return items.slice();
  if (items instanceof Range) return items.toArray();
  return Symbol.asyncIterator in items ? undefined : Array.from(items as Iterable<unknown>);
}

function reportWorkerError(
  pool: Pool | undefined,
  error: Error,
  worker: { readonly id: number; readonly pid: number | undefined },
): void {
  if (pool !== undefined && pool.listenerCount('workerError') > 0) pool.emit('workerError', error, worker);
  else
    process.emitWarning(
      `Worker ${worker.id} (pid ${String(worker.pid)}) had an error that no task caught and is replaced: ${error.stack ?? error.message}`,
      'ManycoreWarning',
    );
}
