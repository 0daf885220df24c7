import { idOf, type Parties } from './parties.ts';

/**
 * Who has a shared object: a bit for the number of each party, and a count of those that came.
 *
 *     word 0       how often somebody came
 *     words 1-32   the bits
 *
 * Whoever waits without blocking looks out for the death of each member. So a member may die at any point: others hear of it, look
 * again, and go on. Who comes later tells those that wait by then.
 */
export class Members {
  static readonly words: number = 33;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #parties: Parties;

  constructor(words: Int32Array, at: number, parties: Parties) {
    this.#words = words;
    this.#at = at;
    this.#parties = parties;
  }

  /** How often somebody came: those that wait look at the list again when it has changed. */
  get arrivals(): number {
    return Atomics.load(this.#words, this.#at);
  }

  /** This thread has the object from now on. Those that wait have to be told. */
  join(): void {
    const id = idOf(this.#parties.me);
    Atomics.or(this.#words, this.#at + 1 + (id >> 5), 1 << (id & 31));
    Atomics.add(this.#words, this.#at, 1);
  }

  /** The words of all that are there; the bit of one that has gone is removed. */
  list(): number[] {
    const found: number[] = [];
    for (let word = 0; word < 32; word++) {
      for (let bits = Atomics.load(this.#words, this.#at + 1 + word); bits !== 0; bits &= bits - 1) {
        const bit = bits & -bits;
        const party = this.#occupant((word << 5) | (31 - Math.clz32(bit)), this.#at + 1 + word, bit);
        if (party !== 0) found.push(party);
      }
    }
    return found;
  }

  /** One that has died. */
  remove(party: number): void {
    const id = idOf(party);
    const at = this.#at + 1 + (id >> 5);
    Atomics.and(this.#words, at, ~(1 << (id & 31)));
    const next = this.#parties.occupant(id);
    if (next !== 0 && next !== party) Atomics.or(this.#words, at, 1 << (id & 31));
  }

  #occupant(id: number, at: number, bit: number): number {
    const party = this.#parties.occupant(id);
    if (party !== 0) return party;
    Atomics.and(this.#words, at, ~bit);
    // A new one has its number before it joins: had it joined before its bit was removed, it would be seen now.
    const next = this.#parties.occupant(id);
    if (next !== 0) Atomics.or(this.#words, at, bit);
    return next;
  }
}
