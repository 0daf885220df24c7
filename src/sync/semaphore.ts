import { checkCount, checkKeys } from '../arguments.ts';
import type { BlockReference } from '../memory/block.ts';
import { travelsAs } from '../wire/shared.ts';
import { Holdable } from './holdable.ts';
import { maxSemaphoreValue, SemaphoreCore, semaphoreWords } from './semaphore-core.ts';
import { attach, create, type Place } from './shared-object.ts';
import { showAs } from '../inspection.ts';
import type { late, Waiting } from '../waiting.ts';

/** Options of a semaphore. */
export interface SemaphoreOptions {
  /**
   * Whether the permits of a process or thread that dies are restored. Default true. False is for semaphores that count things: there one process
   * acquires and another one releases, and a permit belongs to nobody.
   */
  readonly robust?: boolean;
}

interface SemaphoreState {
  readonly block: BlockReference;
  readonly robust: boolean;
  readonly bound: number;
}

/**
 * Permits that processes and threads share: `acquire` waits until there is one. Any process may release one, also one that it has not
 * acquired. When a process dies, what it has acquired and not released is there again. Python: `multiprocessing.Semaphore`.
 *
 * @example
 * ```ts
 * import { Pool, Semaphore } from 'manycore';
 * const two = new Semaphore(2);
 * await using pool = new Pool(4);
 * console.log(await pool.map((i) => two.runSync(() => i * i), [1, 2, 3])); // at most two at a time
 * ```
 */
export class Semaphore extends Holdable {
  readonly #core: SemaphoreCore;
  readonly #robust: boolean;
  readonly #bound: number;

  /**
   * @param value - How many permits there are, 0 to 2,147,483,647.
   * @throws SharedMemoryError where shared memory cannot be had.
   */
  constructor(value?: number, options?: SemaphoreOptions);
  /** @internal */
  constructor(value: SemaphoreCore, state: SemaphoreState);
  constructor(value: number | SemaphoreCore = 1, options: SemaphoreOptions | SemaphoreState = {}) {
    super();
    if (value instanceof SemaphoreCore) {
      const { robust, bound } = options as SemaphoreState;
      this.#core = value;
      this.#robust = robust;
      this.#bound = bound;
      return;
    }
    checkCount('the value of a semaphore', value, 0, maxSemaphoreValue);
    checkKeys('Semaphore', options, ['robust']);
    const { robust = true } = options;
    this.#robust = robust;
    this.#bound = this.bounded ? value : maxSemaphoreValue;
    this.#core = create(semaphoreWords, (place) => new SemaphoreCore(place, robust));
    this.#core.fill(value);
  }

  /** Whether the value must not rise above the first one. */
  protected get bounded(): boolean {
    return false;
  }

  /** @internal */
  get core(): SemaphoreCore {
    return this.#core;
  }

  /** @internal */
  get bound(): number {
    return this.#bound;
  }

  /** @internal */
  refer(): SemaphoreState {
    return { block: this.#core.place.block.refer(), robust: this.#robust, bound: this.#bound };
  }

  protected override take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.#core.waiters.wait(this.#core, waiting);
  }

  protected override takeSync(timeout?: number): boolean | typeof late {
    return this.#core.waiters.waitSync(this.#core, timeout);
  }

  /**
   * Adds a permit.
   *
   * @throws LockStateError when the value would rise above its bound: for a `BoundedSemaphore` the first value.
   */
  override release(): void {
    this.#core.release(this.#bound);
  }

  /** How many permits there are now. Python: `get_value`. */
  getValue(): number {
    return this.#core.value;
  }

  /** Whether there are none. */
  locked(): boolean {
    return this.#core.value === 0;
  }
}

showAs(Semaphore, (semaphore) => {
  const { bound } = semaphore;
  return `(value=${semaphore.getValue()}${bound < maxSemaphoreValue ? `, maxvalue=${bound}` : ''})`;
});

travelsAs<Semaphore, SemaphoreState>(Semaphore, {
  stateOf: (semaphore) => semaphore.refer(),
  attach(constructor, state) {
    const make = (place: Place): SemaphoreCore => new SemaphoreCore(place, state.robust);
    return Reflect.construct(Semaphore, [attach(state.block, make), state], constructor);
  },
});

/**
 * A semaphore that cannot be released above its first value. Python: `multiprocessing.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore } from 'manycore';
 * const one = new BoundedSemaphore(1);
 * await one.run(() => console.log(one.getValue())); // 0
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  protected override get bounded(): boolean {
    return true;
  }
}
