import type { Clock } from './clock.ts';
import type { Job } from './task.ts';
import { Timetable } from './timetable.ts';

/** Items that were added together, and have to begin in time. */
export interface Limit {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
}

/** An item between two attempts. */
export interface Parked {
  readonly job: Job;
  readonly index: number;
  /** The attempt that is to come. */
  readonly attempt: number;
}

/** ... and when its back-off is over: it may wait longer, for the attempt before it to end. */
interface Waiting extends Parked {
  readonly dueMs: number;
}

/** Fewer limits than this are not worth looking through. */
const fewLimits = 1_024;

/** What waits for a time, not for a worker: items that have to begin until then, and items that are tried again then. */
export class Agenda {
  readonly #limits: Timetable<Limit>;
  readonly #clock: Clock;
  readonly #parked: Timetable<Waiting>;
  #worthSifting: number = fewLimits;

  constructor(clock: Clock, events: { late(limits: readonly Limit[]): void; again(items: readonly Parked[]): void }) {
    this.#clock = clock;
    this.#limits = new Timetable(clock, events.late);
    this.#parked = new Timetable<Waiting>(clock, events.again);
  }

  /** Items between two attempts. */
  get parked(): number {
    return this.#parked.size;
  }

  /** Notes when items have to begin. `waits` says of which jobs some have not: the others are forgotten now and then. */
  limit(ms: number, limit: Limit, waits: () => (job: Job) => boolean): void {
    if (this.#limits.size >= this.#worthSifting) {
      const isWaiting = waits();
      this.#limits.sift(({ job }) => isWaiting(job));
      this.#worthSifting = Math.max(fewLimits, 2 * this.#limits.size);
    }
    this.#limits.add(ms, limit);
  }

  /** Keeps an item until it is tried again: after `ms`, or after `leastMs` when the attempt before it is over by then. */
  park(ms: number, item: Parked, leastMs: number = ms): void {
    this.#parked.add(ms, { ...item, dueMs: this.#clock.now() + leastMs });
  }

  /** An attempt that had failed before it ended is over. */
  attemptOver(job: Job, index: number): void {
    if (this.#parked.size === 0) return;
    const now = this.#clock.now();
    for (const item of this.#parked.sift((other) => other.job !== job || other.index !== index))
      this.#parked.add(Math.max(0, item.dueMs - now), item);
  }

  /** Hands over the parked items of a job, or all there are. */
  remove(job: Job | undefined): Parked[] {
    return this.#parked.size === 0 ? [] : this.#parked.sift((item) => job !== undefined && item.job !== job);
  }

  /** Removes one parked item; returns whether it was here. */
  removeItem(job: Job, index: number): boolean {
    if (this.#parked.size === 0) return false;
    return this.#parked.sift((item) => item.job !== job || item.index !== index).length > 0;
  }

  items(): Iterable<Parked> {
    return this.#parked.items();
  }

  /** Nothing waits for a worker any more. */
  forgetLimits(): void {
    if (this.#limits.size > 0) this.#limits.sift(() => false);
  }
}
