import { types } from 'node:util';
import { FrameTooLargeError, ProtocolError } from '../errors.ts';
import { maxBatchItems } from '../limits.ts';
import type { Decoder } from './decoder.ts';
import { EncodedMessage } from './encoded-message.ts';
import type { Encoder } from './encoder.ts';
import { isInherited, setOwn } from './shape-cache.ts';
import { hasOnly } from './shapes.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/**
 * The values of a batch, packed where they are alike: all numbers, all strings, all primitives, or all tuples or records
 * of such. What is not alike goes as one message each, with its length in front, so that a value that cannot be decoded
 * harms no other.
 */
const Packing = {
  messages: 0,
  ints: 1,
  doubles: 2,
  strings: 3,
  tuples: 4,
  records: 5,
  undefineds: 6,
  mixed: 7,
} as const;

/** The most members of a tuple or record that are packed. */
const maxColumns = 16;

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
  if (packed(encoder, writer, values, from, to)) return undefined;
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

/** Tries to write values without a message for each. A getter that throws is left to the messages, which tell where. */
function packed(encoder: Encoder, writer: Writer, values: ArrayLike<unknown>, from: number, to: number): boolean {
  if (to - from < 2) return false;
  const start = writer.length;
  try {
    const first = values[from];
    if (typeof first !== 'object' || first === null) return primitives(encoder, writer, values, from, to);
    if (Array.isArray(first)) return tuples(encoder, writer, values, from, to, first.length);
    return Object.getPrototypeOf(first) === Object.prototype && records(encoder, writer, values, from, to, first);
  } catch (error) {
    if (error instanceof FrameTooLargeError) throw error;
    writer.length = start;
    return false;
  }
}

/** Values without identity: numbers and strings as such, whatever else there is with a tag each. */
function primitives(encoder: Encoder, writer: Writer, values: ArrayLike<unknown>, from: number, to: number): boolean {
  switch (kindOf(values, from, to)) {
    case Packing.ints:
      writer.u8(Packing.ints);
      for (let i = from; i < to; i++) writer.i32(values[i] as number);
      return true;
    case Packing.doubles:
      writer.u8(Packing.doubles);
      writer.doubles(values as ArrayLike<number>, from, to);
      return true;
    case Packing.strings:
      writer.u8(Packing.strings);
      for (let i = from; i < to; i++) writer.string(values[i] as string);
      return true;
    case Packing.undefineds:
      writer.u8(Packing.undefineds);
      return true;
    default:
      return mixed(encoder, writer, values, from, to);
  }
}

function mixed(encoder: Encoder, writer: Writer, values: ArrayLike<unknown>, from: number, to: number): boolean {
  const start = writer.length;
  writer.u8(Packing.mixed);
  for (let i = from; i < to; i++) {
    if (encoder.primitive(writer, values[i])) continue;
    writer.length = start;
    return false;
  }
  return true;
}

/** The packing that all of the values fit. */
function kindOf(values: ArrayLike<unknown>, from: number, to: number): number {
  const type = typeof values[from];
  let ints = type === 'number';
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (typeof value !== type) return Packing.mixed;
    if (ints && (value !== ((value as number) | 0) || Object.is(value, -0))) ints = false;
  }
  if (type === 'number') return ints ? Packing.ints : Packing.doubles;
  if (type === 'string') return Packing.strings;
  return type === 'undefined' && to - from <= maxBatchItems ? Packing.undefineds : Packing.mixed;
}

/**
 * Tuples and records go column by column, when every column packs: no identity between their members can be lost, as all
 * are primitives.
 */
function tuples(
  encoder: Encoder,
  writer: Writer,
  values: ArrayLike<unknown>,
  from: number,
  to: number,
  arity: number,
): boolean {
  if (arity === 0 || arity > maxColumns) return false;
  const columns = Array.from({ length: arity }, () => new Array<unknown>(to - from));
  for (let i = from; i < to; i++) {
    const tuple = values[i];
    if (!isTuple(tuple, arity)) return false;
    for (let c = 0; c < arity; c++) {
      const member = tuple[c];
      if (!isPackable(member)) return false;
      columns[c]![i - from] = member;
    }
  }
  const start = writer.length;
  writer.u8(Packing.tuples);
  writer.varint(arity);
  return packedColumns(encoder, writer, columns, start);
}

/** A copy of a tuple or record that packs; undefined for anything else. */
export function flatCopy(value: object): object | undefined {
  if (Array.isArray(value))
    return value.length <= maxColumns && isTuple(value, value.length) && value.every(isPackable)
      ? [...value]
      : undefined;
  // Before its keys are asked for: a typed array has as many as it has elements.
  if (Object.getPrototypeOf(value) !== Object.prototype || types.isProxy(value)) return undefined;
  const keys = Object.keys(value);
  if (keys.length > maxColumns || !hasOnly(value, keys)) return undefined;
  let copy: Record<string, unknown>;
  try {
    copy = { ...value };
  } catch {
    // A getter that throws: the message tells where.
    return undefined;
  }
  for (let i = 0; i < keys.length; i++) if (!isPackable(copy[keys[i]!])) return undefined;
  return copy;
}

