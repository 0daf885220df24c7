import { TimeoutError } from '../errors.ts';
import { callSite, placeAt } from '../pool/call-site.ts';
import { checkKeys, checkTimeout } from '../arguments.ts';
import { insight, type Future } from './future.ts';
import { distinct } from './wait.ts';

/**
 * A future as `asCompleted` gives it. TypeScript believes that `for await` awaits what it gets, which it does not do here: its
 * `then` is hidden, so that the loop's variable is the future, for TypeScript too. Take the result with `await future.result()`.
 */
export type Completed<F extends Future<unknown>> = F & { readonly then: any }; // oxlint-disable-line no-explicit-any -- with any other type the call signature of `then` stays

/**
 * The futures as they get done, those that are done already first, each once. A `timeout` (milliseconds) counts from the call: when
 * it is over and not all are done, the iteration throws `TimeoutError`. Python: `concurrent.futures.as_completed`.
 *
 * @throws TimeoutError in the iteration.
 * @example
 * ```ts
 * import { asCompleted, ThreadPoolExecutor } from 'manycore/futures';
 * await using executor = new ThreadPoolExecutor(2);
 * const futures = [1, 4, 9].map((n) => executor.submit(Math.sqrt, n));
 * for await (const future of asCompleted(futures)) console.log(await future.result());
 * ```
 */
export function asCompleted<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: { readonly timeout?: number } = {},
): AsyncIterableIterator<Completed<F>, undefined, undefined> {
  checkKeys('asCompleted', options, ['timeout']);
  return new Completions(distinct('asCompleted', futures), checkTimeout(options.timeout));
}

interface Waiter<F> {
  readonly resolve: (result: IteratorResult<F, undefined>) => void;
  readonly reject: (error: Error) => void;
}

// No generator: `yield` would await the future.
class Completions<F extends Future<unknown>> implements AsyncIterableIterator<F, undefined, undefined> {
  readonly #open: Set<F>;
  readonly #count: number;
  readonly #site: string;
  readonly #timeoutMs: number | undefined;
  readonly #calledMs = performance.now();
  /** Done and not yet taken. They are dropped when they are: what a consumer forgets can be collected. */
  #ready: (F | undefined)[] = [];
  #head = 0;
  readonly #waiters: Waiter<F>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(futures: Set<F>, timeoutMs: number | undefined) {
    this.#open = futures;
    this.#count = futures.size;
    this.#timeoutMs = timeoutMs;
    this.#site = timeoutMs === undefined ? '' : callSite();
    for (const future of futures) insight.listen(future, this.#ended);
  }

  readonly #ended = (future: Future<unknown>): void => {
    this.#open.delete(future as F);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#ready.push(future as F);
    else waiter.resolve({ done: false, value: future as F });
    if (this.#waiters.length === 0 || this.#open.size === 0) this.#stopTimer();
    if (this.#open.size === 0) this.#finish();
  };

  next(): Promise<IteratorResult<F, undefined>> {
    const ready = this.#ready[this.#head];
    if (ready !== undefined) {
      this.#ready[this.#head++] = undefined;
      return Promise.resolve({ done: false, value: ready });
    }
    if (this.#over || this.#open.size === 0) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (this.#timeoutMs === undefined || this.#timer !== undefined) return;
      const leftMs = Math.max(0, this.#calledMs + this.#timeoutMs - performance.now());
      this.#timer = setTimeout(() => this.#expire(), leftMs);
    });
  }

  #expire(): void {
    const message = `${this.#open.size} (of ${this.#count}) futures unfinished after ${this.#timeoutMs} ms.`;
    this.#waiters.shift()?.reject(placeAt(new TimeoutError(message), this.#site));
    this.#end();
  }

  return(): Promise<IteratorResult<F, undefined>> {
    this.#ready = [];
    this.#head = 0;
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  #end(): void {
    this.#over = true;
    this.#stopTimer();
    for (const future of this.#open) insight.unlisten(future, this.#ended);
    this.#open.clear();
    this.#finish();
  }

  #finish(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve({ done: true, value: undefined });
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
