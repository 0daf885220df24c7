import { AsyncLocalStorage } from 'node:async_hooks';
import { checkCount, checkFunction, checkKeys, checkTimeout, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { maxWorkers } from '../limits.ts';
import { checkCpus } from '../cpus.ts';
import { sizeOf } from './size.ts';
import type { ChaosOptions } from './chaos.ts';
import type { ProgressOption } from '../progress/index.ts';
import type { Clock } from '../engine/clock.ts';
import type { WorkerFaults } from '../engine/inline-link.ts';

/** Options of a pool. Times are milliseconds, sizes bytes. */
export interface PoolOptions<InitArgs extends readonly unknown[] | [] = readonly unknown[]> {
  /** How many workers; 0 runs the tasks in this thread. Default: the cores that this process may use. */
  readonly workers?: number;
  /** For an elastic pool: workers at rest. */
  readonly min?: number;
  /** For an elastic pool: workers under load. */
  readonly max?: number;
  /** Child processes (the default) or worker threads. `spawn` is Python's word for `process`. */
  readonly context?: 'process' | 'thread' | 'spawn';
  /** Runs in each worker before its first task. */
  readonly initializer?: (...args: [...InitArgs]) => unknown;
  readonly initArgs?: InitArgs;
  /**
   * Runs in each worker behind its last task, when that ends in good order: by `close`, or because it is replaced or not needed any more. It
   * has 5 s. `finalizerResults()` has what it returned. Not for executors.
   */
  readonly finalizer?: () => unknown;
  /** The core, or the list of cores, that each worker runs on; one entry for each (Linux). */
  readonly cpus?: readonly (number | readonly number[])[];
  /** A worker is replaced after this many tasks; a chunk counts as one. */
  readonly maxTasksPerChild?: number;
  /** A worker is replaced when it is this old, in milliseconds, and has done something; one at a time. */
  readonly maxAgePerWorker?: number;
  /** Tasks that one worker runs at once, for asynchronous functions that mostly wait. Default 1. */
  readonly concurrency?: number;
  /** A worker whose memory is above this, in bytes, is replaced after its task; at twice this it is ended. */
  readonly maxMemoryPerWorker?: number;
  /** An elastic pool ends a worker above `min` after it was idle for this long, in milliseconds. Default 5,000, for executors `Infinity`. */
  readonly idleTimeout?: number;
  /** How long a worker may take to start and run its initializer, in milliseconds. Default 60,000. */
  readonly bootTimeout?: number;
  /** When the pool gives up replacing workers that die. */
  readonly restart?: {
    /** How many deaths without a finished task in between it endures within a period. Default 100. */
    readonly intensity?: number;
    /** The period, in milliseconds. Default 60,000. */
    readonly period?: number;
  };
  /** Faults that befall the workers at random, for tests of programs. */
  readonly chaos?: ChaosOptions;
  /** For error messages and statistics. */
  readonly name?: string;
  /**
   * For tests: the clock of `virtualClock()` in manycore/testing. The workers are then simulated: they run their tasks in
   * this thread, each one at a time, and timeouts, growing, shrinking and restarts go by this clock. Default 1 worker.
   */
  readonly clock?: Clock;
  /** For tests: what `faults()` in manycore/testing makes. It needs simulated workers: `clock`, or `workers: 0`. */
  readonly faults?: WorkerFaults;
  /** Variables that the workers have besides this process's environment; one that is `undefined` they do not have. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Options of every call. */
export interface CallOptions {
  /** The longest that a task may run, in milliseconds from its start on a worker; then it has failed, and is told so by `task().signal`. */
  readonly timeout?: number;
  /** Gives the call up: what has not begun never will, what runs is told by `task().signal`. */
  readonly signal?: AbortSignal;
  /** How long, in milliseconds, a task that was told to stop may go on before its worker is ended and replaced. Default 1,000; 0: at once. */
  readonly grace?: number;
  /** The longest that a task may wait for its start, in milliseconds. */
  readonly queueTimeout?: number;
  /** How often a task is tried again after its worker was lost, or when and why. Default 0: a task is begun at most once. */
  readonly retries?: number | RetryOptions;
  /** What these hold at the call is copied to the task, which finds it there. */
  readonly carry?: readonly AsyncLocalStorage<unknown>[];
  /** Higher goes first. Default 0. */
  readonly priority?: number;
  /** The call's name in errors and progress. Default: the function's. */
  readonly name?: string;
}

/** How tasks are tried again. The names are those of `got` and `ky`. */
export interface RetryOptions {
  /** How often a task is tried again. */
  readonly limit: number;
  /** Milliseconds before the second attempt, doubled for each further one; or a function that gives them for the attempt that failed. Default 0. */
  readonly delay?: number | ((attempt: number) => number);
  /** The longest delay, in milliseconds. Default 30,000. */
  readonly backoffLimit?: number;
  /**
   * Decides for each failure, also for errors that the function threw and for timeouts. Without it only a task whose worker was
   * lost is tried again.
   */
  readonly shouldRetry?: (error: Error, attempt: number) => boolean;
}

/** Options of the calls over many items. */
export interface MapOptions extends CallOptions {
  /** Items that travel and count as one task. Default: sized by how long they take. */
  readonly chunkSize?: number;
  /** Shows how far the call is: `true`, a label, options, or a function that is told. */
  readonly progress?: ProgressOption;
  /**
   * `continue`: a failed item leaves `undefined` (or is left out, in `imap`) instead of failing the call; the type of the results
   * does not say so, that of `mapSettled` does. Default `throw`.
   */
  readonly onError?: 'throw' | 'continue';
}

/** Functions that are told how a call ended, as Python's `callback` and `error_callback`. */
export interface CallbackOptions<R> {
  /** Called with the result before the promise is settled. */
  readonly callback?: (result: R) => void;
  /** Called with the error before the promise is settled. */
  readonly errorCallback?: (error: Error) => void;
}

/** Options of `imap` and `imapUnordered`. */
export interface StreamOptions extends MapOptions {
  /** How many inputs may be read ahead of the results taken. Default: two chunks for each worker. */
  readonly bufferSize?: number;
}

export const poolKeys: readonly string[] = [
  'workers',
  'min',
  'max',
  'context',
  'initializer',
  'initArgs',
  'finalizer',
  'cpus',
  'maxTasksPerChild',
  'maxAgePerWorker',
  'concurrency',
  'maxMemoryPerWorker',
  'idleTimeout',
  'bootTimeout',
  'restart',
  'chaos',
  'name',
  'clock',
  'faults',
  'env',
];
export const callKeys = ['timeout', 'signal', 'grace', 'queueTimeout', 'retries', 'priority', 'carry', 'name'] as const;
const mapKeys = [...callKeys, 'chunkSize', 'progress', 'onError'];

export function checkPoolOptions(options: PoolOptions): void {
  checkKeys('Pool', options, poolKeys);
  if (options.workers !== undefined) checkCount('workers', options.workers, 0, maxWorkers);
  if (options.min !== undefined) checkCount('min', options.min, 0, maxWorkers);
  if (options.max !== undefined) checkCount('max', options.max, 1, maxWorkers);
  if (options.min !== undefined && options.max !== undefined && options.min > options.max) {
    throw new ArgumentRangeError(`Cannot make a pool with min ${options.min} above max ${options.max}.`);
  }
  if (options.workers !== undefined && (options.min !== undefined || options.max !== undefined)) {
    throw new ArgumentTypeError('Cannot make a pool with workers and min or max: give either a size or a range.');
  }
  const { context, initializer, initArgs } = options;
  if (context !== undefined && !['process', 'thread', 'spawn'].includes(context)) {
    const fork = context.startsWith('fork') ? ' Node cannot fork; workers never run the main program again.' : '';
    throw new ArgumentRangeError(`Cannot use context ${show(context)}: expected 'process' or 'thread'.${fork}`);
  }
  if (initializer !== undefined) checkFunction('initializer', initializer);
  if (options.finalizer !== undefined) checkFunction('finalizer', options.finalizer);
  if (options.cpus !== undefined) checkPlaces(options);
  if (initArgs !== undefined && !Array.isArray(initArgs)) {
    throw new ArgumentTypeError(`Cannot use initArgs ${show(initArgs)}: expected a list of arguments, such as [a].`);
  }
  if (options.maxTasksPerChild !== undefined) checkCount('maxTasksPerChild', options.maxTasksPerChild, 1);
  if (options.concurrency !== undefined) checkCount('concurrency', options.concurrency, 1, 65_536);
  if (options.maxMemoryPerWorker !== undefined) checkCount('maxMemoryPerWorker', options.maxMemoryPerWorker, 1);
  checkTimeout(options.maxAgePerWorker, 'maxAgePerWorker');
  checkTimeout(options.idleTimeout, 'idleTimeout');
  checkTimeout(options.bootTimeout, 'bootTimeout');
  checkName(options.name);
  if (options.env !== undefined && (typeof options.env !== 'object' || options.env === null)) {
    throw new ArgumentTypeError(`Cannot use env ${show(options.env)}: expected an object of strings.`);
  }
  checkSimulation(options);
  if (options.chaos !== undefined) checkChaos(options.chaos, options.context);
  if (options.restart !== undefined) {
    checkKeys('restart', options.restart, ['intensity', 'period']);
    if (options.restart.intensity !== undefined) checkCount('restart.intensity', options.restart.intensity, 0);
    checkTimeout(options.restart.period, 'restart.period');
  }
}

function checkPlaces(options: PoolOptions): void {
  const { cpus, clock } = options;
  if (!Array.isArray(cpus))
    throw new ArgumentTypeError(`Cannot use cpus ${show(cpus)}: expected a list with an entry for each worker.`);
  const { max } = sizeOf(options);
  if (clock !== undefined || options.workers === 0)
    throw new ArgumentTypeError('Cannot use cpus without workers: tasks run in this thread.');
  if (cpus.length !== max)
    throw new ArgumentRangeError(`Cannot use cpus of ${cpus.length} entries with ${max} workers: each needs one.`);
  for (const [i, cpu] of cpus.entries()) checkCpus(Array.isArray(cpu) ? cpu : [cpu], `cpus[${i}]`);
}

function checkSimulation({ clock, faults, workers, context }: PoolOptions): void {
  if (clock !== undefined && (typeof clock !== 'object' || typeof clock?.after !== 'function')) {
    throw new ArgumentTypeError(`Cannot use clock ${show(clock)}: expected what virtualClock() returns.`);
  }
  if (clock !== undefined && context !== undefined) {
    const why = 'real workers do not go by it. Leave the context out: the workers are then simulated';
    throw new ArgumentTypeError(`Cannot use clock with context ${show(context)}: ${why}.`);
  }
  if (faults === undefined) return;
  if (typeof faults !== 'object' || typeof faults?.task !== 'function') {
    throw new ArgumentTypeError(`Cannot use faults ${show(faults)}: expected what faults() returns.`);
  }
  if (clock === undefined && workers !== 0) {
    throw new ArgumentTypeError('Cannot use faults with real workers: give the pool a clock too, or workers: 0.');
  }
}

export function checkCallOptions(method: string, options: object, more: readonly string[] = [], advice = ''): void {
  checkKeys(method, options, [...callKeys, ...more], advice);
  checkCall(options);
}

export function checkMapOptions(method: string, options: MapOptions, more: readonly string[] = []): void {
  checkKeys(method, options, [...mapKeys, ...more]);
  checkCall(options);
  if (options.chunkSize !== undefined) checkCount('chunkSize', options.chunkSize, 1);
  if (options.onError !== undefined && options.onError !== 'throw' && options.onError !== 'continue') {
    throw new ArgumentRangeError(`Cannot use onError ${show(options.onError)}: expected 'throw' or 'continue'.`);
  }
}

export function checkCallbacks(options: CallbackOptions<never>): void {
  if (options.callback !== undefined) checkFunction('callback', options.callback);
  if (options.errorCallback !== undefined) checkFunction('errorCallback', options.errorCallback);
}

function checkCall(options: CallOptions): void {
  checkTimeout(options.timeout);
  checkTimeout(options.grace, 'grace');
  checkTimeout(options.queueTimeout, 'queueTimeout');
  checkRetries(options.retries);
  checkCarry(options.carry);
  if (options.priority !== undefined && !Number.isFinite(options.priority)) {
    throw new ArgumentTypeError(`Cannot use priority ${show(options.priority)}: expected a finite number.`);
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new ArgumentTypeError(`Cannot use signal ${show(options.signal)}: expected an AbortSignal.`);
  }
  checkName(options.name);
}

function checkRetries(retries: number | RetryOptions | undefined): void {
  if (retries === undefined) return;
  if (typeof retries !== 'object' || retries === null) return checkCount('retries', retries, 0);
  checkKeys('retries', retries, ['limit', 'delay', 'backoffLimit', 'shouldRetry']);
  checkCount('retries.limit', retries.limit, 0);
  if (typeof retries.delay !== 'function') checkTimeout(retries.delay, 'retries.delay');
  checkTimeout(retries.backoffLimit, 'retries.backoffLimit');
  if (retries.shouldRetry !== undefined) checkFunction('retries.shouldRetry', retries.shouldRetry);
}

function checkChaos(chaos: ChaosOptions, context: PoolOptions['context']): void {
  checkKeys('chaos', chaos, ['meanMs', 'mode', 'seed']);
  const { meanMs, mode, seed } = chaos;
  if (typeof meanMs !== 'number')
    throw new ArgumentTypeError(`Cannot use chaos.meanMs ${show(meanMs)}: expected a number.`);
  if (!(meanMs >= 1 && meanMs < Infinity))
    throw new ArgumentRangeError(`Cannot use chaos.meanMs ${show(meanMs)}: expected milliseconds of at least 1.`);
  if (mode !== undefined && !['kill', 'stop', 'delay'].includes(mode))
    throw new ArgumentRangeError(`Cannot use chaos.mode ${show(mode)}: expected 'kill', 'stop' or 'delay'.`);
  if (mode === 'stop' && context === 'thread')
    throw new ArgumentRangeError(`Cannot use chaos.mode 'stop' with threads: only a process can be stopped.`);
  if (seed !== undefined) checkCount('chaos.seed', seed, 0);
}

function checkCarry(carry: unknown): void {
  if (carry === undefined) return;
  if (!Array.isArray(carry) || !carry.every((storage) => storage instanceof AsyncLocalStorage))
    throw new ArgumentTypeError(`Cannot use carry ${show(carry)}: expected a list of AsyncLocalStorages.`);
}

function checkName(name: unknown): void {
  if (name !== undefined && typeof name !== 'string')
    throw new ArgumentTypeError(`Cannot use name ${show(name)}: expected a string.`);
}
