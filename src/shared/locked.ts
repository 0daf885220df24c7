import { show } from '../arguments.ts';
import { ArgumentTypeError, SharedMemoryError } from '../errors.ts';
import { Holdable } from '../sync/holdable.ts';
import { RLock } from '../sync/r-lock.ts';

/** The lock of a shared object: one of its own (true, the default), one that it shares with others, or none. */
export type LockOption = boolean | Holdable;

/** What has a lock that is made when it is first needed: before anybody else can have the object. */
export class Locked {
  readonly #of: string;
  readonly #has: boolean;
  #lock: Holdable | undefined;

  constructor(of: string, option: LockOption | undefined) {
    if (option instanceof Holdable) this.#lock = option;
    else if (option !== undefined && typeof option !== 'boolean')
      throw new ArgumentTypeError(`Cannot use lock ${show(option)} for a ${of}: expected a lock, true or false.`);
    this.#of = of;
    this.#has = option !== false;
  }

  get lock(): Holdable | undefined {
    if (this.#has) this.#lock ??= new RLock();
    return this.#lock;
  }

  /** @throws SharedMemoryError when it has none. */
  require(): Holdable {
    const { lock } = this;
    if (lock !== undefined) return lock;
    throw new SharedMemoryError(`This ${this.#of} has no lock: it was made with { lock: false }.`);
  }
}
