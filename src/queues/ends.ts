import { SharedMemoryError } from '../errors.ts';
import { maxConnectionHolders } from '../limits.ts';
import type { Home } from '../memory/home.ts';
import type { IsDead } from './gate.ts';

/** Words of the table of one end. */
export const endWords: number = maxConnectionHolders * 2;

let last = Math.floor(Math.random() * 2 ** 30);

/** A connection in a table: where, and by which number it is known to be that one. */
export interface Hold {
  readonly place: number;
  readonly id: number;
}

/**
 * Who holds one end of a pipe: for each connection the party that has it, and a number. One that is on its way is held by who
 * has sent it, until it has arrived or the sender has died; so there is no moment at which nobody has it.
 */
export class End {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #home: Home;

  constructor(words: Int32Array, at: number, home: Home) {
    this.#words = words;
    this.#at = at;
    this.#home = home;
  }

  /** One more. The party is written first: whoever looks counts it from then on. */
  hold(): Hold {
    const words = this.#words;
    const { me } = this.#home;
    for (let round = 0; round < 2; round++) {
      for (let place = 0; place < maxConnectionHolders; place++) {
        const at = this.#at + place * 2;
        const party = Atomics.load(words, at);
        // The second round looks for the dead.
        if (party !== 0 && (round === 0 || !this.#home.isDead(party))) continue;
        if (Atomics.compareExchange(words, at, party, me) !== party) continue;
        last = (last + 1) & 0x7fff_ffff || 1;
        Atomics.store(words, at + 1, last);
        return { place, id: last };
      }
    }
    throw new SharedMemoryError(`More than ${maxConnectionHolders} connections hold the same end of a pipe.`);
  }

  /** One less, unless somebody else has its place by now. */
  release({ place, id }: Hold): void {
    const at = this.#at + place * 2;
    if (Atomics.compareExchange(this.#words, at + 1, id, 0) === id) Atomics.store(this.#words, at, 0);
  }

  /** Whether anybody has it who is not dead. */
  isHeld(isDead: IsDead): boolean {
    const words = this.#words;
    for (let place = 0; place < maxConnectionHolders; place++) {
      const at = this.#at + place * 2;
      const party = Atomics.load(words, at);
      if (party === 0) continue;
      if (!isDead(party)) return true;
      Atomics.compareExchange(words, at, party, 0);
    }
    return false;
  }
}
