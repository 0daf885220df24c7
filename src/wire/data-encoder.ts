import { types } from 'node:util';
import { FrameTooLargeError } from '../errors.ts';
import { maxBigIntDigits, maxDataDepth, maxTakenBack } from '../limits.ts';
import { DataTag } from './data-tags.ts';
import { domException, errorKind } from './error-kinds.ts';
import { MapKey, Path, setValues } from './path.ts';
import { hasAccessor, isTwin } from './shapes.ts';
import { ShapeTable } from './shape-table.ts';
import { viewNames } from './tags.ts';
import { article, locate, unsendable } from './unsendable.ts';
import type { Writer } from './writer.ts';

/** What the layer above can write that is no data: true when it has written `value`, tag and all. */
export type SpecialWriter = (value: object, encoder: DataEncoder) => boolean;

export interface DataEncoderOptions {
  readonly special?: SpecialWriter;
  /** What was written from here on is taken back, with what `special` wrote. */
  readonly takeBack?: (length: number) => void;
  /** How long the message of an error may be; four times that, its stack. */
  readonly maxErrorText?: number;
  /** Whether errors say where they were thrown. Default true. */
  readonly stacks?: boolean;
}

/**
 * Writes data and nothing else: what the other side makes of it can be called by nobody. Within one message identity and
 * cycles are kept. A value that is no data is refused with the path to it.
 */
export class DataEncoder {
  writer!: Writer;
  readonly #path = new Path();
  readonly #special: SpecialWriter | undefined;
  readonly #takeBack: ((length: number) => void) | undefined;
  readonly #maxErrorText: number;
  readonly #stacks: boolean;
  readonly #memo = new Map<object, number>();
  readonly #shapes = new ShapeTable();
  #depth = 0;
  /** What was written in vain, of fields of errors. */
  #takenBack = 0;
  /** How many values were written, as a decoder charges them. Whoever needs it sets it back. */
  values = 0;

  constructor({ special, takeBack, maxErrorText = Infinity, stacks = true }: DataEncoderOptions = {}) {
    this.#special = special;
    this.#takeBack = takeBack;
    this.#maxErrorText = maxErrorText;
    this.#stacks = stacks;
  }

  /** Encodes one value. On failure nothing of it stays behind. */
  message(writer: Writer, value: unknown, phase: 'args' | 'result' = 'args'): void {
    const { length } = writer;
    this.writer = writer;
    this.values++;
    if (typeof value !== 'bigint' && this.#primitive(value)) return;
    try {
      this.value(value);
    } catch (error) {
      writer.length = length;
      this.#takeBack?.(length);
      throw locate(error, this.#path, phase);
    } finally {
      if (this.#memo.size > 0) this.#memo.clear();
      this.#shapes.clear();
      this.#path.clear();
      this.#depth = 0;
      this.#takenBack = 0;
    }
  }

  #primitive(value: unknown): boolean {
    const { writer } = this;
    switch (typeof value) {
      case 'number':
        if (value === (value | 0) && (value !== 0 || Object.is(value, 0))) {
          writer.u8(value < 0 ? DataTag.negative : DataTag.int);
          writer.varint(value < 0 ? -value : value);
        } else {
          writer.u8(DataTag.double);
          writer.f64(value);
        }
        return true;
      case 'string':
        writer.u8(DataTag.string);
        writer.string(value);
        return true;
      case 'boolean':
        writer.u8(value ? DataTag.true : DataTag.false);
        return true;
      case 'undefined':
        writer.u8(DataTag.undefined);
        return true;
      case 'bigint': {
        const digits = value.toString(16);
        if (digits.length > maxBigIntDigits)
          throw unsendable(`it is a BigInt of more than ${maxBigIntDigits} digits`, 'Send it in parts.');
        writer.u8(DataTag.bigint);
        writer.string(digits);
        return true;
      }
      case 'object':
        if (value !== null) return false;
        writer.u8(DataTag.null);
        return true;
      default:
        return false;
    }
  }

  /** Writes a value within the present message. */
  value(value: unknown): void {
    if (this.#primitive(value)) return;
    if (typeof value !== 'object') throw unsendable(`${article(typeof value)} is not data`, onlyData);
    const object = value as object;
    const seen = this.#memo.get(object);
    if (seen !== undefined) {
      this.writer.u8(DataTag.back);
      this.writer.varint(seen);
      return;
    }
    if (++this.#depth > maxDataDepth)
      throw unsendable(`it is nested more than ${maxDataDepth} levels deep`, 'Send it in parts.');
    this.#object(object);
    this.#depth--;
  }

  #remember(value: object): void {
    this.#memo.set(value, this.#memo.size);
  }

  #object(value: object): void {
    if (types.isProxy(value)) throw unsendable('a Proxy cannot be sent', 'Send a plain copy of what it stands for.');
    if (this.#special?.(value, this) === true) return;
    if (Array.isArray(value)) return this.#array(value);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === null || prototype === Object.prototype || isTwin(prototype, Object.prototype))
      return this.#record(value as Record<string, unknown>);
    if (types.isMap(value)) return this.#map(value);
    if (types.isSet(value)) return this.#set(value);
    if (types.isDate(value)) {
      this.#remember(value);
      this.writer.u8(DataTag.date);
      return this.writer.f64(Date.prototype.getTime.call(value));
    }
    if (types.isNativeError(value)) return this.#error(value);
    if (types.isArrayBuffer(value)) return this.#buffer(value);
    if (ArrayBuffer.isView(value)) return this.#view(value);
    const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    const name = typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'class';
    throw unsendable(`an instance of ${name} is not data`, onlyData);
  }

  #array(value: readonly unknown[]): void {
    this.#remember(value);
    const { writer } = this;
    const { length } = value;
    if (length > 1 && isNumbers(value)) {
      writer.u8(DataTag.numbers);
      writer.varint(length);
      return writer.doubles(value, 0, length);
    }
    writer.u8(DataTag.array);
    writer.varint(length);
    this.values += length;
    this.#path.push(0);
    for (let i = 0; i < length; i++) {
      this.#path.step(i);
      this.value(value[i]);
    }
    this.#path.pop();
  }

  #record(value: Record<string, unknown>): void {
    const keys = Object.keys(value);
    if (hasAccessor(value, keys))
      throw unsendable('it has a getter, which is not data', 'Send the value that it gives.');
    if (Object.getOwnPropertySymbols(value).length > 0)
      throw unsendable('it has symbols as keys, which are not data', onlyData);
    this.#remember(value);
    const { writer } = this;
    const known = this.#shapes.find(keys);
    if (known === undefined) {
      writer.u8(DataTag.shape);
      writer.varint(keys.length);
      for (const key of keys) writer.string(key);
    } else {
      writer.u8(DataTag.record);
      writer.varint(known);
    }
    this.values += keys.length;
    this.#path.push('');
    for (const key of keys) {
      this.#path.step(key);
      this.value(value[key]);
    }
    this.#path.pop();
  }

  #map(value: Map<unknown, unknown>): void {
    this.#remember(value);
    const { writer } = this;
    writer.u8(DataTag.map);
    writer.varint(value.size);
    this.values += 2 * value.size;
    this.#path.push('');
    for (const [key, item] of value) {
      this.#path.step(new MapKey(key));
      this.value(key);
      this.value(item);
    }
    this.#path.pop();
  }

