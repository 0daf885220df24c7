import { monotonicMs } from '../monotonic.ts';

/** How many entries there are between two looks at the clock, at most; fewer when they take long. */
const mostPerLook = 256;
/** That is when they took this long. */
const longMs = 1;

/**
 * How long it takes to fill the maps and sets of a message from outside. V8 spreads numbers in the same way in every program, so
 * somebody may choose keys that all come to lie together: each of them is then compared with all before it.
 */
export class FillTime {
  readonly #maxMs: number;
  #spentMs = 0;
  #sinceMs = 0;
  #entries = 0;
  /** After so many entries there is a look. */
  perLook: number = mostPerLook;

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  begin(): void {
    this.#sinceMs = monotonicMs();
  }

  /** What comes until the next `begin()` does not count. */
  pause(): void {
    this.#spentMs += monotonicMs() - this.#sinceMs;
  }

  /** After each entry: whether it takes too long. */
  isOver(): boolean {
    if (++this.#entries < this.perLook) return false;
    this.#entries = 0;
    const now = monotonicMs();
    const ms = now - this.#sinceMs;
    this.#spentMs += ms;
    this.#sinceMs = now;
    this.perLook = ms > longMs ? Math.max(1, this.perLook >> 2) : Math.min(mostPerLook, 2 * this.perLook);
    return this.#spentMs > this.#maxMs;
  }
}
