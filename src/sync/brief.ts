import { monotonicMs } from '../monotonic.ts';
import type { Parties } from './parties.ts';

/** Looks before it naps: what is done under it takes less than a microsecond. */
const looks = 2_000;
const napMs = 0.2;
/** Only a stopped or dead party has it this long. */
const suspectMs = 5;

const pillow = new Int32Array(new SharedArrayBuffer(4));

/**
 * Keeps parties from each other for a few steps, of which none waits and none calls the program's code. Its one word is 0 or the party
 * that has it; when that has died, the next one takes it over and repairs what it finds.
 */
export class Brief {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #parties: Parties;
  readonly #me: number;
  readonly #repair: () => void;

  constructor(words: Int32Array, at: number, parties: Parties, repair: () => void) {
    this.#words = words;
    this.#at = at;
    this.#parties = parties;
    this.#me = parties.me;
    this.#repair = repair;
  }

  enter(): void {
    if (Atomics.compareExchange(this.#words, this.#at, 0, this.#me) !== 0) this.#wait();
  }

  leave(): void {
    Atomics.store(this.#words, this.#at, 0);
  }

  #wait(): void {
    let sinceMs = monotonicMs();
    for (let look = 1; ; look++) {
      const owner = Atomics.load(this.#words, this.#at);
      if (owner === 0) {
        if (Atomics.compareExchange(this.#words, this.#at, 0, this.#me) === 0) return;
      } else if (look % looks === 0) {
        Atomics.wait(pillow, 0, 0, napMs);
        if (monotonicMs() - sinceMs < suspectMs) continue;
        sinceMs = monotonicMs();
        if (!this.#parties.isDead(owner)) continue;
        if (Atomics.compareExchange(this.#words, this.#at, owner, this.#me) !== owner) continue;
        this.#repair();
        return;
      }
    }
  }
}
