import { inspect } from 'node:util';
import { checkKeys, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, SharedMemoryError } from '../errors.ts';
import { inspectAs } from '../inspection.ts';
import { travelsAs } from '../wire/shared.ts';
import { SharedMemory } from './shared-memory.ts';

/** What an item of a `ShareableList` can be. */
export type Shareable = number | bigint | boolean | string | Uint8Array | null;

/** Refuses other items. A bound of `T` would take the items for all that there can ever be: those of `[1, 2]` for `1 | 2`. */
export type ShareableItems<T> = Iterable<T> & ([T] extends [Shareable] ? unknown : Iterable<Shareable>);

/** How the bytes of a text or bytes slot are meant. */
const Kind = { raw: 0, text: 1, bytes: 2, none: 3 } as const;

const slotBytes = 8;

/**
 * A list of fixed length in shared memory, in the layout of Python's: both languages can attach the same. Python: `multiprocessing.shared_memory.ShareableList`.
 *
 * A slot of text or bytes has the room of its first value, rounded up to more than that by at most 8 bytes; zeros at its end are not kept. An item that is a
 * whole number is read as a number, or as a bigint where a number would not be exact.
 *
 * @example
 * ```ts
 * import { Pool, ShareableList } from 'manycore';
 * await using pool = new Pool(1);
 * const list = new ShareableList(['a', 1, 2.5, true, null]);
 * await pool.apply((shared: ShareableList) => shared.set(1, 42), [list]);
 * console.log(list.get(1), list.at(-1)); // 42 null
 * list.memory.unlink();
 * ```
 */
export class ShareableList<T = Shareable> implements Iterable<T> {
  /** Where it is. Python: `shm`. */
  readonly memory: SharedMemory;
  readonly length: number;
  readonly #view: DataView;

  /**
   * @param items - Its items; undefined attaches the list with the name.
   * @throws ArgumentTypeError for an item that has no place in such a list; SharedMemoryError as `SharedMemory` does.
   */
  constructor(items?: ShareableItems<T>, options: { readonly name?: string } = {}) {
    checkKeys('ShareableList', options, ['name']);
    const { name } = options;
    if (items === undefined) {
      this.memory = new SharedMemory(name === undefined ? {} : { name });
      this.#view = new DataView(this.memory.buffer);
      this.length = this.#storedLength();
      return;
    }
    if (Object(items)[Symbol.iterator] === undefined)
      throw new ArgumentTypeError(`Cannot make a ShareableList of ${show(items)}: expected its items.`);
    const slots = Array.from(items, packed);
    const dataBytes = slots.reduce((sum, { bytes }) => sum + bytes, 0);
    const size = (slots.length + 2) * 8 + dataBytes + slots.length * 9;
    this.memory = new SharedMemory({ create: true, size, ...(name !== undefined && { name }) });
    this.#view = new DataView(this.memory.buffer);
    this.length = slots.length;
    this.#view.setBigInt64(0, BigInt(slots.length), true);
    let offset = 0;
    for (const [i, { bytes }] of slots.entries()) this.#setOffset(i + 1, (offset += bytes));
    // Only now it is known where the formats begin.
    for (const [i, slot] of slots.entries()) this.#write(i, slot);
  }

  #storedLength(): number {
    const { size } = this.memory;
    const length = size < 16 ? -1 : Number(this.#view.getBigInt64(0, true));
    const slotsEnd = (length + 2) * 8;
    if (length >= 0 && slotsEnd <= size) {
      const dataBytes = this.#view.getBigInt64(slotsEnd - 8, true);
      if (dataBytes >= 0n && Number(dataBytes) + slotsEnd + length * 9 <= size) return length;
    }
    throw new SharedMemoryError(`Cannot attach a ShareableList: there is none in ${show(this.memory.name)}.`);
  }

