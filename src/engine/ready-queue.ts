import type { Job, Segment } from './task.ts';

/** What waits for a worker: segments in the order of priority, then of arrival. Both ends are O(1), whatever the length. */
export class ReadyQueue {
  /** Highest priority first. */
  readonly #lanes: Lane[] = [];
  /** Items that wait. */
  length = 0;

  /** Adds items behind all others of their priority; items that continue the last segment join it. */
  push(job: Job, from: number, to: number, attempt: number): void {
    const lane = this.#lane(job.terms.priority);
    const last = lane.last();
    if (last !== undefined && last.job === job && last.to === from && last.attempt === attempt) last.to = to;
    else lane.push({ job, from, to, attempt });
    this.length += to - from;
  }

  /** Puts items back before all others of their priority. */
  unshift(job: Job, from: number, to: number, attempt: number): void {
    this.#lane(job.terms.priority).unshift({ job, from, to, attempt });
    this.length += to - from;
  }

  /** The segment whose turn it is. */
  front(): Segment | undefined {
    for (const lane of this.#lanes) {
      const first = lane.first();
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** All segments that wait. */
  *segments(): Generator<Segment, undefined> {
    for (const lane of this.#lanes) yield* lane.all();
    return undefined;
  }

  /** Takes `count` items off the front segment. */
  take(segment: Segment, count: number): void {
    segment.from += count;
    this.length -= count;
    if (segment.from >= segment.to) this.#lane(segment.job.terms.priority).shift();
  }

  /** Removes all items of a job, or all there are, and hands them over. */
  remove(job: Job | undefined): Segment[] {
    const removed: Segment[] = [];
    for (const lane of this.#lanes) removed.push(...lane.remove((segment) => job === undefined || segment.job === job));
    for (const segment of removed) this.length -= segment.to - segment.from;
    return removed;
  }

  #lane(priority: number): Lane {
    let i = 0;
    while (i < this.#lanes.length && this.#lanes[i]!.priority > priority) i++;
    const found = this.#lanes[i];
    if (found?.priority === priority) return found;
    const lane = new Lane(priority);
    this.#lanes.splice(i, 0, lane);
    return lane;
  }
}

/** A deque on two stacks: `#front` is reversed. */
class Lane {
  readonly priority: number;
  #front: Segment[] = [];
  #back: Segment[] = [];
  #head = 0;

  constructor(priority: number) {
    this.priority = priority;
  }

  first(): Segment | undefined {
    return this.#front.at(-1) ?? this.#back[this.#head];
  }

  last(): Segment | undefined {
    return this.#back.length > this.#head ? this.#back.at(-1) : this.#front[0];
  }

  push(segment: Segment): void {
    this.#back.push(segment);
  }

  unshift(segment: Segment): void {
    this.#front.push(segment);
  }

  shift(): void {
    if (this.#front.length > 0) {
      this.#front.pop();
      return;
    }
    this.#head++;
    // Half of the array being spent, it is cut: each segment is moved at most once on average.
    if (this.#head * 2 > this.#back.length) {
      this.#back = this.#back.slice(this.#head);
      this.#head = 0;
    }
  }

  all(): Segment[] {
    return [...this.#front.toReversed(), ...this.#back.slice(this.#head)];
  }

  remove(matches: (segment: Segment) => boolean): Segment[] {
    const all = this.all();
    this.#front = [];
    this.#head = 0;
    this.#back = all.filter((segment) => !matches(segment));
    return all.filter(matches);
  }
}
