import type { Clock } from '../engine/clock.ts';
import { Heap } from '../engine/heap.ts';

interface Entry {
  readonly at: number;
  /** Decides between entries of the same moment. */
  readonly tie: number;
  callback: (() => void) | undefined;
  readonly clock: TimelineClock | undefined;
}

/** What happens when, in a time that passes only from one entry to the next. Order at the same moment: as entered, or by `tie`. */
export class Timeline {
  now: number = 0;
  readonly #tie: () => number;
  readonly #heap = new Heap(before);

  constructor(tie?: () => number) {
    let entered = 0;
    this.#tie = tie ?? (() => entered++);
  }

  /** Calls back after `ms`; the function returned cancels that. */
  after(ms: number, callback: () => void, clock?: TimelineClock): () => void {
    const entry: Entry = { at: this.now + Math.max(0, ms), tie: this.#tie(), callback, clock };
    if (clock !== undefined) clock.timers++;
    this.#heap.push(entry);
    return () => {
      if (entry.callback === undefined) return;
      entry.callback = undefined;
      if (clock !== undefined) clock.timers--;
    };
  }

  /** Lets the next thing happen, unless it is later than `until`. */
  step(until: number = Infinity): boolean {
    for (let first = this.#heap.first; first !== undefined; first = this.#heap.first) {
      if (first.callback !== undefined && first.at > until) return false;
      this.#heap.pop();
      const { callback } = first;
      if (callback === undefined) continue;
      this.now = first.at;
      first.callback = undefined;
      if (first.clock !== undefined) first.clock.timers--;
      callback();
      return true;
    }
    return false;
  }

  /** Lets `ms` pass. */
  pass(ms: number): void {
    const until = this.now + ms;
    while (this.step(until));
    this.now = until;
  }

  /** Runs until nothing more happens, the condition holds, or the time is `until`. */
  run(done: () => boolean = () => false, until: number = Infinity): void {
    while (!done() && this.step(until));
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

/** A clock on a timeline that counts its timers, so that those left behind are seen. */
export class TimelineClock implements Clock {
  readonly timeline: Timeline;
  /** By how much timers miss their time. Node's may be a millisecond early. */
  readonly #jitter: () => number;
  timers: number = 0;

  constructor(timeline: Timeline = new Timeline(), jitter: () => number = () => 0) {
    this.timeline = timeline;
    this.#jitter = jitter;
  }

  now(): number {
    return this.timeline.now;
  }

  after(ms: number, callback: () => void): () => void {
    return this.timeline.after(ms + this.#jitter(), callback, this);
  }

  soon(callback: () => void): void {
    this.timeline.after(0, callback);
  }
}