  #setOffset(index: number, offset: number): void {
    this.#view.setBigInt64((index + 1) * 8, BigInt(offset), true);
  }

  #offset(index: number): number {
    return Number(this.#view.getBigInt64((index + 1) * 8, true));
  }

  get #dataStart(): number {
    return (this.length + 2) * 8;
  }

  get #formatStart(): number {
    return this.#dataStart + this.#offset(this.length);
  }

  /** The item at an index from 0 on. Python: `list[i]`. */
  get(index: number): T {
    const i = this.#index(index, 'read');
    const start = this.#dataStart + this.#offset(i);
    const kind = this.#view.getInt8(this.#formatStart + this.length * 8 + i);
    const format = this.#formatAt(i);
    if (kind === Kind.none) return null as T;
    if (format === 'q') return exact(this.#view.getBigInt64(start, true)) as T;
    if (format === 'd') return this.#view.getFloat64(start, true) as T;
    if (format.endsWith('?')) return (this.#view.getUint8(start + 7) !== 0) as T;
    const bytes = this.memory.bytes.slice(start, start + Number.parseInt(format, 10));
    const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
    return (kind === Kind.text ? new TextDecoder().decode(bytes.subarray(0, end)) : bytes.slice(0, end)) as T;
  }

  /** As `get`; negative indices count from the end. Python: `list[-1]`. */
  at(index: number): T {
    return this.get(index < 0 ? index + this.length : index);
  }

  /**
   * Sets an item; its type may be another than before. Python: `list[i] = value`.
   *
   * @throws ArgumentRangeError when there is no such item, or when the text or bytes have no room.
   */
  set(index: number, value: T): void {
    const i = this.#index(index < 0 ? index + this.length : index, 'set');
    const slot = packed(value);
    const room = this.#offset(i + 1) - this.#offset(i);
    if (slot.data.length > room)
      throw new ArgumentRangeError(
        `Cannot set item ${index} of a ShareableList to ${show(value)}: it takes ${slot.data.length} bytes and its slot has ${room}.`,
      );
    // A slot of text keeps its room for longer text later.
    this.#write(i, slot.format.endsWith('s') ? { ...slot, format: `${room}s` } : slot);
  }

  #write(i: number, { data, format, kind }: Slot): void {
    const start = this.#dataStart + this.#offset(i);
    this.memory.bytes.fill(0, start, this.#dataStart + this.#offset(i + 1));
    this.memory.bytes.set(data, start);
    const formats = this.#formatStart;
    this.memory.bytes.fill(0, formats + i * 8, formats + (i + 1) * 8);
    this.memory.bytes.set(new TextEncoder().encode(format), formats + i * 8);
    this.#view.setInt8(formats + this.length * 8 + i, kind);
  }

  #formatAt(i: number): string {
    const start = this.#formatStart + i * 8;
    return new TextDecoder().decode(this.memory.bytes.slice(start, start + 8)).replaceAll('\0', '');
  }

  #index(index: number, verb: string): number {
    if (typeof index !== 'number')
      throw new ArgumentTypeError(`Cannot ${verb} item ${show(index)}: expected a number.`);
    if (Number.isInteger(index) && index >= 0 && index < this.length) return index;
    throw new ArgumentRangeError(`Cannot ${verb} item ${show(index)}: the list has ${this.length} items.`);
  }

  /** How often a value is in it. Python: `count(value)`. */
  count(value: T): number {
    return [...this].filter((item) => same(item, value)).length;
  }

  /**
   * Where a value is first. Python: `index(value)`.
   *
   * @throws ArgumentRangeError when it is not in the list.
   */
  index(value: T): number {
    const at = this.indexOf(value);
    if (at >= 0) return at;
    throw new ArgumentRangeError(`Cannot find ${show(value)}: the ShareableList does not have it.`);
  }

  /** The same, or -1 when it is not in the list. */
  indexOf(value: T): number {
    return [...this].findIndex((item) => same(item, value));
  }

  /** Python's `struct` format of all items. Python: `format`. */
  get format(): string {
    return Array.from({ length: this.length }, (_, i) => this.#formatAt(i)).join('');
  }

  /** A list of its own with the same items, under another name. Python: `ShareableList(list, name=...)`. */
  copy(options: { readonly name?: string } = {}): ShareableList<T> {
    return new ShareableList<T>(this as ShareableItems<T>, options);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
  }
}

inspectAs(
  ShareableList,
  (list: ShareableList) => `ShareableList(${inspect([...list])}, name=${JSON.stringify(list.memory.name)})`,
);

travelsAs(ShareableList, {
  stateOf: (list) => list.memory.name,
  attach: (Class, name: string) => new (Class as unknown as typeof ShareableList)(undefined, { name }),
});

interface Slot {
  readonly data: Uint8Array;
  /** Room in the list. */
  readonly bytes: number;
  readonly format: string;
  readonly kind: number;
}

function packed(value: unknown): Slot {
  const data = new Uint8Array(slotBytes);
  const view = new DataView(data.buffer);
  const fixed = (format: string, kind: number = Kind.raw): Slot => ({ data, bytes: slotBytes, format, kind });
  if (value === null) return fixed('xxxxxx?x', Kind.none);
  if (typeof value === 'boolean') {
    view.setUint8(7, Number(value));
    return fixed('xxxxxxx?');
  }
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
    const whole = BigInt(value as number | bigint);
    if (BigInt.asIntN(64, whole) !== whole)
      throw new ArgumentRangeError(`Cannot put ${show(value)} into a ShareableList: it takes more than 64 bits.`);
    // The sign of -0 is only in a double.
    if (!Object.is(value, -0)) {
      view.setBigInt64(0, whole, true);
      return fixed('q');
    }
  }
  if (typeof value === 'number') {
    view.setFloat64(0, value, true);
    return fixed('d');
  }
  if (typeof value === 'string') return long(new TextEncoder().encode(value), Kind.text);
  if (value instanceof Uint8Array) return long(value, Kind.bytes);
  throw new ArgumentTypeError(
    `Cannot put ${show(value)} into a ShareableList: expected numbers, bigints, booleans, strings, Uint8Arrays and null.`,
  );
}

function long(data: Uint8Array, kind: number): Slot {
  const bytes = slotBytes * (Math.floor(data.length / slotBytes) + 1);
  return { data, bytes, format: `${bytes}s`, kind };
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return a === b;
}
