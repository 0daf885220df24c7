import { type IsDead, unknown } from './gate.ts';
import { idOf, partyWords } from './members.ts';

const parties = partyWords * 32;

/** How many records each party has taken and is not done with. */
export class TakenCounts {
  /** By the number of a party: which one it was, and its count. */
  static readonly words: number = 2 * parties;
  readonly #words: Int32Array;
  readonly #at: number;
  /** The word with the counts of those whose number is another's by now. */
  readonly #lost: number;
  readonly #own: number;

  constructor(words: Int32Array, at: number, lost: number, me: number) {
    this.#words = words;
    this.#at = at;
    this.#lost = lost;
    const entry = at + 2 * idOf(me);
    this.#own = entry + 1;
    // What the one before, who had our number, has left behind.
    if (Atomics.exchange(words, entry, me) !== me) Atomics.add(words, lost, Atomics.exchange(words, this.#own, 0));
  }

  add(): void {
    Atomics.add(this.#words, this.#own, 1);
  }

  remove(): void {
    if (Atomics.load(this.#words, this.#own) > 0) Atomics.sub(this.#words, this.#own, 1);
  }

  /** How many were taken by those who have died since. */
  bereft(isDead: IsDead): number {
    const words = this.#words;
    let count = Atomics.load(words, this.#lost);
    if (isDead === unknown) return count;
    for (let id = 1; id < parties; id++) {
      const taken = Atomics.load(words, this.#at + 2 * id + 1);
      if (taken > 0 && isDead(Atomics.load(words, this.#at + 2 * id))) count += taken;
    }
    return count;
  }
}
