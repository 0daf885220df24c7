import type { AnyFunction } from '../engine/functions.ts';
import { startProgress } from '../progress/index.ts';
import { newCall } from '../pool/call.ts';
import { callSite } from '../pool/call-site.ts';
import { newCounters } from '../pool/counters.ts';
import { refused } from '../pool/explain-failure.ts';
import { zip } from '../pool/iterables.ts';
import { insist } from '../pool/deferred.ts';
import { checkItems, lengthOf, listOf, type Items } from '../pool/items.ts';
import { MapJob, type MapOutcome } from '../pool/map-job.ts';
import { asynchronousItems, manyTaskIds } from '../pool/map.ts';
import type { CallOptions } from '../pool/options.ts';
import { ResultStream } from '../pool/result-stream.ts';
import { sourceOf, StreamJob } from '../pool/stream.ts';
import type { Submissions } from '../pool/submissions.ts';
import { checkExecutorMapOptions, checkExecutorMapSyncOptions, type ExecutorMapOptions } from './options.ts';

/** `Executor.map`: one function over the items at the same place of several iterables. */
export function submitExecutorMap(
  pool: Submissions,
  callOptions: CallOptions | undefined,
  fn: AnyFunction,
  rest: readonly unknown[],
): ResultStream<never> {
  pool.check('map', fn);
  const { iterables, options } = readArguments(rest);
  checkExecutorMapOptions(options);
  for (const iterable of iterables) checkItems('map', iterable);
  const [only] = iterables;
  const single = iterables.length === 1 && only !== undefined;
  const items = single ? only : zipped(iterables);
  const { timeout, bufferSize, onError, progress, ...mapOptions } = options;
  const { engine } = pool.backend;
  const counters = newCounters(engine);
  counters.total = single ? lengthOf(only) : undefined;
  const name = options.name ?? (fn.name === '' ? 'map' : fn.name);
  const bar = startProgress(progress, counters, name);
  // A stream that nobody reads on must not keep an executor that is shut down; it keeps one that was only dropped.
  const release = engine.hold();
  let stopListening = (): void => undefined;
  try {
    const call = newCall(
      pool,
      'map',
      pool.handleOf(fn, callOptions?.carry),
      !single,
      { ...callOptions, ...mapOptions },
      callSite(),
    );
    const job: StreamJob = new StreamJob(
      call,
      pool.taskIds(counters.total ?? manyTaskIds),
      sourceOf(items),
      {
        add: (stream, from, to) => pool.add(stream, from, to),
        withdraw: (stream) => engine.withdraw(stream, undefined),
        inputEnded: release,
        over: (outcome) => {
          pool.streams.delete(job);
          stopListening();
          bar.stop(outcome);
          release();
        },
        workers: pool.workers,
      },
      {
        ordered: true,
        skipErrors: onError === 'continue',
        bufferSize,
        timeoutMs: timeout === Infinity ? undefined : timeout,
        counters,
        bar,
      },
    );
    pool.streams.add(job);
    stopListening = pool.abortWithSignal(job, (error) => job.abort(error));
    return new ResultStream<never>(job);
  } catch (error) {
    release();
    bar.stop('failed');
    throw refused(error as Error, 'map', name, callSite());
  }
}

/** `Executor.mapSync`: the results of `map` all together, for which this thread is blocked. */
export function executorMapSync(
  pool: Submissions,
  callOptions: CallOptions | undefined,
  fn: AnyFunction,
  rest: readonly unknown[],
): never[] {
  pool.check('mapSync', fn);
  const { iterables, options } = readArguments(rest);
  checkExecutorMapSyncOptions(options);
  for (const iterable of iterables) checkItems('mapSync', iterable);
  if (!areSync(iterables)) throw asynchronousItems('mapSync');
  const [only] = iterables;
  const single = iterables.length === 1 && only !== undefined;
  const list = listOf(single ? only : zip(...(iterables as Iterable<unknown>[])))!;
  const { timeout, progress, ...mapOptions } = options;
  const { engine } = pool.backend;
  const counters = newCounters(engine);
  counters.total = list.length;
  const name = options.name ?? (fn.name === '' ? 'mapSync' : fn.name);
  const call = newCall(
    pool,
    'mapSync',
    pool.handleOf(fn, callOptions?.carry),
    !single,
    { ...callOptions, ...mapOptions },
    callSite(),
  );
  if (list.length === 0) return [];
  const bar = startProgress(progress, counters, name);
  let values: unknown[] | undefined;
  const done = (outcome: MapOutcome): void => void (values = outcome.values);
  const job = new MapJob(call, pool.taskIds(list.length), list, { settled: false, done, counters, bar });
  const stopListening = pool.abortWithSignal(job);
  try {
    pool.add(job, 0, list.length);
    insist(job, () => values !== undefined || job.error !== undefined, timeout === Infinity ? undefined : timeout);
    if (job.error !== undefined) throw job.error;
    return values as never[];
  } finally {
    stopListening();
    bar.stop(job.error === undefined && values !== undefined ? 'done' : 'failed');
    // As in Python, what has not begun is dropped when the iteration ends early.
    if (values === undefined) engine.withdraw(job, undefined);
  }
}

/** The options are what comes last and cannot be iterated. */
function readArguments(rest: readonly unknown[]): {
  readonly iterables: readonly Items<unknown>[];
  readonly options: ExecutorMapOptions;
} {
  const last = rest.at(-1);
  const isOptions =
    last === undefined ||
    (typeof last === 'object' && last !== null && !(Symbol.iterator in last) && !(Symbol.asyncIterator in last));
  if (rest.length < 2 || !isOptions) return { iterables: rest as Items<unknown>[], options: {} };
  return { iterables: rest.slice(0, -1) as Items<unknown>[], options: last ?? {} };
}

function zipped(iterables: readonly Items<unknown>[]): Iterable<unknown[]> | AsyncIterable<unknown[]> {
  return areSync(iterables) ? zip(...(iterables as Iterable<unknown>[])) : zipAsync(iterables);
}

function areSync(iterables: readonly Items<unknown>[]): boolean {
  return iterables.every((items) => typeof items === 'string' || Symbol.iterator in items);
}

async function* zipAsync(iterables: readonly Items<unknown>[]): AsyncGenerator<unknown[], undefined> {
  const iterators = iterables.map((items) => sourceOf(items).iterator);
  try {
    for (;;) {
      const tuple: unknown[] = [];
      for (const iterator of iterators) {
        const { done, value } = await iterator.next();
        if (done === true) return undefined;
        tuple.push(value);
      }
      yield tuple;
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}