  #set(value: Set<unknown>): void {
    this.#remember(value);
    const { writer } = this;
    writer.u8(DataTag.set);
    writer.varint(value.size);
    this.values += value.size;
    this.#path.push(setValues);
    for (const item of value) this.value(item);
    this.#path.pop();
  }

  #buffer(value: ArrayBuffer): void {
    this.#remember(value);
    this.writer.u8(DataTag.buffer);
    this.writer.varint(value.byteLength);
    this.writer.raw(new Uint8Array(value));
  }

  /** Its own bytes: a Buffer from Node's pool has strangers beside it. */
  #view(value: ArrayBufferView): void {
    const name = Buffer.isBuffer(value)
      ? 'Buffer'
      : value instanceof DataView
        ? 'DataView'
        : (value as Uint8Array)[Symbol.toStringTag];
    const kind = (viewNames as readonly string[]).indexOf(name);
    if (kind < 0) throw unsendable(`a ${name} cannot be sent`, 'Send its ArrayBuffer.');
    this.#remember(value);
    this.writer.u8(DataTag.view);
    this.writer.u8(kind);
    this.writer.varint(value.byteLength);
    this.writer.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  /** The nearest class that both sides have, its texts, and those of its fields that are data. */
  #error(value: Error): void {
    this.#remember(value);
    const { writer } = this;
    const { name } = errorKind(value);
    const text = (key: 'message' | 'name' | 'stack'): string => {
      const found: unknown = Reflect.get(value, key);
      if (typeof found !== 'string') return '';
      const most = key === 'stack' ? 4 * this.#maxErrorText : this.#maxErrorText;
      return found.length <= most ? found : `${found.slice(0, most)}...`;
    };
    writer.u8(DataTag.error);
    writer.string(name === domException ? 'Error' : name);
    writer.string(text('message'));
    writer.string(text('name'));
    writer.string(this.#stacks ? text('stack') : '');
    const keys = Object.getOwnPropertyNames(value).filter((key) => !errorTexts.has(key));
    const at = writer.length;
    writer.u32(0);
    let count = 0;
    for (const key of keys) if (this.#field(value, key)) count++;
    writer.u32At(at, count);
    this.values += count;
  }

  /**
   * Writes a field of an error, or nothing: an error is not lost for one that is no data, such as a socket or an instance. What
   * is written in vain has an end, as errors within what is taken back are written again, and so are errors in these.
   */
  #field(error: Error, key: string): boolean {
    const descriptor = Object.getOwnPropertyDescriptor(error, key)!;
    if (!('value' in descriptor)) return false;
    const value: unknown = descriptor.value;
    if (typeof value === 'object' && value !== null && this.#takenBack > maxTakenBack) return false;
    const { writer } = this;
    const { length } = writer;
    const { values } = this;
    const before = [this.#memo.size, this.#shapes.count, this.#path.length, this.#depth] as const;
    try {
      writer.string(key);
      this.#path.push(key);
      this.value(value);
      this.#path.pop();
      return true;
    } catch (failure) {
      if (failure instanceof FrameTooLargeError) throw failure;
      this.#takenBack += writer.length - length + (this.#memo.size > before[0] ? this.#memo.size : 1);
      writer.length = length;
      this.values = values;
      this.#takeBack?.(length);
      this.#restore(...before);
      return false;
    }
  }

  #restore(memo: number, shapes: number, path: number, depth: number): void {
    if (this.#memo.size > memo) for (const [object, place] of this.#memo) if (place >= memo) this.#memo.delete(object);
    this.#shapes.truncate(shapes);
    this.#path.truncate(path);
    this.#depth = depth;
  }
}

/** A hole is none: `every` would pass over it. */
function isNumbers(items: readonly unknown[]): items is readonly number[] {
  for (let i = 0; i < items.length; i++) if (typeof items[i] !== 'number') return false;
  return true;
}

const errorTexts = new Set(['message', 'name', 'stack']);
const onlyData =
  'Only data travels here: numbers, strings, plain objects, arrays, Map, Set, Date, bytes, errors and shared objects.';
