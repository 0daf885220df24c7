import { checkFunction } from '../../arguments.ts';
import { limitOf, notFree, waitingOf } from '../../waiting.ts';
import { proxyMaker } from '../proxy-maker.ts';
import { BaseProxy, standFor, type WaitOptions, waitOf } from './base.ts';

/** How long to wait for a lock. */
export interface GrantOptions extends WaitOptions {
  /** False: do not wait, whatever `timeout` says. Default true. */
  readonly block?: boolean;
}

const grantKeys = ['timeout', 'block', 'signal'];

/** A lock that was got. It is given back by `release()` or at the end of an `await using` block. */
export class LockGrant {
  /** Larger than that of every grant before it: who guards something else by the lock can refuse smaller ones. */
  readonly token: number;
  /** The holder before died with the lock: what it guards may be half done. */
  readonly ownerDied: boolean;
  readonly #lock: BaseProxy;
  #released = false;

  constructor(lock: BaseProxy, [token, ownerDied]: readonly [number, boolean]) {
    this.#lock = lock;
    this.token = token;
    this.ownerDied = ownerDied;
  }

  /** @throws LockStateError when the server has taken the holder for dead meanwhile and given the lock to others. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#lock.callMethod('release', [this.token]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** What all locks and semaphores have. */
export class AcquirableProxy extends BaseProxy {
  /**
   * Waits for it. A holder that ends without giving it back loses it: see `ownerDied`.
   *
   * @param options - `timeout` in milliseconds, `block: false` for no wait, `signal` to give up.
   * @returns What gives it back; undefined when it was not to be had in time. Python: `acquire`, which returns a boolean.
   * @throws AbortError when `signal` was aborted.
   */
  acquire(): Promise<LockGrant>;
  acquire(options: GrantOptions): Promise<LockGrant | undefined>;
  async acquire(options: GrantOptions = {}): Promise<LockGrant | undefined> {
    const { timeout, signal } = waitingOf('acquire', options, grantKeys);
    const grant = await this.callMethod('acquire', [timeout], signal);
    return grant === undefined ? undefined : new LockGrant(this, grant as [number, boolean]);
  }

  /** Gives it back, whoever has it. @throws LockStateError when nobody has. */
  release(): Promise<void> {
    return this.callMethod('release') as Promise<void>;
  }

  /** Whether somebody has it; of a semaphore, whether nothing of it is left. */
  locked(): Promise<boolean> {
    return this.callMethod('locked') as Promise<boolean>;
  }

  /**
   * Runs `body` while it has it.
   *
   * @throws TimeoutError when it was not to be had within `timeout`; what `body` throws.
   */
  async run<R>(body: (grant: LockGrant) => R, options: GrantOptions = {}): Promise<Awaited<R>> {
    checkFunction('the function of run', body);
    const grant = await this.acquire(options);
    if (grant === undefined) throw notFree(`The ${proxyMaker.referenceOf(this)!.kind}`, limitOf(options));
    try {
      return await body(grant);
    } finally {
      await grant.release();
    }
  }
}

/**
 * A lock in a manager's server: one holder at a time. Python: the proxy of `threading.Lock`.
 *
 * @example
 * ```ts
 * import { Manager } from 'manycore';
 * await using manager = new Manager();
 * const lock = manager.Lock();
 * await lock.run(async () => console.log('alone'));
 * ```
 */
export class LockProxy extends AcquirableProxy {}

/** A lock that its holder, a process or thread, can acquire again. Only the holder can release it. */
export class RLockProxy extends AcquirableProxy {}

/** So many holders at a time. */
export class SemaphoreProxy extends AcquirableProxy {
  /** How many more there can be. */
  getValue(): Promise<number> {
    return this.callMethod('getValue') as Promise<number>;
  }
}

/** Waits until others say that something has changed, with a lock held when it looks. Python: `Condition`. */
export class ConditionProxy extends AcquirableProxy {
  /** Gives the lock up, waits to be told, and takes it again; whether it was told within `timeout`. */
  wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOf('wait', options);
    return this.callMethod('wait', [timeout], signal) as Promise<boolean>;
  }

  /** Waits until `predicate`, which runs here, is true; what it gave last. */
  async waitFor<R>(predicate: () => R, options?: WaitOptions): Promise<Awaited<R>> {
    const { timeout, signal } = waitOf('waitFor', options);
    checkFunction('the predicate of waitFor', predicate);
    const end = timeout === undefined ? Infinity : performance.now() + timeout;
    for (;;) {
      const result = await predicate();
      const leftMs = end - performance.now();
      if (Boolean(result) || leftMs <= 0) return result;
      await this.wait({ ...(leftMs !== Infinity && { timeout: leftMs }), ...(signal !== undefined && { signal }) });
    }
  }

  /** Tells `count` (default: 1) of those that wait. The lock must be held. */
  notify(count?: number): Promise<void> {
    return this.callMethod('notify', [count]) as Promise<void>;
  }

  notifyAll(): Promise<void> {
    return this.callMethod('notifyAll') as Promise<void>;
  }
}

/** Something that has happened or not. Python: `Event`. */
export class EventProxy extends BaseProxy {
  isSet(): Promise<boolean> {
    return this.callMethod('isSet') as Promise<boolean>;
  }

  set(): Promise<void> {
    return this.callMethod('set') as Promise<void>;
  }

  clear(): Promise<void> {
    return this.callMethod('clear') as Promise<void>;
  }

  /** Waits until it has happened; whether it has within `timeout`. */
  wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOf('wait', options);
    return this.callMethod('wait', [timeout], signal) as Promise<boolean>;
  }
}

/** A place where callers wait until so many are there. Python: `Barrier`. */
export class BarrierProxy extends BaseProxy {
  /** Waits for the others; the caller's number, one of them being 0. @throws BrokenBarrierError */
  wait(options?: WaitOptions): Promise<number> {
    const { timeout, signal } = waitOf('wait', options);
    return this.callMethod('wait', [timeout], signal) as Promise<number>;
  }

  /** Sends those that wait away, as new. */
  reset(): Promise<void> {
    return this.callMethod('reset') as Promise<void>;
  }

  /** Sends those that wait away, and all that come. */
  abort(): Promise<void> {
    return this.callMethod('abort') as Promise<void>;
  }

  parties(): Promise<number> {
    return this.callMethod('parties') as Promise<number>;
  }

  nWaiting(): Promise<number> {
    return this.callMethod('nWaiting') as Promise<number>;
  }

  broken(): Promise<boolean> {
    return this.callMethod('broken') as Promise<boolean>;
  }
}

standFor('Lock', LockProxy);
standFor('RLock', RLockProxy);
standFor('Semaphore', SemaphoreProxy);
standFor('BoundedSemaphore', SemaphoreProxy);
standFor('Condition', ConditionProxy);
standFor('Event', EventProxy);
standFor('Barrier', BarrierProxy);
