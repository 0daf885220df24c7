import { ArgumentRangeError, ArgumentTypeError } from '../../errors.ts';
import { type Call, checkWhole } from './call.ts';
import { DictObject } from './dict.ts';
import { increase, updateSlot } from './slot.ts';
import { text } from './text.ts';

/** One value. Its type code is told in its text and not held to, as in Python. */
export class ValueObject {
  readonly #typecode: string;
  #value: unknown;
  #version = 0;

  constructor(typecode: unknown, value: unknown) {
    if (typeof typecode !== 'string') throw new ArgumentTypeError('Cannot use this type code: expected a string.');
    this.#typecode = typecode;
    this.#value = value;
  }

  get(): unknown {
    return this.#value;
  }

  set(_call: Call, value: unknown): void {
    this.#value = value;
    this.#version++;
  }

  incr(call: Call, by: unknown = 1): number | bigint {
    const value = increase(this.#value, by);
    this.set(call, value);
    return value;
  }

  update(call: Call, fn: unknown): unknown {
    const slot = {
      read: () => this.#value,
      write: (value: unknown) => this.set(call, value),
      version: () => this.#version,
    };
    return updateSlot(call, slot, fn);
  }

  read(): [value: unknown, version: number] {
    return [this.#value, this.#version];
  }

  replace(call: Call, version: unknown, value: unknown): boolean {
    if (version !== this.#version) return false;
    this.set(call, value);
    return true;
  }

  value(): unknown {
    return this.#value;
  }

  toString(): string {
    return `Value(${text(this.#typecode)}, ${text(this.#value)})`;
  }
}

type Numbers = Int32Array | Float64Array;
interface NumbersClass {
  new (length: number): Numbers;
  from(items: ArrayLike<number>): Numbers;
}

/** By our names and by Python's type codes. */
const kinds: Readonly<Record<string, unknown>> = {
  __proto__: null,
  i8: Int8Array,
  b: Int8Array,
  u8: Uint8Array,
  B: Uint8Array,
  i16: Int16Array,
  h: Int16Array,
  u16: Uint16Array,
  H: Uint16Array,
  i32: Int32Array,
  i: Int32Array,
  u32: Uint32Array,
  I: Uint32Array,
  f32: Float32Array,
  f: Float32Array,
  f64: Float64Array,
  d: Float64Array,
};

const maxArrayLength = 16 * 2 ** 20;

/** Numbers of one type, as many as there were at the beginning. */
export class ArrayObject {
  readonly #typecode: string;
  readonly #items: Numbers;
  readonly #isWhole: boolean;

  constructor(typecode: unknown, init: unknown) {
    const kind = typeof typecode === 'string' ? kinds[typecode] : undefined;
    if (kind === undefined)
      throw new ArgumentRangeError(`Cannot use this type code: expected one of ${Object.keys(kinds).join(', ')}.`);
    this.#typecode = typecode as string;
    this.#isWhole = kind !== Float32Array && kind !== Float64Array;
    const Kind = kind as NumbersClass;
    if (Array.isArray(init)) {
      this.#items = new Kind(init.length);
      init.forEach((item, i) => (this.#items[i] = this.#check(item)));
    } else if (ArrayBuffer.isView(init) && 'length' in init) this.#items = Kind.from(init as Numbers);
    else this.#items = new Kind(checkWhole('length', init, 0, maxArrayLength));
  }

  #check(value: unknown): number {
    if (typeof value !== 'number') throw new ArgumentTypeError('Cannot put this into an Array: expected a number.');
    const probe = this.#items.slice(0, 0).constructor as unknown as { of(value: number): Numbers };
    if (this.#isWhole && probe.of(value)[0] !== value)
      throw new ArgumentRangeError(`Cannot put ${value} into an Array of type ${this.#typecode}.`);
    return value;
  }

  #at(index: unknown): number {
    const at = checkWhole('index', index, -maxArrayLength, maxArrayLength);
    const place = at < 0 ? at + this.#items.length : at;
    if (place < 0 || place >= this.#items.length)
      throw new ArgumentRangeError(`Cannot use index ${at}: the Array has ${this.#items.length} items.`);
    return place;
  }

  get(_call: Call, index: unknown): number {
    return this.#items[this.#at(index)]!;
  }

  set(_call: Call, index: unknown, value: unknown): void {
    this.#items[this.#at(index)] = this.#check(value);
  }

  incr(_call: Call, index: unknown, by: unknown = 1): number {
    const at = this.#at(index);
    this.#items[at] = this.#check(increase(this.#items[at], by));
    return this.#items[at];
  }

  length(): number {
    return this.#items.length;
  }

  slice(_call: Call, start?: unknown, end?: unknown): Numbers {
    const bound = (at: unknown): number | undefined =>
      at === undefined ? undefined : checkWhole('index', at, -maxArrayLength, maxArrayLength);
    return this.#items.slice(bound(start), bound(end));
  }

  value(): Numbers {
    return this.#items;
  }

  toString(): string {
    return `array('${this.#typecode}', ${text([...this.#items])})`;
  }
}

/** A namespace is a dict with Python's text for it. */
export class NamespaceObject extends DictObject {
  override toString(): string {
    return `Namespace(${this.items()
      .map(([name, value]) => `${String(name)}=${text(value)}`)
      .join(', ')})`;
  }
}
