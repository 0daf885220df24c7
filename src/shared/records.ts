import { show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import type { Block } from '../memory/block.ts';
import { add, checkAll, compareExchange, type ElementArray, exchange, load, store } from './atomic.ts';
import { blockFor } from './in-block.ts';
import { type ArrayOf, constructorOf, type ElementOf, type TypeCode } from './type-codes.ts';

/** The fields of a structure: the type of each, or the type and how many for an array. */
export type StructFields = Readonly<Record<string, TypeCode | readonly [code: TypeCode, length: number]>>;

/** What is read and written as an object: numbers, bigints, and typed arrays over the memory itself. */
export type StructOf<F extends StructFields> = {
  -readonly [K in keyof F]: F[K] extends TypeCode
    ? ElementOf<F[K]>
    : F[K] extends readonly [infer C extends TypeCode, number]
      ? ArrayOf<C>
      : never;
};

/** What fields can be set to; those that are not named stay. */
export type StructInit<F extends StructFields> = {
  readonly [K in keyof F]?: F[K] extends TypeCode
    ? ElementOf<F[K]>
    : F[K] extends readonly [infer C extends TypeCode, number]
      ? ArrayLike<ElementOf<C>> | (C extends 'c' ? string : never)
      : never;
};

/** The names of the fields that are one number. */
export type NumberField<F extends StructFields> = {
  [K in keyof F]: F[K] extends TypeCode ? K : never;
}[keyof F] &
  string;

/** What a number field holds. */
export type FieldValue<F extends StructFields, K extends keyof F> = F[K] extends TypeCode
  ? ElementOf<F[K]> & (number | bigint)
  : never;

interface Place {
  readonly code: TypeCode;
  /** Undefined: one number. */
  readonly length: number | undefined;
  readonly offset: number;
  /** Over all records, to read a number without a view of its own. */
  readonly elements: ElementArray;
}

/** Records of the same fields, one behind the other, as C and Python's ctypes lay them out. */
export class Records<F extends StructFields> {
  readonly fields: F;
  readonly block: Block;
  readonly length: number;
  readonly #places = new Map<string, Place>();
  readonly #bytes: number;

  /** @param Class - Whose records they are: see `blockFor`. */
  constructor(fields: F, length: number, Class: unknown) {
    const { offsets, bytes } = layoutOf(fields);
    if (!Number.isSafeInteger(length) || length < 0)
      throw new ArgumentRangeError(`Cannot make ${show(length)} records: expected a whole number of at least 0.`);
    this.fields = fields;
    this.length = length;
    this.#bytes = bytes;
    this.block = blockFor(bytes * length, Class);
    const { buffer } = this.block;
    for (const [name, field] of Object.entries(fields)) {
      const [code, count] = typeof field === 'string' ? [field] : field;
      const Elements = constructorOf(code);
      const elements = new Elements(buffer, 0, Math.floor(buffer.byteLength / Elements.BYTES_PER_ELEMENT));
      this.#places.set(name, { code, length: count, offset: offsets.get(name)!, elements });
    }
  }

  /** An object of accessors over one record. */
  at(index: number): StructOf<F> {
    const record = this.index(index);
    // A plain object: sent to somebody else, it is the values.
    const object = {};
    for (const [name, place] of this.#places) {
      const array = place.length === undefined ? undefined : this.#array(place, record);
      Object.defineProperty(object, name, {
        enumerable: true,
        get: () => array ?? load(place.elements, this.#element(place, record)),
        set: (value: unknown): void => {
          this.#write(name, place, record, value);
        },
      });
    }
    return object as StructOf<F>;
  }

  set(index: number, values: StructInit<F>): void {
    const record = this.index(index);
    if (typeof values !== 'object' || values === null)
      throw new ArgumentTypeError(`Cannot set fields to ${show(values)}: expected an object of fields.`);
    for (const name of Object.keys(values)) this.#place(name);
    for (const [name, value] of Object.entries(values)) this.#write(name, this.#place(name), record, value);
  }

  add(index: number, field: string, value: number | bigint): number | bigint {
    const { elements, at } = this.#number(index, field);
    return add(elements, at, value);
  }

  exchange(index: number, field: string, value: number | bigint): number | bigint {
    const { elements, at } = this.#number(index, field);
    return exchange(elements, at, value);
  }

  compareExchange(index: number, field: string, expected: number | bigint, value: number | bigint): number | bigint {
    const { elements, at } = this.#number(index, field);
    return compareExchange(elements, at, expected, value);
  }

  /** The same fields and values in memory of their own. */
  copyTo(other: Records<F>): void {
    new Uint8Array(other.block.buffer).set(new Uint8Array(this.block.buffer));
  }

  index(index: number): number {
    const at = index < 0 ? index + this.length : index;
    if (Number.isInteger(at) && at >= 0 && at < this.length) return at;
    throw new ArgumentRangeError(`Cannot use index ${show(index)}: there are ${this.length} records.`);
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place !== undefined) return place;
    throw new ArgumentTypeError(
      `Cannot use field ${show(name)}: the fields are ${[...this.#places.keys()].join(', ')}.`,
    );
  }

  #number(index: number, name: string): { readonly elements: ElementArray; readonly at: number } {
    const place = this.#place(name);
    if (place.length !== undefined)
      throw new ArgumentTypeError(`Cannot change field ${show(name)} in one step: it is an array.`);
    return { elements: place.elements, at: this.#element(place, this.index(index)) };
  }

  #element({ offset, elements }: Place, record: number): number {
    return (record * this.#bytes + offset) / elements.BYTES_PER_ELEMENT;
  }

  #array({ code, length, offset }: Place, record: number): ElementArray {
    return new (constructorOf(code))(this.block.buffer, record * this.#bytes + offset, length!);
  }

  #write(name: string, place: Place, record: number, value: unknown): void {
    if (place.length === undefined) {
      store(place.elements, this.#element(place, record), value as number);
      return;
    }
    const items = place.code === 'c' && typeof value === 'string' ? Buffer.from(value) : (value as ArrayLike<number>);
    if (typeof items !== 'object' || items === null || !(items.length <= place.length))
      throw new ArgumentRangeError(`Cannot set field ${show(name)}: expected at most ${place.length} elements.`);
    const array = this.#array(place, record) as Int32Array;
    checkAll(array, items);
    // It may be the array itself.
    array.set(items);
    array.fill((items.length < array.length && typeof array[0] === 'bigint' ? 0n : 0) as number, items.length);
  }
}

interface StructLayout {
  readonly offsets: ReadonlyMap<string, number>;
  readonly bytes: number;
}

function layoutOf(fields: StructFields): StructLayout {
  if (typeof fields !== 'object' || fields === null || Object.keys(fields).length === 0)
    throw new ArgumentTypeError(`Cannot use fields ${show(fields)}: expected an object of names and types.`);
  const offsets = new Map<string, number>();
  let end = 0;
  let alignment = 1;
  for (const [name, field] of Object.entries(fields)) {
    const [code, length = 1] = Array.isArray(field) ? (field as [TypeCode, number]) : [field as TypeCode];
    const { BYTES_PER_ELEMENT: bytes } = constructorOf(code);
    if (!Number.isSafeInteger(length) || length < 1)
      throw new ArgumentRangeError(`Cannot use length ${show(length)} for field ${show(name)}: expected at least 1.`);
    const offset = Math.ceil(end / bytes) * bytes;
    offsets.set(name, offset);
    end = offset + bytes * length;
    alignment = Math.max(alignment, bytes);
  }
  return { offsets, bytes: Math.ceil(end / alignment) * alignment };
}
