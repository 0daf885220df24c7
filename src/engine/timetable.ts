import type { Clock } from './clock.ts';
import { Heap } from './heap.ts';

interface Entry<T> {
  readonly dueMs: number;
  readonly item: T;
}

/** What is due when, in a heap under one timer: 100,000 entries with as many times are one timer of the clock. */
export class Timetable<T> {
  readonly #clock: Clock;
  readonly #due: (items: readonly T[]) => void;
  readonly #heap = new Heap<Entry<T>>((a, b) => a.dueMs < b.dueMs);
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;

  /** @param due - Gets all that is due at one moment, earliest first. */
  constructor(clock: Clock, due: (items: readonly T[]) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.size;
  }

  *items(): Generator<T, undefined> {
    for (const { item } of this.#heap) yield item;
    return undefined;
  }

  add(ms: number, item: T): void {
    this.#heap.push({ dueMs: this.#clock.now() + ms, item });
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
    if (gone.length > 0) this.#heap.keep(kept);
    this.#arm();
    return gone;
  }

  #arm(): void {
    const first = this.#heap.first?.dueMs;
    const dueMs = first === Infinity ? undefined : first;
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
    for (let next = this.#heap.first; next !== undefined && next.dueMs <= now; next = this.#heap.first) {
      this.#heap.pop();
      items.push(next.item);
    }
    this.#arm();
    if (items.length > 0) this.#due(items);
  }
}
