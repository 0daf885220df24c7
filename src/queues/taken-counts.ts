import { idOf, partyWords } from './members.ts';

const parties = partyWords * 32;

/**
 * How many records each party has taken and is not done with: never too few for those who live. It is too many for a moment around
 * each change, and for good where one was taken by the one and done with by another, or where somebody was killed in between.
 */
export class TakenCounts {
  /** By the number of a party: which one it was, and its count. */
  static readonly words: number = 2 * parties;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #own: number;

  constructor(words: Int32Array, at: number, me: number) {
    this.#words = words;
    this.#at = at;
    const entry = at + 2 * idOf(me);
    this.#own = entry + 1;
    // The one before, who had our number, is dead, and so is its count.
    if (Atomics.exchange(words, entry, me) !== me) Atomics.store(words, this.#own, 0);
  }

  add(): void {
    Atomics.add(this.#words, this.#own, 1);
  }

  remove(): void {
    if (Atomics.load(this.#words, this.#own) > 0) Atomics.sub(this.#words, this.#own, 1);
  }

  /** How many those have who live. */
  heldBy(lives: (party: number) => boolean): number {
    const words = this.#words;
    let count = 0;
    for (let id = 1; id < parties; id++) {
      const taken = Atomics.load(words, this.#at + 2 * id + 1);
      if (taken > 0 && lives(Atomics.load(words, this.#at + 2 * id))) count += taken;
    }
    return count;
  }
}
