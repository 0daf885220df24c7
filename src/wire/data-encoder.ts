import { types } from 'node:util';
import { maxDataDepth } from '../limits.ts';
import { DataTag } from './data-tags.ts';
import { domException, errorKind } from './error-kinds.ts';
import { MapKey, Path, setValues } from './path.ts';
import { hasAccessor, isTwin } from './shapes.ts';
import { ShapeTable } from './shape-table.ts';
import { viewNames } from './tags.ts';
import { article, locate, unsendable } from './unsendable.ts';
import { Writer } from './writer.ts';

/** What the layer above can write that is no data: true when it has written `value`, tag and all. */
export type SpecialWriter = (value: object, encoder: DataEncoder) => boolean;

/**
 * Writes data and nothing else: what the other side makes of it can be called by nobody. Within one message identity and
 * cycles are kept. A value that is no data is refused with the path to it.
 */
export class DataEncoder {
  writer!: Writer;
  readonly #path = new Path();
  readonly #special: SpecialWriter | undefined;
  readonly #memo = new Map<object, number>();
  readonly #shapes = new ShapeTable();
  #depth = 0;

  constructor(special?: SpecialWriter) {
    this.#special = special;
  }

  /** Encodes one value. On failure nothing of it stays behind. */
  message(writer: Writer, value: unknown, phase: 'args' | 'result' = 'args'): void {
    const { length } = writer;
    this.writer = writer;
    if (this.#primitive(value)) return;
    try {
      this.value(value);
    } catch (error) {
      writer.length = length;
      throw locate(error, this.#path, phase);
    } finally {
      if (this.#memo.size > 0) this.#memo.clear();
      this.#shapes.clear();
      this.#path.clear();
      this.#depth = 0;
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
      case 'bigint':
        writer.u8(DataTag.bigint);
        writer.string(value.toString(16));
        return true;
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
    if (length > 1 && value.every((item) => typeof item === 'number')) {
      writer.u8(DataTag.numbers);
      writer.varint(length);
      return writer.doubles(value, 0, length);
    }
    writer.u8(DataTag.array);
    writer.varint(length);
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
      return typeof found === 'string' ? found : '';
    };
    writer.u8(DataTag.error);
    writer.string(name === domException ? 'Error' : name);
    writer.string(text('message'));
    writer.string(text('name'));
    writer.string(text('stack'));
    const keys = Object.getOwnPropertyNames(value).filter((key) => !errorTexts.has(key) && this.#isData(value, key));
    writer.varint(keys.length);
    for (const key of keys) {
      writer.string(key);
      this.#path.push(key);
      this.value(Reflect.get(value, key));
      this.#path.pop();
    }
  }

  /** An error is not lost for a field that is no data: a socket, a function, an instance. */
  #isData(value: object, key: string): boolean {
    const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
    if (!('value' in descriptor)) return false;
    const probe = new DataEncoder(this.#special);
    try {
      probe.message(new Writer(256), descriptor.value);
      return true;
    } catch {
      return false;
    }
  }
}

const errorTexts = new Set(['message', 'name', 'stack']);
const onlyData =
  'Only data travels here: numbers, strings, plain objects, arrays, Map, Set, Date, bytes, errors and shared objects.';
