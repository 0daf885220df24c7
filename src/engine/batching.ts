import { batchMs, fairShare, firstBatchSize, maxBatchItems } from '../limits.ts';

/** How long a function takes, learnt from its runs: an exponentially weighted mean. */
export class Timing {
  /** Milliseconds per item; undefined before the first run. */
  meanMs: number | undefined = undefined;

  /** Takes note of `count` items that took `ms` together; false when that cannot be. */
  learn(count: number, ms: number): boolean {
    // The worker's word, which must not make the mean NaN for good.
    if (!(count > 0 && ms >= 0 && ms < Infinity)) return false;
    const each = ms / count;
    if (this.meanMs === undefined) {
      this.meanMs = each;
      return true;
    }
    // Many items are better evidence than one; slower runs are believed at once, so that batches shrink before they hurt.
    const weight = each > this.meanMs ? 0.5 : Math.min(0.5, 0.1 + count / 100);
    this.meanMs += (each - this.meanMs) * weight;
    return true;
  }
}

/**
 * How many items to send at once: about a millisecond's worth, never more than a fair share of what waits, so that the
 * batches get smaller towards the end and all workers end together (guided self-scheduling).
 */
export function batchSize(timing: Timing, waiting: number, workers: number, growing = false): number {
  // While more items are to come there is no end yet to get smaller towards.
  const fair = Math.ceil(waiting / ((growing ? 1 : fairShare) * workers));
  if (timing.meanMs === undefined) return Math.max(1, Math.min(firstBatchSize, fair));
  const timely = timing.meanMs > 0 ? batchMs / timing.meanMs : maxBatchItems;
  return Math.max(1, Math.min(Math.floor(timely), fair, maxBatchItems));
}
