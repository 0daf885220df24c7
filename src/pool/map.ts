import type { AnyFunction } from '../engine/functions.ts';
import { afterTick } from '../blocking/later.ts';
import { BlockingError } from '../errors.ts';
import { startProgress } from '../progress/index.ts';
import { AsyncResult, settler } from './async-result.ts';
import { newCall } from './call.ts';
import { callSite } from './call-site.ts';
import { obstruct } from './deferred.ts';
import { newCounters } from './counters.ts';
import { refused } from './explain-failure.ts';
import { Feed } from './feed.ts';
import { checkArguments, checkItems, listOf, type Items } from './items.ts';
import { MapJob, type MapOutcome } from './map-job.ts';
import { checkCallbacks, checkMapOptions, type CallbackOptions, type MapOptions } from './options.ts';
import type { Submissions } from './submissions.ts';

export type MapMethod = 'map' | 'mapAsync' | 'mapSync' | 'starmap' | 'starmapAsync' | 'starmapSync' | 'mapSettled';

/** One call over many items, whose results are wanted all together. */
export function submitMap(
  pool: Submissions,
  method: MapMethod,
  fn: AnyFunction,
  items: Items<unknown>,
  options: MapOptions & CallbackOptions<never>,
): AsyncResult<unknown> {
  pool.check(method, fn);
  checkMapOptions(method, options, ['callback', 'errorCallback']);
  checkCallbacks(options);
  checkItems(method, items);
  const { engine } = pool.backend;
  const counters = newCounters(engine);
  const bar = startProgress(options.progress, counters, options.name ?? (fn.name === '' ? method : fn.name));
  const result = new AsyncResult<unknown>();
  settler.listen(result, options.callback, options.errorCallback);
  const settled = method === 'mapSettled';
  const goesOn = settled || options.onError === 'continue';
  let stopListening = (): void => undefined;
  const done = ({ values, error, inputError }: MapOutcome): void => {
    stopListening();
    const failure = goesOn ? inputError : (error ?? inputError);
    bar.stop(failure === undefined ? 'done' : 'failed');
    if (failure !== undefined) settler.fail(result, failure);
    else settler.succeed(result, values);
  };
  try {
    const list = listOf(items);
    const spread = method.startsWith('starmap');
    if (spread && list !== undefined) checkArguments(method, list);
    const call = newCall(
      pool,
      method,
      pool.handleOf(fn, options.carry),
      spread,
      { ...options, chunkSize: options.chunkSize ?? countedChunk(pool, list?.length) },
      callSite(),
    );
    counters.total = list?.length;
    const firstTaskId = pool.taskIds(list?.length);
    const job = new MapJob(call, firstTaskId, list, { settled, done, counters, bar });
    if (list === undefined) {
      const feed = new Feed(pool, job, items as AsyncIterable<unknown>, counters);
      stopListening = pool.abortWithSignal(job, (error) => feed.abort(error));
      obstruct(result, () => (job.isComplete ? pool.backend.obstacle : asynchronousItems(method)));
      void feed.run();
    } else if (list.length === 0) {
      afterTick(() => job.complete());
    } else {
      if (pool.backend.context === 'inline') obstruct(result, () => pool.backend.obstacle);
      stopListening = pool.abortWithSignal(job);
      pool.add(job, 0, list.length);
    }
  } catch (error) {
    bar.stop('failed');
    settler.fail(result, refused(error as Error, method, options.name ?? fn.name, callSite()));
  }
  return result;
}

/** The results of one call over many items, for which this thread is blocked. */
export function mapSync(
  pool: Submissions,
  method: 'mapSync' | 'starmapSync',
  fn: AnyFunction,
  items: Items<unknown>,
  options: MapOptions,
): unknown {
  if (typeof items === 'object' && items !== null && !(Symbol.iterator in items) && Symbol.asyncIterator in items)
    throw asynchronousItems(method);
  return submitMap(pool, method, fn, items, options).getSync();
}

/** Items that only the event loop brings. */
export function asynchronousItems(method: string): Error {
  return new BlockingError(`Cannot block for ${method}: its items come asynchronously, which takes the event loop.`);
}

/** Python's chunk, four waves for each worker, where tasks are counted; elsewhere batches follow the run time. */
function countedChunk(pool: Submissions, length: number | undefined): number | undefined {
  if (pool.options.maxTasksPerChild === undefined) return undefined;
  return length === undefined ? 1 : Math.max(1, Math.ceil(length / (4 * pool.workers)));
}
