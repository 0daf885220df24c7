import { ArgumentRangeError } from '../errors.ts';
import { maxWorkers as mostWorkers } from '../limits.ts';
import { checkCount, checkKeys, show } from '../arguments.ts';
import { checkMapOptions, checkPoolOptions, poolKeys, type MapOptions, type PoolOptions } from '../pool/options.ts';

/** Options of an executor. Times are milliseconds, sizes bytes. */
export interface ExecutorOptions<InitArgs extends readonly unknown[] | [] = readonly unknown[]> extends Omit<
  PoolOptions<InitArgs>,
  'workers' | 'min' | 'max' | 'context' | 'finalizer'
> {
  /** The most workers; they are started when there is work for them. */
  readonly maxWorkers?: number;
}

/** Options of `ProcessPoolExecutor`. */
export interface ProcessPoolExecutorOptions<
  InitArgs extends readonly unknown[] | [] = readonly unknown[],
> extends ExecutorOptions<InitArgs> {
  /** Python's `mp_context`: only `process`, which Python calls `spawn`. */
  readonly context?: 'process' | 'spawn';
}

/** Options of `ThreadPoolExecutor`. */
export interface ThreadPoolExecutorOptions<
  InitArgs extends readonly unknown[] | [] = readonly unknown[],
> extends ExecutorOptions<InitArgs> {
  /** Threads are called this and their place in the executor, such as `download_0`. Default: `ThreadPoolExecutor-` and a number. */
  readonly threadNamePrefix?: string;
}

/** Options of `Executor.map`. */
export interface ExecutorMapOptions extends Pick<MapOptions, 'chunkSize' | 'progress' | 'onError' | 'name'> {
  /** The iteration ends with `TimeoutError` when a result is waited for so long after the call (milliseconds); the rest is cancelled. */
  readonly timeout?: number;
  /** How many inputs may be read ahead of the results taken; `Infinity` reads all at once. Default: two chunks for each worker. */
  readonly bufferSize?: number;
}

/** Options of `Executor.mapSync`. */
export interface ExecutorMapSyncOptions extends Pick<MapOptions, 'chunkSize' | 'progress' | 'name'> {
  /** The call throws `TimeoutError` when the results are not all there after this long (milliseconds); what has not begun is dropped. */
  readonly timeout?: number;
}

/** Options of `Executor.shutdown`. */
export interface ShutdownOptions {
  /** The promise waits for the end of the workers. Default true. */
  readonly wait?: boolean;
  /** Cancels what has not begun. Default false. */
  readonly cancelFutures?: boolean;
}

const notOurs = new Set(['workers', 'min', 'max', 'finalizer']);
const executorKeys = ['maxWorkers', ...poolKeys.filter((key) => !notOurs.has(key))];
const threadKeys = ['threadNamePrefix', ...executorKeys.filter((key) => key !== 'context')];
const mapKeys = ['chunkSize', 'progress', 'onError', 'name', 'timeout', 'bufferSize'];

/** Checks the options of an executor. Returns those of the pool that it is made of. */
export function poolOptionsOf(
  of: string,
  context: 'process' | 'thread',
  maxWorkers: number,
  options: ExecutorOptions & { readonly context?: unknown },
): PoolOptions {
  checkKeys(of, options, context === 'thread' ? threadKeys : executorKeys);
  checkCount('maxWorkers', maxWorkers, 1, mostWorkers);
  const { maxWorkers: _, context: given, ...rest } = options;
  // Simulated workers are of neither kind.
  const asked = given ?? (rest.clock === undefined ? context : undefined);
  const own = {
    ...rest,
    ...(asked !== undefined && { context: asked as 'process' }),
    min: 0,
    max: maxWorkers,
    idleTimeout: rest.idleTimeout ?? Infinity,
  };
  checkPoolOptions(own);
  if ((asked as string) === 'thread' && context === 'process')
    throw new ArgumentRangeError(`Cannot use context ${show(asked)}: for threads there is ThreadPoolExecutor.`);
  return own;
}

export function checkExecutorMapOptions(options: ExecutorMapOptions): void {
  checkKeys('map', options, mapKeys);
  const { bufferSize, ...rest } = options;
  checkMapOptions('map', rest);
  if (bufferSize !== undefined && bufferSize !== Infinity) checkCount('bufferSize', bufferSize, 1);
}

export function checkExecutorMapSyncOptions(options: ExecutorMapSyncOptions): void {
  checkKeys('mapSync', options, ['chunkSize', 'progress', 'name', 'timeout']);
  checkMapOptions('mapSync', options);
}

/** `new ProcessPoolExecutor(4)`, `(4, { ... })` or `({ maxWorkers: 4, ... })`. From here on the initializer is not checked against its arguments. */
export function readExecutorArguments(first: number | object | undefined, second: object | undefined): ExecutorOptions {
  return typeof first === 'number' ? { ...second, maxWorkers: first } : (first ?? {});
}
