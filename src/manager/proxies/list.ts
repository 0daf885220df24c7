import { toList } from '../../arguments.ts';
import { iterationChunk } from '../../limits.ts';
import { BaseProxy, standFor, updateRemotely } from './base.ts';

/** How a list is sorted. */
export interface SortOptions<T> {
  readonly reverse?: boolean;
  /** As in `Array.prototype.sort`. Needs a server that takes code. Default: numbers by size, strings by their units. */
  readonly compare?: (a: T, b: T) => number;
}

/** A list in a manager's server. Negative positions count from its end. Python: `ListProxy`. */
export class ListProxy<T = unknown> extends BaseProxy {
  /** The item at a position. Python: `l[i]`. @throws ArgumentRangeError when there is none. */
  get(index: number): Promise<T> {
    return this.callMethod('get', [index]) as Promise<T>;
  }

  /** Replaces the item at a position. Python: `l[i] = value`. */
  set(index: number, value: T): Promise<void> {
    return this.callMethod('set', [index, value]) as Promise<void>;
  }

  append(...values: readonly T[]): Promise<void> {
    return this.callMethod('append', values) as Promise<void>;
  }

  extend(values: Iterable<T>): Promise<void> {
    return this.callMethod('extend', [toList('the items of a list', values)]) as Promise<void>;
  }

  insert(index: number, value: T): Promise<void> {
    return this.callMethod('insert', [index, value]) as Promise<void>;
  }

  /** Removes an item, the last one by default, and gives it. */
  pop(index?: number): Promise<T> {
    return this.callMethod('pop', [index]) as Promise<T>;
  }

  /** Removes the item at a position. Python: `del l[i]`. */
  delete(index: number): Promise<void> {
    return this.callMethod('delete', [index]) as Promise<void>;
  }

  /** Removes the first item that equals a value, by its contents. @throws ArgumentRangeError when there is none. */
  remove(value: T): Promise<void> {
    return this.callMethod('remove', [value]) as Promise<void>;
  }

  /** Where a value is. @throws ArgumentRangeError when it is not there. */
  index(value: T): Promise<number> {
    return this.callMethod('index', [value]) as Promise<number>;
  }

  includes(value: T): Promise<boolean> {
    return this.callMethod('includes', [value]) as Promise<boolean>;
  }

  count(value: T): Promise<number> {
    return this.callMethod('count', [value]) as Promise<number>;
  }

  /** In place. */
  reverse(): Promise<void> {
    return this.callMethod('reverse') as Promise<void>;
  }

  /** In place. */
  sort({ reverse, compare }: SortOptions<T> = {}): Promise<void> {
    return this.callMethod('sort', [reverse, compare]) as Promise<void>;
  }

  clear(): Promise<void> {
    return this.callMethod('clear') as Promise<void>;
  }

  /** How many items there are. Python: `len(l)`. */
  length(): Promise<number> {
    return this.callMethod('length') as Promise<number>;
  }

  /** A part, as an array. Python: `l[start:end]`. */
  slice(start?: number, end?: number): Promise<T[]> {
    return this.callMethod('slice', [start, end]) as Promise<T[]>;
  }

  /** Its items and others, as an array. Python: `l + other`. */
  concat(other: Iterable<T>): Promise<T[]> {
    return this.callMethod('concat', [toList('the items of a list', other)]) as Promise<T[]>;
  }

  /** Its items several times, as an array. Python: `l * n`. */
  repeat(times: number): Promise<T[]> {
    return this.callMethod('repeat', [times]) as Promise<T[]>;
  }

  /** Changes an item in one step: see `DictProxy.update`. */
  update(index: number, fn: (value: T) => T | Promise<T>): Promise<T> {
    return updateRemotely(this, [index], fn) as Promise<T>;
  }

  /** Adds to an item that is a number, in one step. Gives the sum. */
  incr(index: number, by?: T): Promise<T> {
    return this.callMethod('incr', [index, by]) as Promise<T>;
  }

  /** A copy, as an array; shared objects in it are proxies. Python: `l._getvalue()`. */
  value(): Promise<T[]> {
    return this.callMethod('value') as Promise<T[]>;
  }

  /** Its items by position: what is appended meanwhile comes too. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let at = 0; ;) {
      const items = await this.slice(at, at + iterationChunk);
      if (items.length === 0) return;
      yield* items;
      at += items.length;
    }
  }
}

/** A set in a manager's server; its members are data and told by their contents. Python: `SetProxy`. */
export class SetProxy<T = unknown> extends BaseProxy {
  add(...items: readonly T[]): Promise<void> {
    return this.callMethod('add', items) as Promise<void>;
  }

  /** Removes a member; whether it was there. Python: `discard`. */
  delete(item: T): Promise<boolean> {
    return this.callMethod('delete', [item]) as Promise<boolean>;
  }

  has(item: T): Promise<boolean> {
    return this.callMethod('has', [item]) as Promise<boolean>;
  }

  /** Removes some member and gives it. @throws ArgumentRangeError when the set is empty. */
  pop(): Promise<T> {
    return this.callMethod('pop') as Promise<T>;
  }

  clear(): Promise<void> {
    return this.callMethod('clear') as Promise<void>;
  }

  size(): Promise<number> {
    return this.callMethod('size') as Promise<number>;
  }

  /** Adds all of another set, in place. Python: `s |= other`. */
  update(other: Iterable<T>): Promise<void> {
    return this.callMethod('update', [operand(other)]) as Promise<void>;
  }

  union(other: Iterable<T>): Promise<Set<T>> {
    return this.callMethod('union', [operand(other)]) as Promise<Set<T>>;
  }

  intersection(other: Iterable<T>): Promise<Set<T>> {
    return this.callMethod('intersection', [operand(other)]) as Promise<Set<T>>;
  }

  difference(other: Iterable<T>): Promise<Set<T>> {
    return this.callMethod('difference', [operand(other)]) as Promise<Set<T>>;
  }

  symmetricDifference(other: Iterable<T>): Promise<Set<T>> {
    return this.callMethod('symmetricDifference', [operand(other)]) as Promise<Set<T>>;
  }

  isSubsetOf(other: Iterable<T>): Promise<boolean> {
    return this.callMethod('isSubsetOf', [operand(other)]) as Promise<boolean>;
  }

  isSupersetOf(other: Iterable<T>): Promise<boolean> {
    return this.callMethod('isSupersetOf', [operand(other)]) as Promise<boolean>;
  }

  isDisjointFrom(other: Iterable<T>): Promise<boolean> {
    return this.callMethod('isDisjointFrom', [operand(other)]) as Promise<boolean>;
  }

  /** A copy, as a Set. */
  value(): Promise<Set<T>> {
    return this.callMethod('value') as Promise<Set<T>>;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.value();
  }
}

/** What is no iterable is refused by the server, as a wrong operand. */
function operand(other: unknown): unknown {
  return typeof other === 'object' && other !== null && Symbol.iterator in other && !(other instanceof Set)
    ? [...(other as Iterable<unknown>)]
    : other;
}

standFor('list', ListProxy);
standFor('set', SetProxy);
