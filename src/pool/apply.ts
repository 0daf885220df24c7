import { afterTick } from '../blocking/later.ts';
import type { AnyFunction } from '../engine/functions.ts';
import { checkCopies } from '../engine/socket-ledger.ts';
import { ArgumentTypeError } from '../errors.ts';
import { minLiveBytes } from '../limits.ts';
import { encodeAhead, EncodedMessage, isImmutable } from '../wire/encoded-message.ts';
import { AsyncResult, settler } from './async-result.ts';
import { newCall } from './call.ts';
import { obstruct } from './deferred.ts';
import { callSite } from './call-site.ts';
import { argsRoot, refused } from './explain-failure.ts';
import { show } from '../arguments.ts';
import { callKeys, checkCallbacks, checkCallOptions, type CallbackOptions, type CallOptions } from './options.ts';
import { Series, type SeriesResults } from './series.ts';
import type { Submissions } from './submissions.ts';

/** A burst is cut into series of this many calls, so that what is done can be collected while the rest waits. */
const maxSeries = 4_096;

/** Python's third argument has the keyword arguments. */
const keywords = ' Keyword arguments are an object in the list of arguments, such as [{ x: 1 }].';
const keywordsOrCallbacks = `${keywords} For callbacks there is applyAsync.`;
const callbackKeys = ['callback', 'errorCallback'];

/** One call of `fn(...args)`. */
export function submitApply(
  pool: Submissions,
  method: string,
  fn: AnyFunction,
  args: readonly unknown[],
  options: (CallOptions & CallbackOptions<never>) | undefined,
): AsyncResult<unknown> {
  pool.check(method, fn);
  checkArgs(method, args);
  const result = new AsyncResult<unknown>();
  if (options !== undefined) {
    if (method === 'applyAsync') checkCallOptions(method, options, callbackKeys, keywords);
    else checkCallOptions(method, options, [], keywordsOrCallbacks);
    checkCallbacks(options);
    settler.listen(result, options.callback, options.errorCallback);
  }
  submitSingle(pool, settler, result, method, fn, args, options);
  return result;
}

/**
 * Makes the call of `fn(...args)` whose result is `result`. What goes wrong before a task is on its way rejects it, so that a
 * submission throws only for its options.
 */
export function submitSingle<R>(
  pool: Submissions,
  kind: SeriesResults<R>,
  result: R,
  method: string,
  fn: AnyFunction,
  args: readonly unknown[],
  options: CallOptions | undefined,
): void {
  const spread = args.length !== 1;
  try {
    const arg = snapshot(pool, args, options?.retries === undefined ? minLiveBytes : undefined);
    const series = seriesFor(pool, kind, method, fn, spread, options);
    const index = series.add(arg, result);
    pool.lastTaskId = series.firstTaskId + index;
    if (pool.backend.context === 'inline') obstruct(result as object, () => pool.backend.obstacle);
    if (series.terms.signal !== undefined) series.onSettled ??= pool.abortWithSignal(series);
    if (arg instanceof EncodedMessage) arg.move();
    pool.add(series, index, index + 1);
    if (!(arg instanceof EncodedMessage && arg.isLive)) return;
    pool.dispatch();
    arg.own();
  } catch (error) {
    kind.fail(result, refused(error as Error, method, fn.name, callSite(), argsRoot(spread)), false);
  }
}

/** One call on each worker. */
export function submitBroadcast(
  pool: Submissions,
  fn: AnyFunction,
  args: readonly unknown[],
  options: CallOptions,
): AsyncResult<unknown> {
  pool.check('broadcast', fn);
  checkArgs('broadcast', args);
  checkCallOptions('broadcast', options, [], keywords);
  const result = new AsyncResult<unknown>();
  try {
    const call = newCall(pool, 'broadcast', pool.handleOf(fn, options.carry), true, options, callSite());
    const arg = snapshot(pool, [args], undefined);
    if (arg instanceof EncodedMessage) checkCopies(arg.attachments);
    const values: unknown[] = [];
    let open = 0;
    let isOver = false;
    const parts: SeriesResults<number> = {
      join: () => undefined,
      succeed: (part, value) => {
        values[part] = value;
        if (--open === 0 && !isOver) settler.succeed(result, values);
      },
      fail: (_, error) => {
        open--;
        if (!isOver) settler.fail(result, error);
        isOver = true;
      },
    };
    pool.backend.engine.pin((workerId) => {
      const series = new Series(pool, { ...call, pinned: workerId }, parts);
      series.add(arg, open++);
      series.onSettled = pool.abortWithSignal(series);
      return series;
    });
    if (open === 0) afterTick(() => settler.succeed(result, values));
    if (pool.backend.context === 'inline') obstruct(result, () => pool.backend.obstacle);
    pool.dispatchSoon();
  } catch (error) {
    settler.fail(result, refused(error as Error, 'broadcast', fn.name, callSite(), argsRoot(true)));
  }
  return result;
}

function checkArgs(method: string, args: unknown): void {
  if (Array.isArray(args)) return;
  throw new ArgumentTypeError(`Cannot use ${show(args)} as the arguments of ${method}: expected a list, such as [x].`);
}

/**
 * Arguments are copied at the call, not when a worker happens to be free. Immutable ones need no copy. A single argument
 * goes without its list.
 */
function snapshot({ backend }: Submissions, args: readonly unknown[], copyBelow: number | undefined): unknown {
  const single = args.length === 1;
  if (backend.context === 'inline' || args.every(isImmutable)) return single ? args[0] : args.slice();
  return encodeAhead(backend.functions.encoder, single ? args[0] : args, { copyBelow });
}

/** The open series, if the call can join it, else a new one. */
function seriesFor<R>(
  pool: Submissions,
  kind: SeriesResults<R>,
  method: string,
  fn: AnyFunction,
  spread: boolean,
  options: CallOptions | undefined,
): Series<R> {
  const own = options !== undefined && callKeys.some((key) => options[key] !== undefined) ? options : undefined;
  const handle = pool.handleOf(fn, options?.carry);
  const { series: open } = pool;
  if (open !== undefined && open.options === own && open.length < maxSeries && open.isOf(kind)) {
    const { terms } = open;
    if (terms.fn === handle && terms.spread === spread && terms.method === method) return open;
  }
  const call = newCall(pool, method, handle, spread, { ...options, separate: true }, callSite());
  const series = new Series(pool, call, kind, own);
  // Options that can change may be others at the next call.
  if (own === undefined || Object.isFrozen(own)) pool.series = series;
  return series;
}
