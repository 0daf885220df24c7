import { ArgumentRangeError, ArgumentTypeError, InvalidStateError } from '../../errors.ts';
import type { Call } from './call.ts';
import { checkItems, checkWhole } from './call.ts';
import { isToken, tokenOf } from './keys.ts';
import { increase, type Slot, updateSlot } from './slot.ts';
import { text } from './text.ts';

const maxPage = 65_536;

interface Page {
  readonly end: number;
  readonly shape: number;
  readonly entries: IterableIterator<[unknown, unknown]>;
}

/** A Map whose keys are data; its order is that of insertion. Also what a namespace is. */
export class DictObject {
  readonly #items = new Map<unknown, unknown>();
  /** The keys that are not their own token. */
  readonly #keys = new Map<unknown, unknown>();
  /** When the values were written that somebody is about to replace. */
  readonly #versions = new Map<unknown, number>();
  #version = 0;
  /** Changes when keys come and go. */
  #shape = 0;
  /** Where the last page ended. */
  #page: Page | undefined;
  /** The keys, with some that have gone: from when the last one was asked for first. */
  #stack: unknown[] | undefined;

  constructor(entries?: unknown) {
    if (entries !== undefined) this.#assign(entries);
  }

  get(_call: Call, key: unknown, fallback?: unknown): unknown {
    const token = tokenOf(key);
    const value = this.#items.get(token);
    return value === undefined && !this.#items.has(token) ? fallback : value;
  }

  set(_call: Call, key: unknown, value: unknown): void {
    this.#set(tokenOf(key), key, value);
  }

  #set(token: unknown, key: unknown, value: unknown): void {
    const { size } = this.#items;
    this.#items.set(token, value);
    if (this.#items.size !== size) {
      this.#shape++;
      // With more that have gone than are there it is of no use.
      if (this.#stack !== undefined && this.#stack.push(token) > 2 * size + 1_000) this.#stack = undefined;
      if (isToken(token)) this.#keys.set(token, key);
    }
    if (this.#versions.size > 0) this.#touch(token);
  }

  #touch(token: unknown): void {
    if (this.#versions.has(token)) this.#versions.set(token, ++this.#version);
  }

  #delete(token: unknown): boolean {
    if (!this.#items.delete(token)) return false;
    this.#shape++;
    this.#keys.delete(token);
    this.#touch(token);
    return true;
  }

  #keyOf(token: unknown): unknown {
    return isToken(token) ? this.#keys.get(token) : token;
  }

