import type { ProgressSettings } from './options.ts';
import { etaMs, RateMeter } from './rate.ts';
import type { ProgressCounters, ProgressHandle, ProgressOutcome, ProgressSnapshot } from './types.ts';

/** What one call shows: reads the counters, and tells the user's callback. */
export class Tracker implements ProgressHandle {
  fraction = 0;
  readonly intervalMs: number;
  readonly #settings: ProgressSettings;
  readonly #counters: ProgressCounters;
  readonly #startMs: number;
  readonly #rate: RateMeter;
  readonly #warn: (message: string) => void;
  readonly #onStop: (tracker: Tracker, outcome: ProgressOutcome) => void;
  #updatedMs: number;
  #told = '';
  #warned = false;
  #stopped = false;
  #snapshot: ProgressSnapshot;

  constructor(
    settings: ProgressSettings,
    counters: ProgressCounters,
    nowMs: number,
    warn: (message: string) => void,
    onStop: (tracker: Tracker, outcome: ProgressOutcome) => void,
  ) {
    this.#settings = settings;
    this.#counters = counters;
    this.#startMs = nowMs;
    this.#updatedMs = nowMs;
    this.#rate = new RateMeter(nowMs);
    this.#warn = warn;
    this.#onStop = onStop;
    this.intervalMs = settings.intervalMs;
    this.#snapshot = this.#read(nowMs, false);
    this.#told = this.#state();
  }

  get snapshot(): ProgressSnapshot {
    return this.#snapshot;
  }

  stop(outcome: ProgressOutcome): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#onStop(this, outcome);
  }

  /** False when it is not yet time. Timers may be early by a fraction of a millisecond. */
  update(nowMs: number): boolean {
    if (this.#stopped || nowMs - this.#updatedMs < this.intervalMs - 1) return false;
    this.#updatedMs = nowMs;
    this.#rate.update(nowMs, this.#position());
    this.#snapshot = this.#read(nowMs, false);
    const state = this.#state();
    if (state !== this.#told) this.#tell();
    this.#told = state;
    return true;
  }

  finish(nowMs: number): void {
    this.fraction = 0;
    this.#snapshot = this.#read(nowMs, true);
    this.#tell();
  }

  #read(nowMs: number, finished: boolean): ProgressSnapshot {
    const { total, done, failed, running, workers } = this.#counters;
    const elapsedMs = nowMs - this.#startMs;
    const position = this.#position();
    const average = elapsedMs > 0 ? (position / elapsedMs) * 1_000 : 0;
    const ratePerSecond = finished ? average : this.#rate.perSecond;
    let percent: number | undefined;
    if (total !== undefined) percent = total > 0 ? Math.min(100, (position / total) * 100) : 100;
    return Object.freeze({
      label: this.#settings.label,
      done,
      total,
      failed,
      percent,
      ratePerSecond,
      etaMs: finished ? 0 : etaMs(position, total, ratePerSecond),
      elapsedMs,
      running: finished ? 0 : running,
      workers,
      finished,
    });
  }

  #position(): number {
    const { total, done } = this.#counters;
    const position = done + (this.fraction > 0 ? this.fraction : 0);
    return total === undefined ? position : Math.min(position, Math.max(total, done));
  }

  #state(): string {
    const { total, done, failed, running, workers } = this.#counters;
    return `${total} ${done} ${failed} ${running} ${workers} ${this.fraction}`;
  }

  #tell(): void {
    const { onUpdate } = this.#settings;
    if (onUpdate === undefined) return;
    try {
      const result: unknown = onUpdate(this.#snapshot);
      if (result instanceof Promise) result.catch((error: unknown) => this.#complain(error));
    } catch (error) {
      this.#complain(error);
    }
  }

  // A fault in what only watches must not end the work.
  #complain(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#warn(`The progress callback of "${this.#settings.label}" threw: ${text}`);
  }
}
