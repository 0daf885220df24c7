import type { BlockReference } from '../memory/block.ts';
import { travelsAs } from '../wire/shared.ts';
import { Holdable } from './holdable.ts';
import { RobustLock } from './robust-lock.ts';
import { attach, checkCore, type Core, create, type Place } from './shared-object.ts';
import { showAs } from '../inspection.ts';
import { nameOf } from './show.ts';
import type { late, Waiting } from '../waiting.ts';

export class LockCore implements Core {
  readonly place: Place;
  readonly lock: RobustLock;

  constructor(place: Place) {
    this.place = place;
    this.lock = new RobustLock(place.words, place.at, place.members, place.parties);
  }

  get waiters(): RobustLock['waiters'] {
    return this.lock.waiters;
  }

  get isHeld(): boolean {
    return this.lock.isMine;
  }

  get ownerDied(): boolean {
    return this.lock.isMine && this.lock.ownerDied;
  }

  take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.lock.take(waiting);
  }

  takeSync(timeout?: number): boolean | typeof late {
    return this.lock.takeSync(timeout);
  }

  retake(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.lock.take(waiting);
  }

  retakeSync(timeout?: number): boolean | typeof late {
    return this.lock.takeSync(timeout);
  }

  /** Releases it however often it was acquired, which is what it returns. */
  letGo(): number {
    this.lock.release();
    return 1;
  }
}

const make = (place: Place): LockCore => new LockCore(place);

/**
 * A lock between processes and threads. It goes in any argument, at any time. Any process or thread may release it. When the one that has it dies, the
 * next one gets it and is told so by `ownerDied`. Python: `multiprocessing.Lock`.
 *
 * @example
 * ```ts
 * import { Lock, Pool } from 'manycore';
 * const lock = new Lock();
 * await using pool = new Pool(2);
 * await pool.map((i) => lock.runSync(() => console.log(`line ${i}`)), [1, 2, 3]);
 * ```
 */
export class Lock extends Holdable {
  readonly #core: LockCore;

  /** @throws SharedMemoryError where shared memory cannot be had. */
  constructor();
  /** @internal */
  constructor(core: LockCore);
  constructor(core: LockCore = create(RobustLock.words, make)) {
    super();
    checkCore('Lock', core, LockCore);
    this.#core = core;
  }

  /** @internal */
  get core(): LockCore {
    return this.#core;
  }

  protected override take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.#core.take(waiting);
  }

  protected override takeSync(timeout?: number): boolean | typeof late {
    return this.#core.takeSync(timeout);
  }

  /**
   * Gives it back, whoever has it: any process or thread may do that, as in Python.
   *
   * @throws LockStateError when nobody has it.
   */
  override release(): void {
    this.#core.lock.release();
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

showAs(Lock, ({ core: { lock, place } }) => `(owner=${nameOf(lock.owner, place)})`);

travelsAs<Lock, BlockReference>(Lock, {
  stateOf: ({ core }) => core.place.block.refer(),
  attach: (constructor, reference) => Reflect.construct(Lock, [attach(reference, make)], constructor),
});
