import { ManycoreError, ProtocolError } from '../errors.ts';
import { maxMessageNodes } from '../limits.ts';
import { decodeBuiltin } from './decode-builtin.ts';
import { decodeFunction } from './decode-function.ts';
import type { Definition, FunctionBuilder, Reference } from './forms.ts';
import type { Reader } from './reader.ts';
import type { Arrival, Descriptors } from './sockets.ts';
import { setOwn, type Shape, ShapeCache } from './shape-cache.ts';
import { Tag, wellKnownSymbols } from './tags.ts';
import { symbols } from './identities.ts';

/** Reads what an `Encoder` wrote; the two count values and shapes alike. */
export class Decoder {
  readonly builder: FunctionBuilder | undefined;
  /** What the other side has defined on this channel, by its numbers. */
  readonly definitions: Map<number, Definition>;
  attachments: readonly (ArrayBuffer | SharedArrayBuffer)[] = [];
  /** Undefined where no sockets come. */
  descriptors: Descriptors | undefined;
  /** The sockets that came since this was last emptied. */
  arrivals: Arrival[] = [];
  reader!: Reader;

  /** The first attachment of the present message. */
  #base = 0;
  #memo: unknown[] = [];
  #shapes: Shape[] = [];
  readonly #cache = new ShapeCache();
  #bodies: (() => void)[] = [];
  #nodes = 0;
  /** What the closure layer threw while the present message was read. */
  #builders: unknown;

  constructor(builder: FunctionBuilder | undefined, definitions: Map<number, Definition>) {
    this.builder = builder;
    this.definitions = definitions;
  }

