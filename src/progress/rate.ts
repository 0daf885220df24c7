/** Items count for less the longer they are ago: to 1/e after this long, and after this share of the run when that is longer. */
const memoryMsMin = 5_000;
const memoryShare = 1 / 4;

/**
 * A smoothed rate: weighted items by weighted time, so the first value is exact however early it is asked for. The memory
 * grows with the run, for tasks of a minute would otherwise make the rate jump between zero and a peak.
 */
export class RateMeter {
  readonly #startMs: number;
  #lastMs: number;
  #lastPosition = 0;
  #items = 0;
  #ms = 0;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#lastMs = nowMs;
  }

  /** `position` is what is done in all, in items. */
  update(nowMs: number, position: number): void {
    const passedMs = nowMs - this.#lastMs;
    if (passedMs <= 0) return;
    const decay = Math.exp(-passedMs / Math.max(memoryMsMin, (nowMs - this.#startMs) * memoryShare));
    // A retry that starts over takes back what its first attempt reported.
    this.#items = Math.max(0, this.#items * decay + position - this.#lastPosition);
    this.#ms = this.#ms * decay + passedMs;
    this.#lastMs = nowMs;
    this.#lastPosition = position;
  }

  get perSecond(): number {
    return this.#ms === 0 ? 0 : (this.#items / this.#ms) * 1_000;
  }
}

/** Milliseconds until the end at this rate; undefined when nobody can tell. */
export function etaMs(position: number, total: number | undefined, perSecond: number): number | undefined {
  if (total === undefined) return undefined;
  if (position >= total) return 0;
  return perSecond > 0 ? ((total - position) / perSecond) * 1_000 : undefined;
}
