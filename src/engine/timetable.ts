import type { Clock } from './clock.ts';

interface Entry<T> {
  readonly dueMs: number;
  readonly item: T;
}

/** What is due when, in a heap under one timer: 100,000 entries with as many times are one timer of the clock. */
export class Timetable<T> {
  readonly #clock: Clock;
  readonly #due: (items: readonly T[]) => void;
  #heap: Entry<T>[] = [];
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;

  /** @param due - Gets all that is due at one moment, earliest first. */
  constructor(clock: Clock, due: (items: readonly T[]) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.length;
  }

  *items(): Generator<T, undefined> {
    for (const { item } of this.#heap) yield item;
    return undefined;
  }

  add(ms: number, item: T): void {
    const entry = { dueMs: this.#clock.now() + ms, item };
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.dueMs <= entry.dueMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
    this.#arm();
  }

  /** Removes what is not to be kept, and hands it over. */
  sift(keep: (item: T) => boolean): T[] {
    const kept: Entry<T>[] = [];
    const gone: T[] = [];
    for (const entry of this.#heap) {
      if (keep(entry.item)) kept.push(entry);
      else gone.push(entry.item);
    }
    // A sorted list is a heap.
    if (gone.length > 0) this.#heap = kept.toSorted((a, b) => a.dueMs - b.dueMs);
    this.#arm();
    return gone;
  }

  #arm(): void {
    const dueMs = this.#heap[0]?.dueMs;
    if (dueMs !== undefined && this.#timer !== undefined && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (dueMs === undefined) return;
    const ms = Math.max(1, Math.ceil(dueMs - this.#clock.now()));
    this.#timer = { dueMs, cancel: this.#clock.after(ms, () => this.#fire()) };
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const items: T[] = [];
    while (this.#heap[0] !== undefined && this.#heap[0].dueMs <= now) items.push(this.#pop());
    this.#arm();
    if (items.length > 0) this.#due(items);
  }

  #pop(): T {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    const { length } = heap;
    if (length === 0) return first.item;
    let at = 0;
    for (let child = 1; child < length; child = at * 2 + 1) {
      if (child + 1 < length && heap[child + 1]!.dueMs < heap[child]!.dueMs) child++;
      if (last.dueMs <= heap[child]!.dueMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first.item;
  }
}
