import { FrameTooLargeError, ProtocolError, SerializationError } from '../errors.ts';
import { maxArguments } from '../limits.ts';
import { DataDecoder } from '../wire/data-decoder.ts';
import { DataEncoder } from '../wire/data-encoder.ts';
import { DataTag } from '../wire/data-tags.ts';
import type { Reader } from '../wire/reader.ts';
import { startingAt } from '../wire/unsendable.ts';
import type { Writer } from '../wire/writer.ts';
import type { Connection } from './connection.ts';
import { type ForeignState, readForeign } from './foreign.ts';
import { isConstantFunction, pack, unpack } from './pack.ts';
import { idBytes, Special } from './protocol.ts';
import type { Reference } from './reference.ts';
import { settle } from './settle.ts';

/** What the connection needs to know of proxies, which are a layer above it. */
export interface ProxyMaker {
  /** A proxy for an object of this connection's server. */
  make(kind: string, reference: Reference): object;
  /** The reference of a proxy; undefined for any other object. */
  referenceOf(value: object): Reference | undefined;
  /** A proxy of another server, as data; and back. @throws AuthenticationError when that server is not known here. */
  stateOf(reference: Reference): ForeignState;
  attach(state: ForeignState): object;
  /**
   * Runs `body`, which encodes for a connection, or for clients of this thread's server: no key is told. Returns the references to
   * the connection's objects that were sent.
   */
  collect(connection: Connection | undefined, body: () => void): readonly Reference[];
}

const packedFunctions = new WeakMap<object, Buffer>();

/** How values stand in a connection's messages: data, proxies, and functions where the server takes code. */
export class ConnectionValues {
  allowsCode: boolean;
  readonly #connection: Connection;
  readonly #proxies: ProxyMaker;
  readonly #encoder = new DataEncoder({ special: (value, encoder) => this.#writeSpecial(value, encoder) });
  readonly #decoder = new DataDecoder((decoder) => this.#readSpecial(decoder), Infinity);
  /** What the server has given, by its numbers. */
  readonly #given = new Map<number, Reference>();
  /** What the present value is loaded from. */
  readonly #loading: Promise<unknown>[] = [];

  constructor(connection: Connection, proxies: ProxyMaker, allowsCode: boolean) {
    this.#connection = connection;
    this.#proxies = proxies;
    this.allowsCode = allowsCode;
  }

  /**
   * Writes arguments. Returns how many values they have, as the server counts them.
   *
   * @throws FrameTooLargeError when there are more than a call may have.
   */
  writeAll(writer: Writer, values: readonly unknown[]): number {
    const { length } = values;
    if (length > maxArguments)
      throw new FrameTooLargeError(
        `A call of ${length} arguments is too large for a manager: the limit is ${maxArguments}. Pass them as a list.`,
      );
    writer.varint(length);
    this.#encoder.values = 0;
    for (let i = 0; i < length; i++) {
      try {
        this.#write(writer, values[i]);
      } catch (error) {
        throw startingAt(error, `args[${i}]`);
      }
    }
    return this.#encoder.values;
  }

  /** As data, or, where the server takes code, as anything. */
  #write(writer: Writer, value: unknown): void {
    if (typeof value === 'function' && this.allowsCode) {
      this.#encoder.values++;
      return this.#pack(writer, value);
    }
    const before = writer.length;
    const { values } = this.#encoder;
    try {
      this.#encoder.message(writer, value);
    } catch (error) {
      if (!this.allowsCode || !(error instanceof SerializationError)) throw error;
      writer.length = before;
      this.#encoder.values = values + 1;
      this.#pack(writer, value);
    }
  }

  #pack(writer: Writer, value: unknown): void {
    const isConstant = isConstantFunction(value);
    let bytes = isConstant ? packedFunctions.get(value) : undefined;
    let references: readonly Reference[] = [];
    if (bytes === undefined) {
      references = this.#proxies.collect(this.#connection, () => (bytes = pack(value)));
      if (isConstant) packedFunctions.set(value, bytes!);
    }
    writer.u8(DataTag.special);
    writer.u8(Special.packed);
    writer.u8(isConstant ? 1 : 0);
    writer.varint(references.length);
    for (const { number } of references) writer.varint(number);
    writer.varint(bytes!.length);
    writer.raw(bytes!);
  }

  #writeSpecial(value: object, encoder: DataEncoder): boolean {
    const reference = this.#proxies.referenceOf(value);
    if (reference === undefined) return false;
    const { writer } = encoder;
    writer.u8(DataTag.special);
    if (reference.connection === this.#connection) {
      writer.u8(Special.mine);
      writer.varint(reference.number);
    } else {
      writer.u8(Special.foreign);
      encoder.value(this.#proxies.stateOf(reference));
    }
    return true;
  }

  /** The values that are read next are in this frame. */
  begin(reader: Reader): void {
    this.#decoder.begin(reader);
  }

  /** A value, or the promise of one that has to be loaded. */
  read(): unknown {
    const value = this.#decoder.message();
    if (this.#loading.length === 0) return value;
    return settle(value, this.#loading.splice(0));
  }

  #readSpecial(decoder: DataDecoder): unknown {
    const { reader } = decoder;
    switch (reader.u8()) {
      case Special.given:
        return this.#take(reader);
      case Special.foreign: {
        const state = readForeign(decoder.value());
        return this.#revive(() => this.#proxies.attach(state));
      }
      case Special.packed: {
        reader.u8();
        for (let count = reader.count(1); count > 0; count--) {
          reader.u8();
          this.#take(reader);
        }
        const bytes = reader.raw(reader.count(1));
        if (!this.allowsCode) throw new ProtocolError('A server that takes no code has sent some.');
        return this.#revive(() => unpack(Buffer.from(bytes)));
      }
      default:
        throw new ProtocolError('An answer holds a shared object of unknown kind.');
    }
  }

  /** What cannot be made here fails the call that it is in, and no other. */
  #revive(make: () => unknown): unknown {
    let value: unknown;
    try {
      value = make();
    } catch (error) {
      value = Promise.reject(error);
    }
    if (value instanceof Promise) {
      // Whoever reads the message is told; one that cannot be read to its end is nobody's.
      value.catch(() => undefined);
      this.#loading.push(value);
    }
    return value;
  }

  /** An object that the server gives: the proxy that there is, or a new one. */
  #take(reader: Reader): object {
    const number = reader.varint();
    const kind = reader.string();
    const id = reader.raw(idBytes).toString('hex');
    const known = this.#given.get(number);
    const proxy = known?.proxy?.deref();
    if (known !== undefined && proxy !== undefined) {
      known.count++;
      return proxy;
    }
    const reference: Reference = {
      connection: this.#connection,
      number,
      kind,
      id,
      count: 1,
      isConfirmed: true,
      travelled: false,
    };
    this.#given.set(number, reference);
    return this.#proxies.make(kind, reference);
  }

  /** The reference is given back. */
  forget(reference: Reference): void {
    if (this.#given.get(reference.number) === reference) this.#given.delete(reference.number);
  }

  clear(): void {
    this.#given.clear();
  }
}
