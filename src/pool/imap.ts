import type { AnyFunction } from '../engine/functions.ts';
import { startProgress } from '../progress/index.ts';
import { newCall } from './call.ts';
import { callSite } from './call-site.ts';
import { newCounters } from './counters.ts';
import { refused } from './explain-failure.ts';
import { checkItems, lengthOf, type Items } from './items.ts';
import { manyTaskIds } from './map.ts';
import { checkCount } from '../arguments.ts';
import { checkMapOptions, type StreamOptions } from './options.ts';
import { ResultStream } from './result-stream.ts';
import { sourceOf, StreamJob } from './stream.ts';
import type { Submissions } from './submissions.ts';

/** One call over many items, whose results are taken as they come. */
export function submitStream<R>(
  pool: Submissions,
  method: 'imap' | 'imapUnordered',
  fn: AnyFunction,
  items: Items<unknown>,
  options: StreamOptions,
): ResultStream<R> {
  pool.check(method, fn);
  checkMapOptions(method, options, ['bufferSize']);
  if (options.bufferSize !== undefined) checkCount('bufferSize', options.bufferSize, 1);
  checkItems(method, items);
  const { engine } = pool.backend;
  const counters = newCounters(engine);
  counters.total = lengthOf(items);
  const bar = startProgress(options.progress, counters, options.name ?? (fn.name === '' ? method : fn.name));
  const release = engine.hold();
  let stopListening = (): void => undefined;
  try {
    const call = newCall(pool, method, pool.handleOf(fn, options.carry), false, options, callSite());
    const job: StreamJob = new StreamJob(
      call,
      pool.taskIds(lengthOf(items) ?? manyTaskIds),
      sourceOf(items),
      {
        add: (stream, from, to) => pool.add(stream, from, to),
        withdraw: (stream) => engine.withdraw(stream, undefined),
        // What was read is done, whether its results are taken or not: only an input that goes on keeps a closed pool.
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
        ordered: method === 'imap',
        skipErrors: options.onError === 'continue',
        bufferSize: options.bufferSize,
        counters,
        bar,
      },
    );
    pool.streams.add(job);
    stopListening = pool.abortWithSignal(job, (error) => job.abort(error));
    return new ResultStream<R>(job);
  } catch (error) {
    release();
    bar.stop('failed');
    throw refused(error as Error, method, options.name ?? fn.name, callSite());
  }
}
