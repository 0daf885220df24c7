import { inspect } from 'node:util';
import { checkCount, checkFunction, show } from '../arguments.ts';
import { ArgumentTypeError, LockStateError } from '../errors.ts';
import type { BlockReference } from '../memory/block.ts';
import { monotonicMs } from '../monotonic.ts';
import { travelsAs } from '../wire/shared.ts';
import { ConditionCore, conditionWords, type Wait } from './condition-core.ts';
import type { Guard } from './guard.ts';
import { Holdable } from './holdable.ts';
import { Lock } from './lock.ts';
import {
  type AcquireOptions,
  type SyncWaitOptions,
  syncWaitKeys,
  waitingOf,
  waitKeys,
  type WaitOptions,
} from './options.ts';
import { RLock } from './r-lock.ts';
import { attach, create, type Place } from './shared-object.ts';
import { showAs } from '../inspection.ts';
import { checkSignal, late, type Waiting } from '../waiting.ts';

const make = (place: Place): ConditionCore => new ConditionCore(place);

interface ConditionState {
  readonly block: BlockReference;
  readonly lock: Lock | RLock;
}

/**
 * Waits, with a lock held, until another process or thread says that something has changed; the lock is released meanwhile. `acquire`, `run` and
 * `release` are those of its lock. Python: `multiprocessing.Condition`.
 *
 * @example
 * ```ts
 * import { Condition, Pool, SharedEvent } from 'manycore';
 * await using pool = new Pool(1);
 * const changed = new Condition();
 * const ready = new SharedEvent();
 * const done = pool.apply(
 *   (condition: Condition, event: SharedEvent) => condition.run(() => (event.set(), condition.wait())),
 *   [changed, ready],
 * );
 * await ready.wait();
 * await changed.run(() => changed.notify());
 * console.log(await done); // true
 * ```
 */
export class Condition extends Holdable {
  /** The lock that is to be held. */
  readonly lock: Lock | RLock;
  readonly #core: ConditionCore;

  /**
   * @param lock - Its lock, which others may use too; an RLock of its own by default.
   * @throws SharedMemoryError where shared memory cannot be had.
   */
  constructor(lock?: Lock | RLock);
  /** @internal */
  constructor(lock: Lock | RLock, core: ConditionCore);
  constructor(lock: Lock | RLock = new RLock(), core: ConditionCore = create(conditionWords, make)) {
    if (!(lock instanceof Lock) && !(lock instanceof RLock))
      throw new ArgumentTypeError(`Cannot use ${show(lock)} as the lock of a Condition: expected a Lock or an RLock.`);
    super();
    this.lock = lock;
    this.#core = core;
  }

  /** @internal */
  get core(): ConditionCore {
    return this.#core;
  }

  protected override take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.lock.core.take(waiting);
  }

  protected override takeSync(timeout?: number): boolean | typeof late {
    return this.lock.core.takeSync(timeout);
  }

  override run<R>(fn: (guard: Guard) => R, options: AcquireOptions = {}): Promise<Awaited<R>> {
    return this.lock.run(fn, options);
  }

  override release(): void {
    this.lock.release();
  }

  /** Whether anybody has its lock. */
  locked(): boolean {
    return this.lock.locked();
  }

  /**
   * Releases the lock, waits until it is notified, and acquires the lock again as often as it was held, however the wait ends.
   *
   * @param options - `timeout` in milliseconds, `signal` to give up.
   * @returns True, or false when it was not notified in time.
   * @throws LockStateError when the lock is not held; AbortError when the signal was aborted.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const waiting = waitingOf('wait', options, waitKeys);
    checkSignal(waiting.signal);
    const wait = this.#begin();
    const { core } = this.lock;
    const depth = core.letGo();
    try {
      return await this.#outcome(wait, this.#core.waiters.wait(wait, waiting));
    } finally {
      await core.retake({}, depth);
    }
  }

  async #outcome(wait: Wait, result: true | typeof late | Promise<true | typeof late>): Promise<boolean> {
    try {
      return (await result) !== late || wait.giveUp();
    } catch (error) {
      // A notification that came with the abort is another's.
      if (wait.giveUp()) this.#core.notify(1);
      throw error;
    }
  }

  /** `wait` that blocks this thread. */
  waitSync(options?: SyncWaitOptions): boolean {
    const { timeout } = waitingOf('waitSync', options, syncWaitKeys);
    const wait = this.#begin();
    const { core } = this.lock;
    const depth = core.letGo();
    try {
      return this.#core.waiters.waitSync(wait, timeout) !== late || wait.giveUp();
    } finally {
      core.retakeSync(undefined, depth);
    }
  }

  #begin(): Wait {
    this.#checkHeld('wait for');
    return this.#core.begin();
  }

  #checkHeld(what: string): void {
    if (!this.lock.core.isHeld)
      throw new LockStateError(`Cannot ${what} a condition whose lock is not held here: acquire it first.`);
  }

  /**
   * Waits until a function of no arguments returns something true. It is called with the lock held, at first and after each notification.
   *
   * @returns What it returned last; something false when the time was over. Python: `wait_for`.
   */
  async waitFor<R>(predicate: () => R, options: WaitOptions = {}): Promise<Awaited<R>> {
    checkFunction('the predicate of waitFor', predicate);
    const { timeout = Infinity } = waitingOf('waitFor', options, waitKeys);
    const endMs = monotonicMs() + timeout;
    for (;;) {
      const result = await predicate();
      const leftMs = endMs - monotonicMs();
      if (Boolean(result) || leftMs <= 0) return result;
      await this.wait({ ...options, timeout: leftMs });
    }
  }

  /** `waitFor` that blocks this thread. */
  waitForSync<R>(predicate: () => R, options: SyncWaitOptions = {}): R {
    checkFunction('the predicate of waitForSync', predicate);
    const { timeout = Infinity } = waitingOf('waitForSync', options, syncWaitKeys);
    const endMs = monotonicMs() + timeout;
    for (;;) {
      const result = predicate();
      const leftMs = endMs - monotonicMs();
      if (Boolean(result) || leftMs <= 0) return result;
      this.waitSync({ timeout: leftMs });
    }
  }

  /**
   * Has `n` of those that wait go on, at most. A notification for which nobody waits is lost.
   *
   * @throws LockStateError when the lock is not held.
   */
  notify(n = 1): void {
    checkCount('the number of those to be notified', n, 0);
    this.#checkHeld('notify those that wait for');
    this.#core.notify(n);
  }

  /** Has all go on that wait. */
  notifyAll(): void {
    this.notify(Number.MAX_SAFE_INTEGER);
  }
}

showAs(Condition, ({ lock, core }) => `(${inspect(lock)}, ${core.waiting})`);

travelsAs<Condition, ConditionState>(Condition, {
  stateOf: ({ lock, core }) => ({ block: core.place.block.refer(), lock }),
  attach: (constructor, { block, lock }) => Reflect.construct(Condition, [lock, attach(block, make)], constructor),
});
