import { ArgumentRangeError } from '../../errors.ts';
import { type Call, checkItems } from './call.ts';
import { Front } from './front.ts';
import { tokenOf } from './keys.ts';
import { text } from './text.ts';

/** A set of data. */
export class SetObject {
  readonly #items = new Map<unknown, unknown>();
  readonly #front = new Front(this.#items);

  constructor(items: unknown = []) {
    this.#add(items);
  }

  #add(items: unknown): void {
    for (const item of checkItems('members of a set', items)) this.#items.set(tokenOf(item), item);
  }

  add(_call: Call, ...items: unknown[]): void {
    this.#add(items);
  }

  /** Whether it was there. */
  delete(_call: Call, item: unknown): boolean {
    return this.#items.delete(tokenOf(item));
  }

  has(_call: Call, item: unknown): boolean {
    return this.#items.has(tokenOf(item));
  }

  pop(): unknown {
    if (this.#items.size === 0) throw new ArgumentRangeError('Cannot pop from the set: it is empty.');
    const token = this.#front.get();
    const item = this.#items.get(token);
    this.#items.delete(token);
    return item;
  }

  clear(): void {
    this.#items.clear();
  }

  size(): number {
    return this.#items.size;
  }

  value(): Set<unknown> {
    return new Set(this.#items.values());
  }

  /** In place. */
  update(_call: Call, other: unknown): void {
    this.#add(other);
  }

  union(_call: Call, other: unknown): Set<unknown> {
    const all = new SetObject(this.value());
    all.#add(other);
    return all.value();
  }

  intersection(_call: Call, other: unknown): Set<unknown> {
    return this.#those(new SetObject(other), true);
  }

  difference(_call: Call, other: unknown): Set<unknown> {
    return this.#those(new SetObject(other), false);
  }

  symmetricDifference(_call: Call, other: unknown): Set<unknown> {
    const theirs = new SetObject(other);
    return new Set([...this.#those(theirs, false), ...theirs.#those(this, false)]);
  }

  #those(other: SetObject, inBoth: boolean): Set<unknown> {
    return new Set([...this.#items].filter(([token]) => other.#items.has(token) === inBoth).map(([, item]) => item));
  }

  isSubsetOf(_call: Call, other: unknown): boolean {
    return this.#those(new SetObject(other), false).size === 0;
  }

  isSupersetOf(_call: Call, other: unknown): boolean {
    return new SetObject(other).#those(this, false).size === 0;
  }

  isDisjointFrom(_call: Call, other: unknown): boolean {
    return this.#those(new SetObject(other), true).size === 0;
  }

  toString(): string {
    return text(this.value());
  }
}
