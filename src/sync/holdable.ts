import { checkFunction } from '../arguments.ts';
import { BlockingError } from '../errors.ts';
import { isThenable } from '../thenable.ts';
import { Guard } from './guard.ts';
import { acquireKeys, type AcquireOptions, syncAcquireKeys, type SyncAcquireOptions, waitingOf } from './options.ts';
import { late, limitOf, notFree, type Waiting } from '../waiting.ts';

/** Takes nothing when `R` is a promise. */
export type Synchronous<R> = [R] extends [never]
  ? unknown
  : R extends PromiseLike<unknown>
    ? 'an asynchronous function needs run'
    : unknown;

/** What can be acquired and released: locks and semaphores. */
export abstract class Holdable {
  /** Whether it was got, and if so whether from one that died; `late` when the time was over. */
  protected abstract take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late>;
  protected abstract takeSync(timeout: number | undefined): boolean | typeof late;
  /** Gives it back. */
  abstract release(): void;

  /**
   * Waits for it without blocking the event loop. Those that wait have it in the order in which they came, by and large.
   *
   * @param options - `timeout` in milliseconds, `block: false` for no wait, `signal` to give up.
   * @returns What gives it back; undefined when it was not to be had in time. Python: `acquire`, which returns a boolean.
   * @throws AbortError when the signal was aborted.
   */
  acquire(): Promise<Guard>;
  acquire(options: AcquireOptions): Promise<Guard | undefined>;
  async acquire(options?: AcquireOptions): Promise<Guard | undefined> {
    const taken = this.take(waitingOf('acquire', options, acquireKeys));
    return this.#guard(typeof taken === 'object' ? await taken : taken);
  }

  /** `acquire` that blocks this thread. */
  acquireSync(): Guard;
  acquireSync(options: SyncAcquireOptions): Guard | undefined;
  acquireSync(options?: SyncAcquireOptions): Guard | undefined {
    const timeout = options && waitingOf('acquireSync', options, syncAcquireKeys).timeout;
    return this.#guard(this.takeSync(timeout));
  }

  #guard(taken: boolean | typeof late): Guard | undefined {
    return taken === late ? undefined : new Guard(this, taken);
  }

  /**
   * Calls a function while it is held; it is given back when that has returned, or its promise is settled. Python: `with lock:`.
   *
   * @throws TimeoutError when it was not to be had within `timeout`; what the function throws.
   */
  async run<R>(fn: (guard: Guard) => R, options: AcquireOptions = {}): Promise<Awaited<R>> {
    checkFunction('the function of run', fn);
    const guard = await this.acquire(options);
    if (guard === undefined) throw this.#notFree(options);
    try {
      return await fn(guard);
    } finally {
      guard.release();
    }
  }

  /**
   * `run` that blocks this thread.
   *
   * @throws TimeoutError as `run` does; BlockingError when the function is asynchronous, as it would go on without the lock.
   */
  runSync<R>(fn: ((guard: Guard) => R) & Synchronous<R>, options: SyncAcquireOptions = {}): R {
    checkFunction('the function of runSync', fn);
    const guard = this.acquireSync(options);
    if (guard === undefined) throw this.#notFree(options);
    try {
      const result = fn(guard);
      if (isThenable(result)) throw asynchronous(result);
      return result;
    } finally {
      guard.release();
    }
  }

  #notFree(options: SyncAcquireOptions): Error {
    return notFree(`The ${this.constructor.name}`, limitOf(options));
  }
}

function asynchronous(result: PromiseLike<unknown>): BlockingError {
  // What it may fail with, without the lock, would hide why.
  result.then(undefined, () => undefined);
  return new BlockingError('runSync cannot wait for an asynchronous function: use await run(...).');
}
