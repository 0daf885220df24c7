import { priorityTurns } from '../limits.ts';
import { Deque } from './deque.ts';
import type { Job, Segment } from './task.ts';

/** The jobs that keep their order among each other: the single calls of a pool are one line, each other call is one. */
interface Line {
  readonly key: object;
  readonly lane: Lane;
  /** Removed ones stay until their turn comes, empty, or until they are the most. */
  readonly segments: Deque<Entry>;
  live: number;
}

/** All of one priority; the line whose turn it is comes first. */
interface Lane {
  readonly priority: number;
  readonly lines: Line[];
  readonly byKey: Map<object, Line>;
  /** Turns that higher priorities had while it waited. */
  passed: number;
}

interface Entry extends Segment {
  readonly line: Line;
}

/**
 * What waits for a worker. Higher priorities go first, but one that was passed over `priorityTurns` times gets the next
 * turn. Within a priority, lines take turns, a batch each, so that no call waits for the whole of another; within a line
 * items go in the order of arrival.
 */
export class ReadyQueue {
  /** Those that have items, highest priority first. */
  readonly #lanes: Lane[] = [];
  /** Where a job's items are: to withdraw one of 100,000 jobs does not look at the others. */
  readonly #entries = new Map<Job, Set<Entry>>();
  /** Items that wait. */
  length = 0;

  /** Adds items behind all others of their line; items that continue the last segment join it. */
  push(job: Job, from: number, to: number, attempt: number): void {
    if (from === to) return;
    this.length += to - from;
    const line = this.#line(job);
    const last = line.segments.last();
    if (last !== undefined && !isEmpty(last) && last.job === job && last.to === from && last.attempt === attempt)
      last.to = to;
    else line.segments.push(this.#enter({ job, from, to, attempt, line }));
  }

  /** Puts items back before all others of their priority; the first segment joins those that it continues. */
  unshift(job: Job, from: number, to: number, attempt: number): void {
    if (from === to) return;
    this.length += to - from;
    const line = this.#line(job);
    const { lines } = line.lane;
    if (lines[0] !== line) lines.unshift(...lines.splice(lines.indexOf(line), 1));
    const first = firstOf(line);
    if (first !== undefined && first.job === job && first.from === to && first.attempt === attempt) first.from = from;
    else line.segments.unshift(this.#enter({ job, from, to, attempt, line }));
  }

  /** The segment whose turn it is. */
  front(): Segment | undefined {
    let [turn] = this.#lanes;
    for (const lane of this.#lanes) if (lane.passed >= priorityTurns && lane.passed > turn!.passed) turn = lane;
    return turn === undefined ? undefined : firstOf(turn.lines[0]!);
  }

  /** All segments that wait. */
  *segments(): Generator<Segment, undefined> {
    for (const entries of this.#entries.values()) yield* entries;
    return undefined;
  }

  has(job: Job): boolean {
    return this.#entries.has(job);
  }

  /** Takes `count` items off the front segment: its line has had its turn. */
  take(segment: Segment, count: number): void {
    const entry = segment as Entry;
    // To encode arguments runs the user's getters, which may have ended the pool.
    if (this.#entries.get(entry.job)?.has(entry) !== true) return;
    const { line } = entry;
    const { lane } = line;
    segment.from += count;
    this.length -= count;
    lane.passed = 0;
    for (const other of this.#lanes) if (other.priority < lane.priority) other.passed++;
    if (lane.lines.length > 1 && lane.lines[0] === line) lane.lines.push(lane.lines.shift()!);
    if (!isEmpty(entry)) return;
    line.segments.shift();
    this.#forget(entry);
  }

  /** Removes all items of a job, or all there are, and hands them over. */
  remove(job: Job | undefined): Segment[] {
    const removed: Segment[] = [];
    const all = job === undefined ? [...this.#entries.values()] : [this.#entries.get(job) ?? []];
    for (const entries of all) for (const entry of entries) removed.push(this.#cut(entry, entry.from, entry.to));
    return removed;
  }

  /** Removes those of a job's items from `from` to `to` that wait for their first attempt, and hands them over. */
  removeUntried(job: Job, from: number, to: number): Segment[] {
    const removed: Segment[] = [];
    for (const entry of this.#entries.get(job) ?? []) {
      const first = Math.max(from, entry.from);
      const end = Math.min(to, entry.to);
      if (entry.attempt === 1 && first < end) removed.push(this.#cut(entry, first, end));
    }
    return removed;
  }

  /** Removes one item; returns whether it was here. */
  removeItem(job: Job, index: number): boolean {
    for (const entry of this.#entries.get(job) ?? []) {
      if (index < entry.from || index >= entry.to) continue;
      this.#cut(entry, index, index + 1);
      return true;
    }
    return false;
  }

  /** Takes items out of a segment, which may leave nothing of it, or two parts. */
  #cut(entry: Entry, from: number, to: number): Segment {
    const { job, attempt, line } = entry;
    this.length -= to - from;
    if (entry.from < from && to < entry.to) {
      line.segments.insertAfter(entry, this.#enter({ job, from: to, to: entry.to, attempt, line }));
      entry.to = from;
    } else if (entry.from === from) entry.from = to;
    else entry.to = from;
    if (isEmpty(entry)) {
      this.#forget(entry);
      if (line.live * 2 < line.segments.length) line.segments.retain((other) => !isEmpty(other));
    }
    return { job, from, to, attempt };
  }

  #enter(entry: Entry): Entry {
    entry.line.live++;
    const entries = this.#entries.get(entry.job);
    if (entries === undefined) this.#entries.set(entry.job, new Set([entry]));
    else entries.add(entry);
    return entry;
  }

  #forget(entry: Entry): void {
    const { job, line } = entry;
    const entries = this.#entries.get(job);
    entries?.delete(entry);
    if (entries?.size === 0) this.#entries.delete(job);
    if (--line.live > 0) return;
    const { lane } = line;
    lane.byKey.delete(line.key);
    lane.lines.splice(lane.lines.indexOf(line), 1);
    if (lane.lines.length === 0) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
  }

  #line(job: Job): Line {
    const lane = this.#lane(job.terms.priority);
    const key = job.terms.line ?? job;
    const known = lane.byKey.get(key);
    if (known !== undefined) return known;
    const line: Line = { key, lane, segments: new Deque(), live: 0 };
    lane.byKey.set(key, line);
    lane.lines.push(line);
    return line;
  }

  #lane(priority: number): Lane {
    let i = 0;
    while (i < this.#lanes.length && this.#lanes[i]!.priority > priority) i++;
    const found = this.#lanes[i];
    if (found?.priority === priority) return found;
    const lane: Lane = { priority, lines: [], byKey: new Map(), passed: 0 };
    this.#lanes.splice(i, 0, lane);
    return lane;
  }
}

function isEmpty({ from, to }: Segment): boolean {
  return from >= to;
}

/** The first segment of a line that is not empty; those before it are dropped. */
function firstOf({ segments }: Line): Entry | undefined {
  for (let first = segments.first(); first !== undefined; first = segments.first()) {
    if (!isEmpty(first)) return first;
    segments.shift();
  }
  return undefined;
}
