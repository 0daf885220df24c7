import { inspect } from 'node:util';
import { CancelledError, InvalidStateError } from '../errors.ts';
import { completePrototype, Deferred, insist, readTimeout, reject, resolve, within } from '../pool/deferred.ts';
import { checkFunction, checkKeys } from '../arguments.ts';
import type { Series, SeriesResults } from '../pool/series.ts';

/** Called with the future when it is done. */
export type DoneCallback<T> = (future: Future<T>) => unknown;

type State = 'pending' | 'running' | 'cancelled' | 'returned' | 'raised';

/** What the other files of this folder see of a future, and its users do not. */
export interface Insight extends SeriesResults<Future<unknown>> {
  /** Calls back when it is done, before the callbacks of the user's that are added later; at once when it is done already. */
  listen(future: Future<unknown>, callback: DoneCallback<unknown>): void;
  unlisten(future: Future<unknown>, callback: DoneCallback<unknown>): void;
  raised(future: Future<unknown>): boolean;
  describe(future: Future<unknown>): string;
}

let friend: Insight;

/**
 * The result of a submitted call: a Promise, with the methods of Python's `Future` besides. Executors make them;
 * `new Future()` makes one that you settle yourself, with `setResult` and `setException`.
 *
 * A future that nobody looks at does not end the program when it fails. Python: `concurrent.futures.Future`.
 *
 * @example
 * ```ts
 * import { ProcessPoolExecutor } from 'manycore/futures';
 * await using executor = new ProcessPoolExecutor(2);
 * const future = executor.submit((a: number, b: number) => a ** b, 2, 8);
 * console.log(await future, future.done()); // 256 true
 * ```
 */
export class Future<T> extends Deferred<T> {
  #state: State = 'pending';
  /** The value or the error. */
  #outcome: unknown;
  /** The calls that it is one of, until it is done. */
  #series: Series<Future<unknown>> | undefined;
  #index = 0;
  #callbacks: DoneCallback<T>[] | undefined;

  static {
    friend = {
      join: (future, series, index) => {
        future.#series = series;
        future.#index = index;
      },
      succeed: (future, value) => future.#settle('returned', value),
      fail: (future, error, cancelled) => future.#settle(cancelled ? 'cancelled' : 'raised', error),
      listen: (future, callback) => future.#listen(callback),
      unlisten: (future, callback) => {
        const at = future.#callbacks?.indexOf(callback) ?? -1;
        if (at >= 0) future.#callbacks?.splice(at, 1);
      },
      raised: (future) => future.#state === 'raised',
      describe: (future) => future.#describe(),
    };
  }

