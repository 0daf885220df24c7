import { ArgumentRangeError, ArgumentTypeError } from '../../errors.ts';
import { type Call, checkItems, checkWhole } from './call.ts';
import { equal } from './equal.ts';
import { type Callback, callbackOf, increase, updateSlot } from './slot.ts';
import { text } from './text.ts';

const maxLength = 2 ** 32 - 1;
/** A list is not made this long by one small message. */
const maxRepeated = 10_000_000;

/** A list. Negative positions count from its end, as in Python. */
export class ListObject {
  #items: unknown[];
  #version = 0;

  constructor(items: unknown = []) {
    this.#items = checkItems('items of a list', items).slice();
  }

  #at(index: unknown, beyond = 0): number {
    const { length } = this.#items;
    const at = checkWhole('index', index, -maxLength, maxLength);
    const place = at < 0 ? at + length : at;
    if (place < 0 || place >= length + beyond)
      throw new ArgumentRangeError(`Cannot use index ${at}: the list has ${length} items.`);
    return place;
  }

  get(_call: Call, index: unknown): unknown {
    return this.#items[this.#at(index)];
  }

  set(_call: Call, index: unknown, value: unknown): void {
    this.#items[this.#at(index)] = value;
    this.#version++;
  }

  append(_call: Call, ...values: unknown[]): void {
    this.#items.push(...values);
    this.#version++;
  }

  extend(_call: Call, values: unknown): void {
    for (const value of checkItems('items of a list', values)) this.#items.push(value);
    this.#version++;
  }

  insert(_call: Call, index: unknown, value: unknown): void {
    // Beyond the ends is at the ends.
    this.#items.splice(checkWhole('index', index, -maxLength, maxLength), 0, value);
    this.#version++;
  }

  pop(_call: Call, index: unknown = -1): unknown {
    this.#version++;
    return this.#items.splice(this.#at(index), 1)[0];
  }

  delete(_call: Call, index: unknown): void {
    this.#items.splice(this.#at(index), 1);
    this.#version++;
  }

  remove(call: Call, value: unknown): void {
    this.#items.splice(this.index(call, value), 1);
    this.#version++;
  }

  index(_call: Call, value: unknown): number {
    const at = this.#items.findIndex((item) => equal(item, value));
    if (at < 0) throw new ArgumentRangeError('The list does not have this value.');
    return at;
  }

  includes(_call: Call, value: unknown): boolean {
    return this.#items.some((item) => equal(item, value));
  }

  count(_call: Call, value: unknown): number {
    return this.#items.filter((item) => equal(item, value)).length;
  }

  reverse(): void {
    this.#items.reverse();
    this.#version++;
  }

  /** Numbers by size, all else by its text, unless the client's function says otherwise. */
  sort(call: Call, descending: unknown, compare: unknown): void | Promise<void> {
    if (compare === undefined) return this.#sort(usualOrder, descending);
    const callback = callbackOf(call, compare);
    const code = call.code!;
    const order = (by: Callback) => (a: unknown, b: unknown) => Number(by(code.reveal(a), code.reveal(b)));
    if (!(callback instanceof Promise)) return this.#sort(order(callback), descending);
    return callback.then((loaded) => this.#sort(order(loaded), descending));
  }

  #sort(order: (a: unknown, b: unknown) => number, descending: unknown): void {
    this.#items = this.#items.toSorted(descending === true ? (a, b) => order(b, a) : order);
    this.#version++;
  }

  clear(): void {
    this.#items = [];
    this.#version++;
  }

  length(): number {
    return this.#items.length;
  }

  slice(_call: Call, start?: unknown, end?: unknown): unknown[] {
    const bound = (at: unknown): number | undefined =>
      at === undefined ? undefined : checkWhole('index', at, -maxLength, maxLength);
    return this.#items.slice(bound(start), bound(end));
  }

  concat(_call: Call, other: unknown): unknown[] {
    return [...this.#items, ...checkItems('items of a list', other)];
  }

  repeat(_call: Call, times: unknown): unknown[] {
    const count = checkWhole('times', times, 0, Math.floor(maxRepeated / Math.max(1, this.#items.length)));
    return Array.from({ length: count }, () => this.#items).flat();
  }

  value(): unknown[] {
    return this.#items;
  }

  incr(_call: Call, index: unknown, by: unknown = 1): number | bigint {
    const at = this.#at(index);
    const value = increase(this.#items[at], by);
    this.#items[at] = value;
    this.#version++;
    return value;
  }

  update(call: Call, index: unknown, fn: unknown): unknown {
    const at = this.#at(index);
    const slot = {
      read: () => this.#items[at],
      write: (value: unknown) => this.set(call, at, value),
      version: () => this.#version,
    };
    return updateSlot(call, slot, fn);
  }

  read(_call: Call, index: unknown): [value: unknown, version: number] {
    return [this.#items[this.#at(index)], this.#version];
  }

  replace(call: Call, index: unknown, version: unknown, value: unknown): boolean {
    if (version !== this.#version) return false;
    this.set(call, index, value);
    return true;
  }

  toString(): string {
    return text(this.#items);
  }
}

function usualOrder(a: unknown, b: unknown): number {
  if (typeof a === typeof b && (typeof a === 'number' || typeof a === 'bigint' || typeof a === 'string'))
    return (a as number) < (b as number) ? -1 : Number((a as number) > (b as number));
  throw new ArgumentTypeError(`Cannot compare ${typeof a} with ${typeof b}: say how, with \`compare\`.`);
}
