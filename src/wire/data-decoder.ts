import { ProtocolError } from '../errors.ts';
import { maxBigIntDigits, maxDataDepth, maxDataNodes, maxFillMs } from '../limits.ts';
import { DataTag } from './data-tags.ts';
import { domException, makeError } from './error-kinds.ts';
import { FillTime } from './fill-time.ts';
import type { Reader } from './reader.ts';
import { setOwn, type Shape, ShapeCache } from './shape-cache.ts';
import { viewNames } from './tags.ts';

/** Reads what the layer above has written behind `special`. */
export type SpecialReader = (decoder: DataDecoder) => unknown;

/**
 * Reads what a `DataEncoder` wrote, from whomever. Nothing that comes out can be called, has a class of ours or of the
 * user's, or runs anything when it is touched. Anything that the encoder would not have written is a `ProtocolError`.
 */
export class DataDecoder {
  reader!: Reader;
  readonly #special: SpecialReader | undefined;
  readonly #maxNodes: number;
  readonly #cache = new ShapeCache();
  #memo: unknown[] = [];
  #shapes: Shape[] = [];
  #nodes = 0;
  #depth = 0;
  #fillTime: FillTime | undefined;

  constructor(special?: SpecialReader, maxNodes: number = maxDataNodes) {
    this.#special = special;
    this.#maxNodes = maxNodes;
  }

  /** Begins a frame: its values share one budget. */
  begin(reader: Reader): void {
    this.reader = reader;
    this.#nodes = 0;
    this.#fillTime = undefined;
  }

  /** The rest of a frame that was begun lies elsewhere by now. */
  goOn(reader: Reader): void {
    this.reader = reader;
  }

  /** Decodes one message of the frame. */
  message(): unknown {
    this.#children(1, 1);
    const tag = this.reader.u8();
    try {
      if (tag <= DataTag.bigint) return this.#tagged(tag);
      this.#depth = 0;
      return this.#tagged(tag);
    } finally {
      if (this.#memo.length > 0) this.#memo = [];
      if (this.#shapes.length > 0) this.#shapes = [];
    }
  }

  value(): unknown {
    return this.#tagged(this.reader.u8());
  }

  /** Charges so many things of so many values each, before anything is made for them. */
  #children(count: number, values: number): number {
    this.#nodes += count * values;
    if (this.#nodes > this.#maxNodes) throw new ProtocolError(`A frame has more than ${this.#maxNodes} values.`);
    return count;
  }

  #tagged(tag: number): unknown {
    const { reader } = this;
    switch (tag) {
      case DataTag.undefined:
        return undefined;
      case DataTag.null:
        return null;
      case DataTag.true:
        return true;
      case DataTag.false:
        return false;
      case DataTag.int:
        return reader.varint();
      case DataTag.negative:
        return -reader.varint();
      case DataTag.double:
        return reader.f64();
      case DataTag.string:
        return reader.string();
      case DataTag.bigint:
        return bigint(reader.string());
      case DataTag.back: {
        const index = reader.varint();
        if (index >= this.#memo.length) throw new ProtocolError('A message refers to a value that is not in it.');
        return this.#memo[index];
      }
      case DataTag.numbers: {
        const array = new Array<number>(reader.count(8));
        reader.doubles(array, 0, array.length);
        return this.#remember(array);
      }
      case DataTag.date:
        return this.#remember(new Date(reader.f64()));
      case DataTag.buffer:
        return this.#remember(copy(reader.raw(reader.count(1))));
      case DataTag.view:
        return this.#remember(view(reader));
      case DataTag.special:
        return this.#specialValue();
      default:
        return this.#nested(tag);
    }
  }

  #specialValue(): unknown {
    if (this.#special === undefined) throw new ProtocolError('A message holds a shared object where none may come.');
    return this.#special(this);
  }

  #nested(tag: number): unknown {
    if (++this.#depth > maxDataDepth) throw new ProtocolError(`A message is nested more than ${maxDataDepth} deep.`);
    const value = this.#container(tag);
    this.#depth--;
    return value;
  }

  #container(tag: number): unknown {
    const { reader } = this;
    switch (tag) {
      case DataTag.array: {
        const array = this.#remember(new Array<unknown>(this.#children(reader.count(1), 1)));
        for (let i = 0; i < array.length; i++) array[i] = this.value();
        return array;
      }
      case DataTag.shape: {
        const shape = this.#cache.read(reader);
        if (new Set(shape.keys).size !== shape.keys.length) throw new ProtocolError('A message repeats a key.');
        this.#shapes.push(shape);
        return this.#record(shape);
      }
      case DataTag.record: {
        const shape = this.#shapes[reader.varint()];
        if (shape === undefined) throw new ProtocolError('A message refers to a shape that is not in it.');
        // Every record takes a byte of the frame at least, its fields too.
        return this.#record(shape);
      }
      case DataTag.map:
        return this.#map(this.#children(reader.count(2), 2));
      case DataTag.set:
        return this.#set(this.#children(reader.count(1), 1));
      case DataTag.error:
        return this.#error();
      default:
        throw new ProtocolError(`A message holds a value of unknown kind ${tag}.`);
    }
  }

  #map(count: number): Map<unknown, unknown> {
    const map = this.#remember(new Map<unknown, unknown>());
    const time = this.#timeFor(count);
    for (let i = 0; i < count; i++) {
      const key = this.value();
      if (map.has(key)) throw new ProtocolError('A message repeats a key.');
      map.set(key, this.value());
      if (time?.isOver() === true) throw tooSlow();
    }
    return map;
  }

