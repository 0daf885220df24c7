import { monotonicMs } from '../monotonic.ts';

/** So many at once, then so many per second. */
export class Rate {
  readonly #everyMs: number;
  /** How far back what was not taken still counts. */
  readonly #reachMs: number;
  readonly #now: () => number;
  /** When the next one is due. */
  #nextMs = -Infinity;

  constructor(perSecond: number, most: number, now: () => number = monotonicMs) {
    this.#everyMs = 1_000 / perSecond;
    this.#reachMs = (most - 1) * this.#everyMs;
    this.#now = now;
  }

  /** Takes one, and gives 0; or the milliseconds until there is one. */
  take(): number {
    const now = this.#now();
    const dueMs = Math.max(this.#nextMs, now - this.#reachMs);
    if (dueMs > now) return dueMs - now;
    this.#nextMs = dueMs + this.#everyMs;
    return 0;
  }
}
