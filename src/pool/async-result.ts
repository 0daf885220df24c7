import { inspect } from 'node:util';
import { NotReadyError, TimeoutError } from '../errors.ts';
import { callSite, placeAt } from './call-site.ts';
import { checkKeys, checkTimeout } from './options.ts';

type Settle = (value: unknown) => void;

// Passing one function to all promises instead of making a closure for each saves a third of a submission's memory.
let lastResolve: Settle;
let lastReject: Settle;
function keep(resolve: Settle, reject: Settle): void {
  lastResolve = resolve;
  lastReject = reject;
}

/** What a surface calls when a result is there. */
export interface Settler {
  succeed(result: AsyncResult<unknown>, value: unknown): void;
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
export class AsyncResult<T> extends Promise<T> {
  readonly #resolve: Settle;
  readonly #reject: Settle;
  #state: 'pending' | 'succeeded' | 'failed' = 'pending';
  #listeners: Listeners | undefined;

  /** Made by pools. */
  constructor() {
    super(keep as (resolve: (value: T | PromiseLike<T>) => void, reject: (reason?: unknown) => void) => void);
    this.#resolve = lastResolve;
    this.#reject = lastReject;
  }

  static {
    friend = {
      succeed: (result, value) => {
        // As in Python, callbacks come before `ready()`.
        if (result.#listeners !== undefined) notify(result.#listeners.callback, value as never);
        result.#state = 'succeeded';
        result.#resolve(value);
      },
      fail: (result, error) => {
        if (result.#listeners !== undefined) notify(result.#listeners.errorCallback, error);
        result.#state = 'failed';
        // A result that nobody looks at must not end the program; a promise derived from it still does.
        void Promise.prototype.then.call(result, undefined, ignore);
        result.#reject(error);
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
    const timeoutMs = readTimeout('get', options);
    if (timeoutMs === undefined) return this;
    const site = callSite();
    return new Promise<T>((resolve, reject) => {
      const expire = (): void =>
        reject(placeAt(new TimeoutError(`No result after ${timeoutMs} ms. The task goes on; ask again later.`), site));
      const timer = setTimeout(expire, timeoutMs);
      this.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  /** Waits until the result is there, failed or not, or the `timeout` is over; tells which. Python: `AsyncResult.wait(timeout)`. */
  async wait(options: { readonly timeout?: number } = {}): Promise<boolean> {
    const timeout = readTimeout('wait', options) ?? Infinity;
    try {
      await this.get({ timeout });
    } catch {
      // Failed results are results too.
    }
    return this.ready();
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

// `await` and `Promise.all` ask an instance for its constructor; with this answer they take it as it is instead of wrapping
// it in another promise: half the cost of a burst. `then` makes plain promises for the same reason.
void Object.defineProperties(AsyncResult.prototype, {
  constructor: { value: Promise, writable: true, configurable: true },
  [inspect.custom]: {
    value(this: AsyncResult<unknown>): string {
      return friend.describe(this);
    },
  },
});

/** The settling side of `AsyncResult`, which its users do not get. */
export const settler: Settler = friend!;

function readTimeout(method: string, options: { readonly timeout?: number }): number | undefined {
  checkKeys(method, options, ['timeout']);
  return checkTimeout(options.timeout);
}

function ignore(): void {}

/** Runs a user's callback. What it throws is reported as uncaught: it must not stop the pool. */
function notify<A>(callback: ((argument: A) => void) | undefined, argument: A): void {
  if (callback === undefined) return;
  try {
    callback(argument);
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}
