import { NotReadyError } from '../errors.ts';
import { completePrototype, Deferred, insist, readTimeout, reject, resolve, waitFor, within } from './deferred.ts';
import { guarded } from './guarded.ts';
import type { SeriesResults } from './series.ts';

/** What a surface calls when a result is there. */
export interface Settler extends SeriesResults<AsyncResult<unknown>> {
  fail(result: AsyncResult<unknown>, error: Error): void;
  listen(result: AsyncResult<unknown>, callback: Callback | undefined, errorCallback: ErrorCallback | undefined): void;
  describe(result: AsyncResult<unknown>): string;
}

export type Callback = (value: never) => void;
export type ErrorCallback = (error: Error) => void;

interface Listeners {
  readonly callback: Callback | undefined;
  readonly errorCallback: ErrorCallback | undefined;
}

let friend: Settler;

/**
 * The result of a call that is under way: a Promise, with the methods of Python's `AsyncResult` besides.
 *
 * A result that nobody looks at does not end the program when it fails. Python: `multiprocessing.pool.AsyncResult`.
 *
 * @example
 * ```ts
 * import { Pool } from 'manycore';
 * await using pool = new Pool(2);
 * const result = pool.applyAsync((a: number, b: number) => a + b, [1, 2]);
 * console.log(await result.get({ timeout: 5_000 })); // 3
 * ```
 */
export class AsyncResult<T> extends Deferred<T> {
  #state: 'pending' | 'succeeded' | 'failed' = 'pending';
  /** The value or the error. */
  #outcome: unknown;
  #listeners: Listeners | undefined;

  static {
    friend = {
      join: () => undefined,
      succeed: (result, value) => {
        // As in Python, callbacks come before `ready()`.
        const callback = result.#listeners?.callback;
        if (callback !== undefined) guarded(() => callback(value as never));
        result.#state = 'succeeded';
        result.#outcome = value;
        resolve(result, value);
      },
      fail: (result, error) => {
        const callback = result.#listeners?.errorCallback;
        if (callback !== undefined) guarded(() => callback(error));
        result.#state = 'failed';
        result.#outcome = error;
        reject(result, error);
      },
      listen: (result, callback, errorCallback) => {
        result.#listeners = { callback, errorCallback };
      },
      describe: (result) => `AsyncResult { <${result.#state}> }`,
    };
  }

  /**
   * Waits for the result. With a `timeout` (milliseconds) it rejects with `TimeoutError` when that is over; the task goes on
   * and the result can still be had later. Python: `AsyncResult.get(timeout)`.
   *
   * @throws TimeoutError when the time is over; otherwise what the task threw.
   */
  get(options: { readonly timeout?: number } = {}): Promise<T> {
    return within(this, readTimeout('get', options));
  }

  /**
   * Waits until the result is there, failed or not, or the `timeout` (milliseconds) is over. True when the result is there. Python:
   * `AsyncResult.wait(timeout)`.
   */
  async wait(options: { readonly timeout?: number } = {}): Promise<boolean> {
    const timeout = readTimeout('wait', options) ?? Infinity;
    try {
      await this.get({ timeout });
    } catch {
      // Failed results are results too.
    }
    return this.ready();
  }

  /**
   * Blocks this thread until the result is there, and returns it: for scripts, the REPL, and functions that cannot be asynchronous. The
   * pool goes on meanwhile, everything else in this thread stands still. Python: `AsyncResult.get(timeout)`.
   *
   * @param options - `timeout` in milliseconds; the task goes on after it, and the result can still be had later.
   * @throws TimeoutError when the time is over; BlockingError in a callback, or when the result takes the event loop; otherwise what the
   *   task threw.
   *
   * @example
   * ```ts
   * import { Pool } from 'manycore';
   * await using pool = new Pool(2);
   * console.log(pool.applyAsync(Math.sqrt, [16]).getSync({ timeout: 5_000 })); // 4
   * ```
   */
  getSync(options: { readonly timeout?: number } = {}): T {
    insist(this, () => this.#state !== 'pending', readTimeout('getSync', options));
    if (this.#state === 'failed') throw this.#outcome;
    return this.#outcome as T;
  }

  /**
   * Blocks this thread until the result is there, failed or not, or the `timeout` (milliseconds) is over. True when the result is there.
   * Python: `AsyncResult.wait(timeout)`.
   *
   * @throws BlockingError as `getSync` does.
   */
  waitSync(options: { readonly timeout?: number } = {}): boolean {
    return waitFor(this, () => this.#state !== 'pending', readTimeout('waitSync', options));
  }

  /** Whether the result is there. Python: `AsyncResult.ready()`. */
  ready(): boolean {
    return this.#state !== 'pending';
  }

  /**
   * Whether the call ended without an error. Python: `AsyncResult.successful()`.
   *
   * @throws NotReadyError while the result is not there (Python: `ValueError`).
   */
  successful(): boolean {
    if (this.#state === 'pending') throw new NotReadyError('The result is not ready. Await it first, or ask ready().');
    return this.#state === 'succeeded';
  }
}

completePrototype(AsyncResult.prototype, (result) => friend.describe(result));

/** The settling side of `AsyncResult`, which its users do not get. */
export const settler: Settler = friend!;
