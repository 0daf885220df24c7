import { plainLine } from './lines.ts';
import type { ProgressOutcome, ProgressSnapshot, ProgressStream } from './types.ts';
import { writeQuietly } from './write-hook.ts';

/** A line each ten percent, but not within this. */
const pauseMsMin = 1_000;
const percentStep = 10;
/** Whatever the percentage, a line after this, or after this share of the run: an hour makes a hundred lines, not a thousand. */
const pauseMsMax = 5_000;
const pauseShare = 1 / 20;

/** Progress where nothing can be drawn: a line now and then. A call that is over before the first update has one line only. */
export class PlainLog {
  readonly #stream: ProgressStream;
  #lastMs: number | undefined;
  #lastPercent = 0;
  #broken = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  update(snapshot: ProgressSnapshot, outcome?: ProgressOutcome): void {
    if (outcome === undefined && !this.#isDue(snapshot)) return;
    this.#lastMs = snapshot.elapsedMs;
    this.#lastPercent = snapshot.percent ?? 0;
    if (this.#broken) return;
    writeQuietly(this.#stream, this.#stream.write, `${plainLine(snapshot, outcome)}\n`, () => {
      this.#broken = true;
    });
  }

  #isDue(snapshot: ProgressSnapshot): boolean {
    if (this.#lastMs === undefined) return true;
    const pauseMs = snapshot.elapsedMs - this.#lastMs;
    if (pauseMs >= Math.max(pauseMsMax, snapshot.elapsedMs * pauseShare)) return true;
    return pauseMs >= pauseMsMin && (snapshot.percent ?? 0) - this.#lastPercent >= percentStep;
  }
}
