import { checkCount } from '../arguments.ts';
import type { AnyFunction } from '../engine/functions.ts';
import { checkItems, lengthOf, type Items } from './items.ts';
import { openStream } from './open-stream.ts';
import { checkMapOptions, type StreamOptions } from './options.ts';
import type { ResultStream } from './result-stream.ts';
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
  return openStream(pool, { method, fn, spread: false, items, total: lengthOf(items), options });
}
