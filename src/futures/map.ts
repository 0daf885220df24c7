import type { AnyFunction } from '../engine/functions.ts';
import { startProgress } from '../progress/index.ts';
import { newCall } from '../pool/call.ts';
import { callSite } from '../pool/call-site.ts';
import { newCounters } from '../pool/counters.ts';
import { insist } from '../pool/deferred.ts';
import { checkItems, lengthOf, listOf, type Items } from '../pool/items.ts';
import { MapJob, type MapOutcome } from '../pool/map-job.ts';
import { asynchronousItems } from '../pool/map.ts';
import { openStream } from '../pool/open-stream.ts';
import type { CallOptions } from '../pool/options.ts';
import type { ResultStream } from '../pool/result-stream.ts';
import type { Submissions } from '../pool/submissions.ts';
import { zip, zipAsync } from '../pool/zip.ts';
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
  const only = iterables.length === 1 ? iterables[0] : undefined;
  // The call's `timeout` is that of the iteration; that of `with` is each task's.
  const { timeout, ...mapOptions } = options;
  return openStream(pool, {
    method: 'map',
    fn,
    spread: only === undefined,
    items: only ?? zipped(iterables),
    total: only === undefined ? undefined : lengthOf(only),
    options: { ...callOptions, ...mapOptions },
    timeoutMs: timeout === Infinity ? undefined : timeout,
  });
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
