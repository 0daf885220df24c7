import { blockUntil } from '../blocking/block.ts';
import { TimeoutError } from '../errors.ts';
import { callSite, placeAt } from './call-site.ts';
import { checkKeys, checkTimeout } from '../arguments.ts';
import { inspectAs } from '../inspection.ts';

type Settle = (value: unknown) => void;

// Passing one function to all promises instead of making a closure for each saves a third of a submission's memory.
let lastResolve: Settle = ignore;
let lastReject: Settle = ignore;
function keep(succeed: Settle, fail: Settle): void {
  lastResolve = succeed;
  lastReject = fail;
}

let resolveOf: (deferred: Deferred<unknown>, value: unknown) => void;
let rejectOf: (deferred: Deferred<unknown>, error: unknown) => void;

/**
 * A promise that is settled from outside, by who has `resolve` and `reject`: what `AsyncResult` and `Future` have in common.
 * A subclass has to call `completePrototype`.
 */
export class Deferred<T> extends Promise<T> {
  readonly #resolve: Settle;
  readonly #reject: Settle;

  constructor() {
    super(keep as (resolve: (value: T | PromiseLike<T>) => void, reject: (reason?: unknown) => void) => void);
    this.#resolve = lastResolve;
    this.#reject = lastReject;
    // Or the last promise, and its value, would be kept until the next one is made.
    lastResolve = lastReject = ignore;
  }

  static {
    resolveOf = (deferred, value) => deferred.#resolve(value);
    rejectOf = (deferred, error) => {
      // A result that nobody looks at must not end the program; a promise derived from it still does.
      void Promise.prototype.then.call(deferred, undefined, ignore);
      deferred.#reject(error);
    };
  }
}

export function resolve(deferred: Deferred<unknown>, value: unknown): void {
  resolveOf(deferred, value);
}

export function reject(deferred: Deferred<unknown>, error: unknown): void {
  rejectOf(deferred, error);
}

/**
 * Completes the prototype of a subclass: `describe` is what is shown when it is printed. `await` and `Promise.all` ask an
 * instance for its constructor; with the answer `Promise` they take it as it is instead of wrapping it in another promise: half
 * the cost of a burst. `then` makes plain promises for the same reason.
 */
export function completePrototype<D extends Deferred<unknown>>(prototype: D, describe: (deferred: D) => string): void {
  void Object.defineProperty(prototype, 'constructor', { value: Promise, writable: true, configurable: true });
  inspectAs({ prototype }, describe);
}

/** The promise, or a `TimeoutError` when that takes longer, which says what `late` says; the task goes on. */
export function within<T>(
  promise: Promise<T>,
  timeoutMs: number | undefined,
  late: (ms: number) => string = resultLate,
): Promise<T> {
  if (timeoutMs === undefined) return promise;
  const site = callSite();
  return new Promise<T>((succeed, fail) => {
    const expire = (): void => fail(placeAt(new TimeoutError(late(timeoutMs)), site));
    const timer = setTimeout(expire, timeoutMs);
    promise.then(succeed, fail).finally(() => clearTimeout(timer));
  });
}

function resultLate(timeoutMs: number): string {
  return `No result after ${timeoutMs} ms. The task goes on; ask again later.`;
}

/** Why blocking would be in vain, for results that some of what only the event loop does is needed for. */
const obstacles = new WeakMap<object, () => Error | undefined>();

/** Has blocking for a result end with an error whenever `why` gives one. */
export function obstruct(deferred: object, why: () => Error | undefined): void {
  obstacles.set(deferred, why);
}

/** Blocks this thread until `isDone`; whether it was in time. */
export function waitFor(deferred: object, isDone: () => boolean, timeoutMs: number | undefined): boolean {
  return blockUntil(isDone, timeoutMs, obstacles.get(deferred));
}

/** Blocks this thread until `isDone`, or throws a `TimeoutError` when that takes longer. */
export function insist(deferred: object, isDone: () => boolean, timeoutMs: number | undefined): void {
  if (!waitFor(deferred, isDone, timeoutMs)) throw placeAt(new TimeoutError(resultLate(timeoutMs!)), callSite());
}

/** Reads `{ timeout }`, the options of all waits. */
export function readTimeout(method: string, options: { readonly timeout?: number }): number | undefined {
  checkKeys(method, options, ['timeout']);
  return checkTimeout(options.timeout);
}

function ignore(): void {}