  #set(count: number): Set<unknown> {
    const set = this.#remember(new Set<unknown>());
    const time = this.#timeFor(count);
    for (let i = 0; i < count; i++) {
      const item = this.value();
      if (set.has(item)) throw new ProtocolError('A message repeats a member.');
      set.add(item);
      if (time?.isOver() === true) throw tooSlow();
    }
    return set;
  }

  /** Of small ones there cannot be enough for it to matter. */
  #timeFor(count: number): FillTime | undefined {
    if (count < minTimedEntries || this.#maxNodes === Infinity) return undefined;
    this.#fillTime ??= new FillTime(maxFillMs);
    this.#fillTime.begin();
    return this.#fillTime;
  }

  #remember<T>(value: T): T {
    this.#memo.push(value);
    return value;
  }

  #record({ keys, unsafe }: Shape): Record<string, unknown> {
    this.#children(keys.length, 1);
    const value = this.#remember<Record<string, unknown>>({});
    for (const key of keys) {
      if (unsafe) setOwn(value, key, this.value());
      else value[key] = this.value();
    }
    return value;
  }

  #error(): Error {
    const { reader } = this;
    const kind = reader.string();
    if (kind === domException) throw new ProtocolError('A message holds an error of a kind that does not travel.');
    const message = reader.string();
    const name = reader.string();
    const stack = reader.string();
    const error = this.#remember(makeError(kind, message, name));
    const define = (key: string, value: unknown, enumerable: boolean): void =>
      void Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
    define('message', message, false);
    if (name !== '' && error.name !== name) define('name', name, false);
    define('stack', stack === '' ? `${name || 'Error'}: ${message}` : stack, false);
    for (let count = this.#children(reader.count32(2), 1); count > 0; count--) {
      const key = reader.string();
      if (Object.hasOwn(error, key)) throw new ProtocolError('A message repeats a key.');
      define(key, this.value(), key !== 'cause' && key !== 'errors');
    }
    return error;
  }
}

const minTimedEntries = 256;

function tooSlow(): ProtocolError {
  return new ProtocolError(`To read the maps of a frame takes more than ${maxFillMs} ms.`);
}

function bigint(text: string): bigint {
  if (text.length > maxBigIntDigits + 1 || !/^-?[\da-f]+$/.test(text))
    throw new ProtocolError('A message holds a BigInt that is no number.');
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

/** Memory of its own: the frame is read into a buffer that is used again. */
function copy(bytes: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

function view(reader: Reader): ArrayBufferView {
  const name = viewNames[reader.u8()];
  const bytes = copy(reader.raw(reader.count(1)));
  if (name === 'Buffer') return Buffer.from(bytes);
  const constructor: unknown = name === undefined ? undefined : Reflect.get(globalThis, name);
  if (typeof constructor !== 'function') throw new ProtocolError('A message holds a view of unknown kind.');
  const size = Number(Reflect.get(constructor, 'BYTES_PER_ELEMENT') ?? 1);
  if (bytes.byteLength % size !== 0) throw new ProtocolError('A message holds a view of half an item.');
  return Reflect.construct(constructor, [bytes]) as ArrayBufferView;
}
