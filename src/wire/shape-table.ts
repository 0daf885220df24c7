import { sameKeys } from './shapes.ts';

interface Shape {
  readonly keys: readonly string[];
  readonly number: number;
}

/** Shapes with the same first key that are compared with a new object's; dictionaries would make the search quadratic. */
const maxCompared = 16;

/** The lists of keys that were written in one message. */
export class ShapeTable {
  readonly #byFirstKey = new Map<string, Shape[]>();
  #count = 0;
  #last: Shape | undefined;

  /** The number of these keys, or undefined after they were given the next one. */
  find(keys: readonly string[]): number | undefined {
    if (this.#last !== undefined && sameKeys(this.#last.keys, keys)) return this.#last.number;
    const first = keys.length === 0 ? '' : keys[0]!;
    let alike = this.#byFirstKey.get(first);
    if (alike === undefined) this.#byFirstKey.set(first, (alike = []));
    for (const shape of alike) {
      if (sameKeys(shape.keys, keys)) {
        this.#last = shape;
        return shape.number;
      }
    }
    const shape = { keys, number: this.#count++ };
    if (alike.length < maxCompared) alike.push(shape);
    this.#last = shape;
    return undefined;
  }

  get count(): number {
    return this.#count;
  }

  /** Forgets all but the first `count`: what was written of the others was taken back. */
  truncate(count: number): void {
    if (this.#count === count) return;
    for (const [first, alike] of this.#byFirstKey) {
      const kept = alike.filter(({ number }) => number < count);
      if (kept.length === 0) this.#byFirstKey.delete(first);
      else this.#byFirstKey.set(first, kept);
    }
    this.#count = count;
    this.#last = undefined;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#byFirstKey.clear();
    this.#count = 0;
    this.#last = undefined;
  }
}
