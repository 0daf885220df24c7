import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { checkIterable, checkKeys, checkTimeout, show } from '../arguments.ts';
import { Future, insight } from './future.ts';

/** `wait` returns when one future is done. Python: `FIRST_COMPLETED`. */
export const FIRST_COMPLETED = 'firstCompleted';
/** `wait` returns when one future has failed, or all are done. Python: `FIRST_EXCEPTION`. */
export const FIRST_EXCEPTION = 'firstException';
/** `wait` returns when all futures are done. Python: `ALL_COMPLETED`. */
export const ALL_COMPLETED = 'allCompleted';

/** When `wait` returns. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** What `wait` tells. */
export interface WaitResult<F> {
  readonly done: Set<F>;
  readonly notDone: Set<F>;
}

/**
 * Waits for futures: for all, for the first, or for the first that fails. When the `timeout` (milliseconds) is over it returns
 * what is done by then. A cancelled future is done. Python: `concurrent.futures.wait`.
 *
 * @example
 * ```ts
 * import { ThreadPoolExecutor, wait } from 'manycore/futures';
 * await using executor = new ThreadPoolExecutor(2);
 * const futures = [1, 2, 3].map((n) => executor.submit(Math.sqrt, n));
 * const { done, notDone } = await wait(futures, { returnWhen: 'firstCompleted' });
 * console.log(done.size + notDone.size); // 3
 * ```
 */
export function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: { readonly timeout?: number; readonly returnWhen?: ReturnWhen } = {},
): Promise<WaitResult<F>> {
  checkKeys('wait', options, ['timeout', 'returnWhen']);
  const timeoutMs = checkTimeout(options.timeout);
  const { returnWhen = ALL_COMPLETED } = options;
  if (![FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED].includes(returnWhen)) {
    const expected = `expected '${FIRST_COMPLETED}', '${FIRST_EXCEPTION}' or '${ALL_COMPLETED}'`;
    throw new ArgumentRangeError(`Cannot use returnWhen ${show(returnWhen)}: ${expected}.`);
  }
  const all = distinct('wait', futures);
  const open = new Set<F>();
  let enough = returnWhen === FIRST_COMPLETED && all.size === 0;
  const note = (future: F): void => {
    if (returnWhen === FIRST_COMPLETED || (returnWhen === FIRST_EXCEPTION && insight.raised(future))) enough = true;
  };
  for (const future of all) {
    if (future.done()) note(future);
    else open.add(future);
  }
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      clearTimeout(timer);
      for (const future of open) insight.unlisten(future, ended);
      const done = new Set<F>();
      const notDone = new Set<F>();
      for (const future of all) (future.done() ? done : notDone).add(future);
      resolve({ done, notDone });
    };
    const ended = (future: Future<unknown>): void => {
      open.delete(future as F);
      note(future as F);
      if (enough || open.size === 0) finish();
    };
    if (enough || open.size === 0) return finish();
    for (const future of open) insight.listen(future, ended);
    if (timeoutMs !== undefined) timer = setTimeout(finish, timeoutMs);
  });
}

/** The futures without repetitions, in order. */
export function distinct<F extends Future<unknown>>(method: string, futures: Iterable<F>): Set<F> {
  checkIterable(`the futures of ${method}`, futures);
  // Python goes through the keys of a dict.
  if (futures instanceof Map)
    throw new ArgumentTypeError(`Cannot use a Map as the futures of ${method}: give it the Map's keys().`);
  const all = [...futures];
  for (const [i, future] of all.entries()) {
    if (!(future instanceof Future))
      throw new ArgumentTypeError(`Cannot use ${show(future)} as future ${i} of ${method}: expected a Future.`);
  }
  return new Set(all);
}