  #assign(entries: unknown): void {
    for (const [key, value] of entriesOf(entries)) this.#set(tokenOf(key), key, value);
  }

  assign(_call: Call, entries: unknown): void {
    this.#assign(entries);
  }

  has(_call: Call, key: unknown): boolean {
    return this.#items.has(tokenOf(key));
  }

  delete(_call: Call, key: unknown): boolean {
    return this.#delete(tokenOf(key));
  }

  pop(_call: Call, key: unknown, ...fallback: unknown[]): unknown {
    const token = tokenOf(key);
    if (!this.#items.has(token)) {
      if (fallback.length > 0) return fallback[0];
      throw new ArgumentRangeError('Cannot pop from the dict: it has no such key.');
    }
    const value = this.#items.get(token);
    this.#delete(token);
    return value;
  }

  /** The item that came last. */
  popItem(): [unknown, unknown] {
    if (this.#items.size === 0) throw new ArgumentRangeError('Cannot pop from the dict: it is empty.');
    this.#stack ??= [...this.#items.keys()];
    let last: unknown = this.#stack.pop();
    while (!this.#items.has(last)) last = this.#stack.pop();
    const item: [unknown, unknown] = [this.#keyOf(last), this.#items.get(last)];
    this.#delete(last);
    return item;
  }

  setDefault(_call: Call, key: unknown, value: unknown): unknown {
    const token = tokenOf(key);
    if (!this.#items.has(token)) this.#set(token, key, value);
    return this.#items.get(token);
  }

  keys(): unknown[] {
    return Array.from(this.#items.keys(), (token) => this.#keyOf(token));
  }

  values(): unknown[] {
    return [...this.#items.values()];
  }

  items(): [unknown, unknown][] {
    return Array.from(this.#items, ([token, value]) => [this.#keyOf(token), value]);
  }

  clear(): void {
    if (this.#items.size > 0) this.#shape++;
    this.#items.clear();
    this.#keys.clear();
    this.#stack = undefined;
    for (const token of this.#versions.keys()) this.#touch(token);
  }

  size(): number {
    return this.#items.size;
  }

  value(): Map<unknown, unknown> {
    return new Map(this.items());
  }

  incr(_call: Call, key: unknown, by: unknown = 1): number | bigint {
    const token = tokenOf(key);
    const value = increase(this.#items.get(token), by);
    this.#set(token, key, value);
    return value;
  }

  /** Runs the client's function here. */
  update(call: Call, key: unknown, fn: unknown): unknown {
    return updateSlot(call, this.#slot(tokenOf(key), key), fn);
  }

  #slot(token: unknown, key: unknown): Slot {
    return {
      read: () => this.#items.get(token),
      write: (value) => this.#set(token, key, value),
      version: () => this.#watch(token),
    };
  }

  #watch(token: unknown): number {
    const known = this.#versions.get(token);
    if (known !== undefined) return known;
    // What was watched and is forgotten has another version from now on: whoever asked before tries again.
    if (this.#versions.size > 2 * this.#items.size + 1_000) this.#versions.clear();
    this.#versions.set(token, ++this.#version);
    return this.#version;
  }

  /** A value, and what to say to replace it only if it is still there. */
  read(_call: Call, key: unknown): [value: unknown, version: number] {
    const token = tokenOf(key);
    return [this.#items.get(token), this.#watch(token)];
  }

  replace(_call: Call, key: unknown, version: unknown, value: unknown): boolean {
    const token = tokenOf(key);
    if (this.#versions.get(token) !== version) return false;
    this.#set(token, key, value);
    return true;
  }

  /** Some items, and what to say to go on; an error when keys came or went since. */
  page(_call: Call, from: unknown, count: unknown, shape: unknown): [shape: number, ...items: [unknown, unknown][]] {
    if (shape !== undefined && shape !== this.#shape)
      throw new InvalidStateError('The dict has changed its size during the iteration.');
    const first = checkWhole('position', from, 0, Number.MAX_SAFE_INTEGER);
    const most = checkWhole('count', count, 1, maxPage);
    const entries = this.#entriesFrom(first);
    const items: [unknown, unknown][] = [];
    for (let next = entries.next(); next.done !== true; next = entries.next()) {
      const [token, value] = next.value;
      items.push([this.#keyOf(token), value]);
      if (items.length === most) break;
    }
    this.#page = { end: first + items.length, shape: this.#shape, entries };
    return [this.#shape, ...items];
  }

  /** Who goes through a dict asks for one page behind the other. */
  #entriesFrom(first: number): IterableIterator<[unknown, unknown]> {
    const page = this.#page;
    if (page !== undefined && page.end === first && page.shape === this.#shape) return page.entries;
    const entries = this.#items.entries();
    for (let at = 0; at < first && entries.next().done !== true; at++);
    return entries;
  }

  union(_call: Call, other: unknown): Map<unknown, unknown> {
    const all = new DictObject(this.value());
    all.#assign(other);
    return all.value();
  }

  toString(): string {
    return text(this.value());
  }
}

/** Of a Map, a record, another dict or a list of pairs. */
function entriesOf(entries: unknown): Iterable<readonly [unknown, unknown]> {
  if (entries instanceof Map) return entries as Map<unknown, unknown>;
  if (Array.isArray(entries)) {
    return checkItems('items of a dict', entries).map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2)
        throw new ArgumentTypeError('Cannot make a dict of this: expected pairs of key and value.');
      return pair as [unknown, unknown];
    });
  }
  if (typeof entries === 'object' && entries !== null && Object.getPrototypeOf(entries) === Object.prototype)
    return Object.entries(entries);
  throw new ArgumentTypeError('Cannot make a dict of this: expected a Map, an object or pairs of key and value.');
}
