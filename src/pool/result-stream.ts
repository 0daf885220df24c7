import { checkKeys, checkTimeout } from '../arguments.ts';
import { showAs } from '../inspection.ts';
import type { StreamJob } from './stream.ts';

/**
 * The results of a function over many inputs, as they come: in the order of the inputs (`imap`) or of their ends
 * (`imapUnordered`). Inputs are read only a bounded way ahead of the results taken, so neither may be endless nor slow to
 * be a problem. `for await` it; `break`, `return` or a throw stops the reading and drops what has not begun.
 *
 * An item's error is thrown at its place; calling `next()` again goes on behind it. Python: `IMapIterator`.
 *
 * @example
 * ```ts
 * import { Pool } from 'manycore';
 * await using pool = new Pool(2);
 * const roots = pool.imap(Math.sqrt, [1, 4, 9]);
 * console.log(await roots.next({ timeout: 5_000 })); // { done: false, value: 1 }
 * for await (const root of roots) console.log(root); // 2, 3
 * ```
 */
export class ResultStream<R> implements AsyncIterableIterator<R, undefined, undefined> {
  readonly #job: StreamJob;

  /** Made by pools. */
  constructor(job: StreamJob) {
    this.#job = job;
  }

  static {
    showAs(ResultStream<unknown>, (stream) => ` of ${stream.#job.describe()}`);
  }

  /**
   * The next result. With a `timeout` (milliseconds) it rejects with `TimeoutError` when that is over, and the same result
   * can be had by a later `next`. Python: `IMapIterator.next(timeout)`.
   */
  next(options?: { readonly timeout?: number }): Promise<IteratorResult<R, undefined>> {
    if (options === undefined) return this.#job.next() as Promise<IteratorResult<R, undefined>>;
    checkKeys('next', options, ['timeout']);
    return this.#job.next(checkTimeout(options.timeout)) as Promise<IteratorResult<R, undefined>>;
  }

  /** Ends the iteration: no more input is read, what has not begun is dropped. */
  async return(): Promise<IteratorResult<R, undefined>> {
    await this.#job.cancel();
    return { done: true, value: undefined };
  }

  async throw(error?: unknown): Promise<IteratorResult<R, undefined>> {
    await this.#job.cancel();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#job.cancel();
  }
}
