/** What is first by `before` is at the top; adding and taking cost as much as the heap is deep. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  #entries: T[] = [];

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  get first(): T | undefined {
    return this.#entries[0];
  }

  /** In no order. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#entries.values();
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#sink(last, 0);
    return first;
  }

  /** Keeps only these entries of its own. */
  keep(entries: readonly T[]): void {
    this.#entries = [...entries];
    for (let at = (this.#entries.length >> 1) - 1; at >= 0; at--) this.#sink(this.#entries[at]!, at);
  }

  /** Finds the place of an entry from `at` downwards. */
  #sink(entry: T, at: number): void {
    const entries = this.#entries;
    const { length } = entries;
    for (let child = at * 2 + 1; child < length; child = at * 2 + 1) {
      if (child + 1 < length && this.#before(entries[child + 1]!, entries[child]!)) child++;
      if (!this.#before(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  }
}