  /** Decodes one message. */
  message(reader: Reader): unknown {
    this.reader = reader;
    try {
      this.#base = reader.varint();
      this.#nodes = 0;
      const value = this.value();
      if (this.#bodies.length > 0) this.#finish();
      if (this.#memo.length > 0) this.#memo = [];
      if (this.#shapes.length > 0) this.#shapes = [];
      return value;
    } catch (error) {
      this.#memo = [];
      this.#shapes = [];
      this.#bodies = [];
      if (error === this.#builders || error instanceof ManycoreError) throw error;
      // A pattern that is no pattern, an offset that does not fit: bytes that no encoder wrote.
      const reason = error instanceof Error ? error.message : String(error);
      throw new ProtocolError(`A message could not be read: ${reason}`, { cause: error });
    } finally {
      this.#builders = undefined;
    }
  }

  /** Has the closure layer do something. What it throws, such as a module's own error, passes as it is. */
  build<T>(make: (builder: FunctionBuilder) => T): T {
    if (this.builder === undefined) throw new ProtocolError('A message holds a function where none may come.');
    try {
      return make(this.builder);
    } catch (error) {
      this.#builders = error;
      throw error;
    }
  }

  #finish(): void {
    for (let i = 0; i < this.#bodies.length; i++) this.#bodies[i]!();
    this.#bodies = [];
  }

  defer(body: () => void): void {
    this.#bodies.push(body);
  }

  /** Fills now, or at the end when the head was marked `later`. */
  fill(later: boolean, body: () => void): void {
    if (later) this.#bodies.push(body);
    else body();
  }

  attachment(index: number): ArrayBuffer | SharedArrayBuffer {
    const buffer = this.attachments[this.#base + index];
    if (buffer === undefined) throw new ProtocolError('A message lacks an attachment.');
    return buffer;
  }

  /** Takes the descriptor that comes with an attachment. */
  descriptor(index: number): () => number {
    const { descriptors } = this;
    if (descriptors === undefined) throw new ProtocolError('A message holds a socket where none may come.');
    const ticket = this.attachment(index);
    return () => descriptors.take(ticket);
  }

  takeArrivals(): readonly Arrival[] {
    const { arrivals } = this;
    if (arrivals.length > 0) this.arrivals = [];
    return arrivals;
  }

  remember<T>(value: T): T {
    this.#memo.push(value);
    return value;
  }

  /** Keeps a place for a value that is made only after its parts were read. */
  reserve(): number {
    return this.#memo.push(undefined) - 1;
  }

  settle<T>(place: number, value: T): T {
    this.#memo[place] = value;
    return value;
  }

  value(): unknown {
    const tag = this.reader.u8();
    if (tag === Tag.later) return this.#tagged(this.reader.u8(), true);
    return this.#tagged(tag, false);
  }

  #tagged(tag: number, later: boolean): unknown {
    const { reader } = this;
    if (++this.#nodes > maxMessageNodes) throw new ProtocolError('A message has too many values.');
    switch (tag) {
      case Tag.undefined:
      case Tag.hole:
        return undefined;
      case Tag.null:
        return null;
      case Tag.true:
        return true;
      case Tag.false:
        return false;
      case Tag.int:
        return reader.varint();
      case Tag.negative:
        return -reader.varint();
      case Tag.double:
        return reader.f64();
      case Tag.string:
        return reader.string();
      case Tag.bigint: {
        const text = reader.string();
        if (!/^-?[\da-f]+$/.test(text)) throw new ProtocolError('A message holds a BigInt that is no number.');
        return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
      }
      case Tag.back: {
        const index = reader.varint();
        if (index >= this.#memo.length) throw new ProtocolError('A message refers to a value that is not in it.');
        return this.#memo[index];
      }
      case Tag.array:
        return this.#array(later);
      case Tag.ints: {
        const array = new Array<number>(reader.count(4));
        for (let i = 0; i < array.length; i++) array[i] = reader.i32();
        return this.remember(array);
      }
      case Tag.doubles: {
        const array = new Array<number>(reader.count(8));
        reader.doubles(array, 0, array.length);
        return this.remember(array);
      }
      case Tag.shape:
        return this.#record(this.#newShape(), {}, later);
      case Tag.record:
        return this.#record(this.#shape(), {}, later);
      case Tag.instance: {
        const prototype = this.prototype(Object.prototype);
        return this.#instance(Object.create(prototype) as Record<string, unknown>);
      }
      case Tag.symbol: {
        const place = this.reserve();
        const id = reader.string();
        const description = this.value();
        if (description !== undefined && typeof description !== 'string')
          throw new ProtocolError('A message holds a symbol that is described by no text.');
        return this.settle(
          place,
          symbols.find(id, () => Symbol(description)),
        );
      }
      case Tag.registeredSymbol:
        return Symbol.for(reader.string());
      case Tag.wellKnownSymbol:
        return wellKnownSymbols[reader.u8()];
      case Tag.reference: {
        const reference = this.definition() as Reference;
        return this.build((builder) => builder.resolve(reference));
      }
      case Tag.identity:
      case Tag.bound:
      case Tag.function:
        return decodeFunction(this, tag);
      default:
        return decodeBuiltin(this, tag, later);
    }
  }

  /** A value of a kind that has no identity: what the encoder's `primitive` wrote. */
  primitive(reader: Reader): unknown {
    this.reader = reader;
    const tag = reader.u8();
    if (tag > Tag.bigint) throw new ProtocolError(`A batch of primitives holds a value of kind ${tag}.`);
    return this.#tagged(tag, false);
  }

  definition(): Definition {
    const id = this.reader.varint();
    const definition = this.definitions.get(id);
    if (definition === undefined) throw new ProtocolError(`A message uses definition ${id}, which was never sent.`);
    return definition;
  }

  #array(later: boolean): unknown[] {
    const length = this.reader.count(1);
    const array = this.remember(new Array<unknown>(length));
    if (later) this.#bodies.push(() => this.#items(array));
    else this.#items(array);
    return array;
  }

  #items(array: unknown[]): void {
    for (let i = 0; i < array.length; i++) array[i] = this.value();
  }

  #newShape(): Shape {
    const { reader } = this;
    const { at } = reader;
    const shape = this.#cache.find(reader) ?? this.#cache.read(reader, at, reader.count(1));
    this.#shapes.push(shape);
    return shape;
  }

  #shape(): Shape {
    const shape = this.#shapes[this.reader.varint()];
    if (shape === undefined) throw new ProtocolError('A message refers to a shape that is not in it.');
    return shape;
  }

  #instance(value: Record<string, unknown>): unknown {
    let tag = this.reader.u8();
    const later = tag === Tag.later;
    if (later) tag = this.reader.u8();
    if (tag === Tag.record) return this.#record({ keys: this.#shape().keys, unsafe: true }, value, later);
    if (tag !== Tag.shape) throw new ProtocolError(`A message holds an instance with fields of unknown kind ${tag}.`);
    return this.#record({ keys: this.#newShape().keys, unsafe: true }, value, later);
  }

  #record(shape: Shape, value: Record<string, unknown>, later: boolean): unknown {
    this.remember(value);
    if (later) this.#bodies.push(() => this.#fields(shape, value));
    else this.#fields(shape, value);
    return value;
  }

  #fields({ keys, unsafe }: Shape, value: Record<string, unknown>): void {
    for (let i = 0; i < keys.length; i++) {
      if (unsafe) setOwn(value, keys[i]!, this.value());
      else value[keys[i]!] = this.value();
    }
  }

  /** A prototype, or the usual one. */
  prototype(usual: object): object | null {
    if (this.reader.bytes[this.reader.at] === Tag.hole) {
      this.reader.at++;
      return usual;
    }
    const prototype = this.value();
    if (typeof prototype !== 'object' && typeof prototype !== 'function')
      throw new ProtocolError(`A message holds an object whose prototype is of type ${typeof prototype}.`);
    return prototype;
  }

  /** The own properties of an exact object. */
  own(value: object): void {
    for (let count = this.reader.count(2); count > 0; count--) {
      const key = this.value();
      if (typeof key !== 'string' && typeof key !== 'symbol')
        throw new ProtocolError(`A message holds a property whose key is of type ${typeof key}.`);
      const bits = this.reader.u8();
      const descriptor: PropertyDescriptor = { enumerable: (bits & 1) !== 0, configurable: (bits & 2) !== 0 };
      if ((bits & 8) !== 0) {
        descriptor.get = this.value() as () => unknown;
        descriptor.set = this.value() as (value: unknown) => void;
      } else {
        descriptor.value = this.value();
        descriptor.writable = (bits & 4) !== 0;
      }
      // A class that was here before may be frozen.
      Reflect.defineProperty(value, key, descriptor);
    }
  }
}
