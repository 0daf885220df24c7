import { show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { Holdable } from '../sync/holdable.ts';
import { RLock } from '../sync/r-lock.ts';

/** The lock of a shared object: one of its own (true, the default), one that it shares with others, or none. */
export type LockOption = boolean | Holdable;

/** What has a lock that is made when it is first needed: before anybody else can have the object. */
export class Locked {
  #lock: Holdable | undefined;
  readonly #has: boolean;

  constructor(of: string, option: LockOption | undefined) {
    if (option instanceof Holdable) this.#lock = option;
    else if (option !== undefined && typeof option !== 'boolean')
      throw new ArgumentTypeError(`Cannot use lock ${show(option)} for a ${of}: expected a lock, true or false.`);
    this.#has = option !== false;
  }

  get lock(): Holdable | undefined {
    if (this.#has) this.#lock ??= new RLock();
    return this.#lock;
  }
}