  /**
   * Gives the call up. Returns false when that is too late: it runs, or is done. With `force` a running call ends too, and
   * its worker with it; another takes that one's place. Python: `Future.cancel`, which has no `force`.
   */
  cancel(options: { readonly force?: boolean } = {}): boolean {
    checkKeys('cancel', options, ['force']);
    if (this.#state === 'cancelled') return true;
    if (this.#isDone || this.#state === 'running') return false;
    if (this.#series !== undefined) return this.#series.cancel(this.#index, options.force === true);
    this.#settle('cancelled', new CancelledError('The future was cancelled.'));
    return true;
  }

  /** Whether it was cancelled. Python: `Future.cancelled`. */
  cancelled(): boolean {
    return this.#state === 'cancelled';
  }

  /** Whether a worker is at it at this moment: not before it has really begun. Python: `Future.running`. */
  running(): boolean {
    if (this.#state === 'pending' && this.#series !== undefined) return this.#series.isRunning(this.#index);
    return this.#state === 'running';
  }

  /** Whether it has ended or was cancelled. Python: `Future.done`. */
  done(): boolean {
    return this.#isDone;
  }

  get #isDone(): boolean {
    return this.#state !== 'pending' && this.#state !== 'running';
  }

  /**
   * Waits for the result, as `await` does. With a `timeout` (milliseconds) it rejects with `TimeoutError` when that is over; the
   * call goes on, and the result can still be had later. Python: `Future.result(timeout)`.
   *
   * @throws TimeoutError when the time is over, CancelledError when it was cancelled; otherwise what the function threw.
   */
  result(options: { readonly timeout?: number } = {}): Promise<T> {
    return within(this, readTimeout('result', options));
  }

  /**
   * Blocks this thread until the result is there, and returns it: for scripts, the REPL, and functions that cannot be asynchronous. The
   * executor goes on meanwhile, everything else in this thread stands still. Python: `Future.result(timeout)`.
   *
   * @param options - `timeout` in milliseconds; the call goes on after it, and the result can still be had later.
   * @throws TimeoutError when the time is over, CancelledError when it was cancelled, BlockingError in a callback, or when nothing can bring
   *   the result while this thread is blocked; otherwise what the function threw.
   *
   * @example
   * ```ts
   * import { ProcessPoolExecutor } from 'manycore/futures';
   * await using executor = new ProcessPoolExecutor(2);
   * console.log(executor.submit(Math.sqrt, 16).resultSync({ timeout: 5_000 })); // 4
   * ```
   */
  resultSync(options: { readonly timeout?: number } = {}): T {
    insist(this, () => this.#isDone, readTimeout('resultSync', options));
    if (this.#state !== 'returned') throw this.#outcome;
    return this.#outcome as T;
  }

  /**
   * Waits for the end and tells the error, or undefined when there was none. Python: `Future.exception(timeout)`.
   *
   * @throws TimeoutError when the time is over, CancelledError when it was cancelled.
   */
  async exception(options: { readonly timeout?: number } = {}): Promise<Error | undefined> {
    const timeoutMs = readTimeout('exception', options);
    if (!this.#isDone) {
      const ended = new Promise<void>((end) => this.#listen(() => end()));
      await within(ended, timeoutMs);
    }
    if (this.#state === 'cancelled') throw this.#outcome;
    return this.#state === 'raised' ? (this.#outcome as Error) : undefined;
  }

  /**
   * Calls `callback(future)` when it is done, in the order of adding, before `await` goes on; at once when it is done already.
   * What a callback throws is a process warning. Python: `Future.add_done_callback`.
   */
  addDoneCallback(callback: DoneCallback<T>): void {
    checkFunction('the callback', callback);
    this.#listen(callback);
  }

  #listen(callback: DoneCallback<T>): void {
    if (this.#isDone) this.#call(callback);
    else (this.#callbacks ??= []).push(callback);
  }

  /** Sets the result of a future that you made. Python: `Future.set_result`. @throws InvalidStateError when it is done. */
  setResult(value: T): void {
    this.#checkOwn('setResult');
    this.#settle('returned', value);
  }

  /** Sets the error of a future that you made. Python: `Future.set_exception`. @throws InvalidStateError when it is done. */
  setException(error: Error): void {
    this.#checkOwn('setException');
    this.#settle('raised', error);
  }

  /**
   * For those who run the call of a future of their own: false when it was cancelled; true when they are to run it, and it cannot be
   * cancelled any more. Python: `Future.set_running_or_notify_cancel`.
   *
   * @throws InvalidStateError when it runs or has ended.
   */
  setRunningOrNotifyCancel(): boolean {
    if (this.#state === 'cancelled') return false;
    this.#checkOwn('setRunningOrNotifyCancel');
    if (this.#state === 'running')
      throw new InvalidStateError('Cannot call setRunningOrNotifyCancel: the future is running already.');
    this.#state = 'running';
    return true;
  }

  #checkOwn(method: string): void {
    if (this.#isDone)
      throw new InvalidStateError(`Cannot call ${method}: the outcome is set already, ${inspect(this)}.`);
    if (this.#series !== undefined)
      throw new InvalidStateError(`Cannot call ${method}: the future is an executor's, which sets its outcome.`);
  }

  #settle(state: 'returned' | 'raised' | 'cancelled', outcome: unknown): void {
    this.#state = state;
    this.#outcome = outcome;
    this.#series = undefined;
    if (state === 'returned') resolve(this, outcome);
    else reject(this, outcome);
    if (this.#callbacks === undefined) return;
    const callbacks = this.#callbacks;
    this.#callbacks = undefined;
    for (const callback of callbacks) this.#call(callback);
  }

  /** What it throws must stop neither the other callbacks nor the executor. */
  #call(callback: DoneCallback<T>): void {
    try {
      const returned = callback(this);
      if (returned instanceof Promise && !(returned instanceof Future)) returned.catch((error) => this.#warn(error));
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    const what = error instanceof Error ? (error.stack ?? error.message) : inspect(error);
    process.emitWarning(`exception calling callback for ${inspect(this)}: ${what}`, 'ManycoreWarning');
  }

  /** `<Future state=finished returned number>`, as in Python. */
  #describe(): string {
    const outcome = this.#outcome;
    switch (this.#state) {
      case 'returned':
        return `<Future state=finished returned ${typeName(outcome)}>`;
      case 'raised':
        return `<Future state=finished raised ${outcome instanceof Error ? outcome.name : typeName(outcome)}>`;
      default:
        return `<Future state=${this.running() ? 'running' : this.#state}>`;
    }
  }
}

completePrototype(Future.prototype, (future) => friend.describe(future));

/** The inner side of `Future`. */
export const insight: Insight = friend!;

/** `number`, `null`, `Date`. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = value as { readonly constructor?: { readonly name?: unknown } };
  return typeof constructor?.name === 'string' && constructor.name !== '' ? constructor.name : 'object';
}
