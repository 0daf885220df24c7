import { ProtocolError } from '../errors.ts';
import type { Decoder } from './decoder.ts';
import { EncodedMessage } from './encoded-message.ts';
import type { Encoder } from './encoder.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/**
 * The values of a batch, packed where they are alike: all numbers, all strings, or all tuples or records of such. What is
 * not alike goes as one message each, with its length in front, so that a value that cannot be decoded harms no other.
 */
const Packing = { messages: 0, ints: 1, doubles: 2, strings: 3, tuples: 4, records: 5, undefineds: 6 } as const;

export interface ColumnFailure {
  /** The index of the value that could not be encoded; those before it were. */
  readonly index: number;
  readonly error: Error;
}

/** Writes `values[from..to)`. Stops at the first value that cannot travel: the caller has written no count yet. */
export function encodeColumn(
  encoder: Encoder,
  writer: Writer,
  values: ArrayLike<unknown>,
  from: number,
  to: number,
  phase: 'args' | 'result',
): ColumnFailure | undefined {
  if (packed(writer, values, from, to)) return undefined;
  writer.u8(Packing.messages);
  for (let i = from; i < to; i++) {
    const start = writer.length;
    writer.u32(0);
    try {
      const value = values[i];
      if (value instanceof EncodedMessage) value.embed(encoder, writer);
      else encoder.message(writer, value, phase);
    } catch (error) {
      writer.length = start;
      return { index: i, error: error as Error };
    }
    writer.u32At(start, writer.length - start - 4);
  }
  return undefined;
}

function packed(writer: Writer, values: ArrayLike<unknown>, from: number, to: number): boolean {
  if (to - from < 2) return false;
  const first = values[from];
  switch (typeof first) {
    case 'number':
      return numbers(writer, values, from, to);
    case 'string':
      return strings(writer, values, from, to);
    case 'undefined':
      for (let i = from; i < to; i++) if (values[i] !== undefined) return false;
      writer.u8(Packing.undefineds);
      return true;
    case 'object':
      if (Array.isArray(first)) return tuples(writer, values, from, to, first.length);
      if (first !== null && Object.getPrototypeOf(first) === Object.prototype)
        return records(writer, values, from, to, first);
      return false;
    default:
      return false;
  }
}

function numbers(writer: Writer, values: ArrayLike<unknown>, from: number, to: number): boolean {
  let ints = true;
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (typeof value !== 'number') return false;
    if (ints && (value !== (value | 0) || Object.is(value, -0))) ints = false;
  }
  if (ints) {
    writer.u8(Packing.ints);
    for (let i = from; i < to; i++) writer.i32(values[i] as number);
  } else {
    writer.u8(Packing.doubles);
    writer.doubles(values as ArrayLike<number>, from, to);
  }
  return true;
}

function strings(writer: Writer, values: ArrayLike<unknown>, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (typeof values[i] !== 'string') return false;
  writer.u8(Packing.strings);
  for (let i = from; i < to; i++) writer.string(values[i] as string);
  return true;
}

/** Tuples column by column, when every column packs: no identity between their members can be lost, all are primitives. */
function tuples(writer: Writer, values: ArrayLike<unknown>, from: number, to: number, arity: number): boolean {
  if (arity === 0 || arity > 16) return false;
  for (let i = from; i < to; i++) {
    const tuple = values[i];
    if (!Array.isArray(tuple) || tuple.length !== arity || !isPrimitive(tuple[0])) return false;
  }
  const start = writer.length;
  writer.u8(Packing.tuples);
  writer.varint(arity);
  const column = new Array<unknown>(to - from);
  for (let c = 0; c < arity; c++) {
    for (let i = from; i < to; i++) column[i - from] = (values[i] as unknown[])[c];
    if (!primitiveColumn(writer, column)) {
      writer.length = start;
      return false;
    }
  }
  return true;
}

function records(writer: Writer, values: ArrayLike<unknown>, from: number, to: number, first: object): boolean {
  const keys = Object.keys(first);
  if (keys.length === 0 || keys.length > 16 || keys.includes('__proto__')) return false;
  for (let i = from; i < to; i++) if (!isRecord(values[i], keys)) return false;
  const start = writer.length;
  writer.u8(Packing.records);
  writer.varint(keys.length);
  for (const key of keys) writer.string(key);
  const column = new Array<unknown>(to - from);
  for (const key of keys) {
    for (let i = from; i < to; i++) column[i - from] = (values[i] as Record<string, unknown>)[key];
    if (!primitiveColumn(writer, column)) {
      writer.length = start;
      return false;
    }
  }
  return true;
}

function isRecord(value: unknown, keys: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  const own = Reflect.ownKeys(value);
  if (own.length !== keys.length || !Object.isExtensible(value)) return false;
  for (let i = 0; i < own.length; i++) {
    if (own[i] !== keys[i]) return false;
    const descriptor = Object.getOwnPropertyDescriptor(value, keys[i]!)!;
    if (!('value' in descriptor) || !descriptor.enumerable || !isPrimitive(descriptor.value)) return false;
  }
  return true;
}

function isPrimitive(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || value === undefined;
}

function primitiveColumn(writer: Writer, column: readonly unknown[]): boolean {
  const first = column[0];
  return isPrimitive(first) && packed(writer, column, 0, column.length);
}

/** Reads a column of `count` values. A value that cannot be decoded is handed to `fail` and left undefined. */
export function decodeColumn(
  decoder: Decoder,
  reader: Reader,
  count: number,
  fail: (index: number, error: unknown) => void,
): unknown[] {
  const packing = reader.u8();
  if (packing !== Packing.messages) return unpack(reader, packing, count);
  reader.need(count * 4);
  const values = new Array<unknown>(count);
  for (let i = 0; i < count; i++) {
    const length = reader.u32();
    reader.need(length);
    const end = reader.at + length;
    try {
      values[i] = decoder.message(reader);
    } catch (error) {
      decoder.reset();
      fail(i, error);
    }
    reader.at = end;
  }
  return values;
}

function unpack(reader: Reader, packing: number, count: number): unknown[] {
  const values = new Array<unknown>(count);
  switch (packing) {
    case Packing.ints:
      reader.need(count * 4);
      for (let i = 0; i < count; i++) values[i] = reader.i32();
      return values;
    case Packing.doubles:
      reader.doubles(values as number[], 0, count);
      return values;
    case Packing.strings:
      reader.need(count);
      for (let i = 0; i < count; i++) values[i] = reader.string();
      return values;
    case Packing.undefineds:
      return values.fill(undefined);
    case Packing.tuples: {
      const columns = Array.from({ length: reader.count(1) }, () => unpack(reader, reader.u8(), count));
      for (let i = 0; i < count; i++) values[i] = columns.map((column) => column[i]);
      return values;
    }
    case Packing.records: {
      const keys = Array.from({ length: reader.count(1) }, () => reader.string());
      const columns = keys.map(() => unpack(reader, reader.u8(), count));
      for (let i = 0; i < count; i++) {
        const record: Record<string, unknown> = {};
        for (let k = 0; k < keys.length; k++) record[keys[k]!] = columns[k]![i];
        values[i] = record;
      }
      return values;
    }
    default:
      throw new ProtocolError(`A batch is packed in an unknown way (${packing}).`);
  }
}
