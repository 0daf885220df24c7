import type { AnyFunction } from '../engine/functions.ts';
import { startProgress } from '../progress/index.ts';
import { newCall } from './call.ts';
import { callSite } from './call-site.ts';
import { newCounters } from './counters.ts';
import { refused } from './explain-failure.ts';
import type { StreamOptions } from './options.ts';
import { ResultStream } from './result-stream.ts';
import { sourceOf } from './source.ts';
import { StreamJob } from './stream.ts';
import type { Submissions } from './submissions.ts';

/** A call whose results are taken as they come, its arguments checked. */
export interface StreamCall {
  readonly method: 'imap' | 'imapUnordered' | 'map';
  readonly fn: AnyFunction;
  /** The items are lists of arguments. */
  readonly spread: boolean;
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  /** How many items there are, where that is known. */
  readonly total: number | undefined;
  readonly options: StreamOptions;
  /** See `StreamSettings`. */
  readonly timeoutMs?: number | undefined;
}

export function openStream<R>(pool: Submissions, stream: StreamCall): ResultStream<R> {
  const { method, fn, total, options } = stream;
  const { engine } = pool.backend;
  const counters = newCounters(engine);
  counters.total = total;
  const bar = startProgress(options.progress, counters, options.name ?? (fn.name === '' ? method : fn.name));
  // A stream that nobody reads on must not keep a pool that is closed; it keeps one that was only dropped.
  const release = engine.hold();
  let stopListening = (): void => undefined;
  try {
    const call = newCall(pool, method, pool.handleOf(fn, options.carry), stream.spread, options, callSite());
    const inputOver = (): void => {
      release();
      pool.giveBackTaskIds(job.firstTaskId, job.read);
    };
    const job: StreamJob = new StreamJob(
      call,
      pool.taskIds(total),
      sourceOf(stream.items),
      {
        add: (one, from, to) => pool.add(one, from, to),
        withdraw: (one) => engine.withdraw(one, undefined),
        // What was read is done, whether its results are taken or not: only an input that goes on keeps a closed pool.
        inputEnded: inputOver,
        over: (outcome) => {
          pool.streams.delete(job);
          stopListening();
          bar.stop(outcome);
          inputOver();
        },
        workers: pool.workers,
      },
      {
        ordered: method !== 'imapUnordered',
        skipErrors: options.onError === 'continue',
        bufferSize: options.bufferSize,
        timeoutMs: stream.timeoutMs,
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
