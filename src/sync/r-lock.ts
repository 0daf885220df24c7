import { LockStateError } from '../errors.ts';
import type { BlockReference } from '../memory/block.ts';
import { travelsAs } from '../wire/shared.ts';
import { currentFlow, type Flow, isWithin, runInFlow } from './flows.ts';
import type { Guard } from './guard.ts';
import { Holdable } from './holdable.ts';
import type { AcquireOptions } from './options.ts';
import { RobustLock } from './robust-lock.ts';
import { attach, checkCore, type Core, create, type Place } from './shared-object.ts';
import { showAs } from '../inspection.ts';
import { nameOf } from './show.ts';
import { type Wish } from './waiters.ts';
import { blocked, late, type Waiting } from '../waiting.ts';

/** Behind the lock: how often its owner has it, for others to see. */
const DEPTH: number = RobustLock.words;

export class RLockCore implements Core {
  readonly place: Place;
  readonly lock: RobustLock;
  /** Of this thread, while it has the lock. */
  #flow: Flow | undefined;
  #ownerDied = false;

  constructor(place: Place) {
    this.place = place;
    this.lock = new RobustLock(place.words, place.at, place.members, place.parties);
  }

  get waiters(): RobustLock['waiters'] {
    return this.lock.waiters;
  }

  get depth(): number {
    return this.place.words[this.place.at + DEPTH]!;
  }

  set depth(depth: number) {
    this.place.words[this.place.at + DEPTH] = depth;
  }

  get isHeld(): boolean {
    return this.lock.isMine && isWithin(currentFlow(), this.#flow);
  }

  get ownerDied(): boolean {
    return this.lock.isMine && this.#ownerDied;
  }

  take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.isHeld ? this.#again() : this.retake(waiting, 1);
  }

  takeSync(timeout?: number): boolean | typeof late {
    return this.isHeld ? this.#again() : this.retakeSync(timeout, 1);
  }

  /** Takes it as often at once, also when other code of this thread has it. */
  retake(waiting: Waiting, depth: number): boolean | typeof late | Promise<boolean | typeof late> {
    const flow = currentFlow();
    // It begins in the step that takes it: other code of this thread may look before the promise of this one has called back.
    const wish: Wish<boolean> = {
      try: (how) => {
        const ownerDied = this.lock.try(how);
        return ownerDied === blocked ? blocked : this.#begin(ownerDied, flow, depth);
      },
    };
    return this.waiters.wait(wish, waiting);
  }

  retakeSync(timeout: number | undefined, depth: number): boolean | typeof late {
    const taken = this.lock.takeSync(timeout);
    return taken === late ? late : this.#begin(taken, currentFlow(), depth);
  }

  #again(): boolean {
    this.depth++;
    return this.#ownerDied;
  }

  #begin(ownerDied: boolean, flow: Flow | undefined, depth: number): boolean {
    this.depth = depth;
    this.#flow = flow;
    this.#ownerDied = ownerDied;
    return ownerDied;
  }

  release(): void {
    if (!this.isHeld)
      throw new LockStateError(
        'Cannot release an RLock that is not held here: the thread that acquired it has to release it.',
      );
    if (--this.depth === 0) this.lock.release();
  }

  /** Releases it however often it was acquired, which is what it returns. */
  letGo(): number {
    const { depth } = this;
    this.depth = 0;
    this.lock.release();
    return depth;
  }
}

const make = (place: Place): RLockCore => new RLockCore(place);

/**
 * A lock that who has it can acquire again; it is free when it was released as often. Only the thread that has it can release it. Python:
 * `multiprocessing.RLock`.
 *
 * Asynchronous functions of one thread are one owner, as far as they do not use `run`: what is called in a `run` has the lock, what
 * goes on beside it waits.
 *
 * @example
 * ```ts
 * import { RLock } from 'manycore';
 * const lock = new RLock();
 * console.log(await lock.run(() => lock.run(() => 'twice'))); // twice
 * ```
 */
export class RLock extends Holdable {
  readonly #core: RLockCore;

  /** @throws SharedMemoryError where shared memory cannot be had. */
  constructor();
  /** @internal */
  constructor(core: RLockCore);
  constructor(core: RLockCore = create(DEPTH + 1, make)) {
    super();
    checkCore('RLock', core, RLockCore);
    this.#core = core;
  }

  /** @internal */
  get core(): RLockCore {
    return this.#core;
  }

  protected override take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.#core.take(waiting);
  }

  protected override takeSync(timeout?: number): boolean | typeof late {
    return this.#core.takeSync(timeout);
  }

  override run<R>(fn: (guard: Guard) => R, options: AcquireOptions = {}): Promise<Awaited<R>> {
    return runInFlow(() => super.run(fn, options));
  }

  /** @throws LockStateError when it is not held here. */
  override release(): void {
    this.#core.release();
  }

  /** Whether anybody has it. */
  locked(): boolean {
    return this.#core.lock.owner !== 0;
  }

  /** While it is held here: whether who had it before died with it. */
  get ownerDied(): boolean {
    return this.#core.ownerDied;
  }
}

showAs(RLock, ({ core: { lock, place, depth } }) => {
  const { owner } = lock;
  const name = nameOf(owner, place);
  return `(${name}, ${owner === 0 ? 0 : owner === place.parties.me ? depth : 'nonzero'})`;
});

travelsAs<RLock, BlockReference>(RLock, {
  stateOf: ({ core }) => core.place.block.refer(),
  attach: (constructor, reference) => Reflect.construct(RLock, [attach(reference, make)], constructor),
});