/** A list with nothing but its members, all of which are there. */
function isTuple(value: unknown, arity: number): value is readonly unknown[] {
  return (
    Array.isArray(value) &&
    value.length === arity &&
    !types.isProxy(value) &&
    Object.getPrototypeOf(value) === Array.prototype &&
    Object.keys(value).length === arity &&
    Object.hasOwn(value, arity - 1) &&
    Object.isExtensible(value)
  );
}

function records(
  encoder: Encoder,
  writer: Writer,
  values: ArrayLike<unknown>,
  from: number,
  to: number,
  first: object,
): boolean {
  const keys = Object.keys(first);
  if (keys.length === 0 || keys.length > maxColumns) return false;
  const columns = keys.map(() => new Array<unknown>(to - from));
  for (let i = from; i < to; i++) {
    const record = values[i];
    if (!isRecord(record, keys)) return false;
    for (let c = 0; c < keys.length; c++) {
      const member = record[keys[c]!];
      if (!isPackable(member)) return false;
      columns[c]![i - from] = member;
    }
  }
  const start = writer.length;
  writer.u8(Packing.records);
  writer.varint(keys.length);
  for (const key of keys) writer.string(key);
  return packedColumns(encoder, writer, columns, start);
}

function isRecord(value: unknown, keys: readonly string[]): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  const own = Object.keys(value);
  if (own.length !== keys.length) return false;
  for (let i = 0; i < own.length; i++) if (own[i] !== keys[i]) return false;
  return hasOnly(value, own);
}

function isPackable(value: unknown): boolean {
  return (typeof value !== 'object' || value === null) && typeof value !== 'function' && typeof value !== 'symbol';
}

function packedColumns(
  encoder: Encoder,
  writer: Writer,
  columns: readonly (readonly unknown[])[],
  start: number,
): boolean {
  for (const column of columns) {
    if (primitives(encoder, writer, column, 0, column.length)) continue;
    writer.length = start;
    return false;
  }
  return true;
}

/** Reads a column of `count` values. A value that cannot be decoded is handed to `fail` and left undefined; `done`: the others. */
export function decodeColumn(
  decoder: Decoder,
  reader: Reader,
  count: number,
  fail: (index: number, error: unknown) => void,
  done?: (index: number) => void,
): unknown[] {
  const packing = reader.u8();
  if (packing !== Packing.messages) return unpack(decoder, reader, packing, count);
  reader.need(count * 4);
  const values = new Array<unknown>(count);
  for (let i = 0; i < count; i++) {
    const length = reader.u32();
    reader.need(length);
    const end = reader.at + length;
    try {
      values[i] = decoder.message(reader);
      done?.(i);
    } catch (error) {
      fail(i, error);
    }
    reader.at = end;
  }
  return values;
}

function unpack(decoder: Decoder, reader: Reader, packing: number, count: number): unknown[] {
  switch (packing) {
    case Packing.tuples: {
      const columns = Array.from({ length: columnCount(reader) }, () =>
        unpackPrimitives(decoder, reader, reader.u8(), count),
      );
      return columns[0]!.map((_, i) => columns.map((column) => column[i]));
    }
    case Packing.records: {
      const keys = Array.from({ length: columnCount(reader) }, () => reader.string());
      const unsafe = keys.some(isInherited);
      const columns = keys.map(() => unpackPrimitives(decoder, reader, reader.u8(), count));
      return columns[0]!.map((_, i) => {
        const record: Record<string, unknown> = {};
        for (let k = 0; k < keys.length; k++) {
          if (unsafe) setOwn(record, keys[k]!, columns[k]![i]);
          else record[keys[k]!] = columns[k]![i];
        }
        return record;
      });
    }
    default:
      return unpackPrimitives(decoder, reader, packing, count);
  }
}

function columnCount(reader: Reader): number {
  const count = reader.varint();
  if (count === 0 || count > maxColumns) throw new ProtocolError(`A batch is packed in ${count} columns.`);
  return count;
}

function unpackPrimitives(decoder: Decoder, reader: Reader, packing: number, count: number): unknown[] {
  switch (packing) {
    case Packing.ints: {
      reader.need(count * 4);
      const values = new Array<unknown>(count);
      for (let i = 0; i < count; i++) values[i] = reader.i32();
      return values;
    }
    case Packing.doubles: {
      reader.need(count * 8);
      const values = new Array<number>(count);
      reader.doubles(values, 0, count);
      return values;
    }
    case Packing.strings: {
      reader.need(count);
      const values = new Array<unknown>(count);
      for (let i = 0; i < count; i++) values[i] = reader.string();
      return values;
    }
    case Packing.mixed: {
      reader.need(count);
      const values = new Array<unknown>(count);
      for (let i = 0; i < count; i++) values[i] = decoder.primitive(reader);
      return values;
    }
    case Packing.undefineds:
      // The only kind whose items take no bytes that would bound their number.
      if (count > maxBatchItems) throw new ProtocolError(`A batch has ${count} items of nothing.`);
      return new Array<unknown>(count).fill(undefined);
    default:
      throw new ProtocolError(`A batch is packed in an unknown way (${packing}).`);
  }
}
