import { monotonicMs } from '../monotonic.ts';

/** Powers of two: how many entries there are between two looks at the clock. */
const entriesPerLook = 256;

/**
 * How long it takes to fill the maps and sets of a message from outside. V8 spreads numbers in the same way in every program, so
 * somebody may choose keys that all come to lie together: each of them is then compared with all before it.
 */
export class FillTime {
  readonly #maxMs: number;
  #spentMs = 0;
  #sinceMs = 0;
  #entries = 0;

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  begin(): void {
    this.#sinceMs = monotonicMs();
  }

  /** After each entry: whether it takes too long. */
  isOver(): boolean {
    if (++this.#entries % entriesPerLook !== 0) return false;
    const now = monotonicMs();
    this.#spentMs += now - this.#sinceMs;
    this.#sinceMs = now;
    return this.#spentMs > this.#maxMs;
  }
}
