import type { Job, Segment } from './task.ts';

/** What waits for a worker: segments in the order of priority, then of arrival. Both ends are O(1), whatever the length. */
export class ReadyQueue {
  /** Highest priority first. */
  readonly #lanes: Lane[] = [];
  /** Items that wait. */
  length = 0;

  /** Adds items behind all others of their priority; items that continue the last segment join it. */
  push(job: Job, from: number, to: number, attempt: number): void {
    if (from === to) return;
    const lane = this.#lane(job.terms.priority);
    const last = lane.last();
    if (last !== undefined && last.job === job && last.to === from && last.attempt === attempt) last.to = to;
    else lane.push({ job, from, to, attempt });
    this.length += to - from;
  }

  /** Puts items back before all others of their priority; the first segment joins those that it continues. */
  unshift(job: Job, from: number, to: number, attempt: number): void {
    if (from === to) return;
    const lane = this.#lane(job.terms.priority);
    const first = lane.first();
    if (first !== undefined && first.job === job && first.from === to && first.attempt === attempt) first.from = from;
    else lane.unshift({ job, from, to, attempt });
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

  /** Removes one item; returns whether it was here. */
  removeItem(job: Job, index: number): boolean {
    const found = this.#lane(job.terms.priority).cut(job, index);
    if (found) this.length--;
    return found;
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

  /** Takes one item out of the segment that holds it, which may become two. */
  cut(job: Job, index: number): boolean {
    const holds = (segment: Segment | undefined): segment is Segment =>
      segment !== undefined && segment.job === job && index >= segment.from && index < segment.to;
    const inFront = find(this.#front, 0, holds);
    if (inFront >= 0) return this.#cutAt(this.#front, inFront, index, 0);
    const inBack = find(this.#back, this.#head, holds);
    if (inBack < 0) return false;
    const { from, to } = this.#back[inBack]!;
    // Not `splice`, which would move all that is behind.
    if (inBack === this.#head && to - from === 1 && this.#front.length === 0) this.shift();
    else this.#cutAt(this.#back, inBack, index, 1);
    return true;
  }

  /** `after`: where a second half goes. */
  #cutAt(segments: Segment[], at: number, index: number, after: 0 | 1): true {
    const segment = segments[at]!;
    const { job, from, to, attempt } = segment;
    if (to - from === 1) segments.splice(at, 1);
    else if (index === from) segment.from++;
    else if (index === to - 1) segment.to--;
    else {
      segment.to = index;
      segments.splice(at + after, 0, { job, from: index + 1, to, attempt });
    }
    return true;
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

/** The place of the segment that matches, from `start` on: looked for from both ends, as those are what is mostly asked for. */
function find(segments: readonly Segment[], start: number, matches: (segment: Segment | undefined) => boolean): number {
  for (let low = start, high = segments.length - 1; low <= high; low++, high--) {
    if (matches(segments[low])) return low;
    if (matches(segments[high])) return high;
  }
  return -1;
}
