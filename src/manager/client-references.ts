import { ObjectGoneError, ProtocolError } from '../errors.ts';
import { maxClientReferences } from '../limits.ts';
import type { DataDecoder } from '../wire/data-decoder.ts';
import type { DataEncoder } from '../wire/data-encoder.ts';
import { DataTag } from '../wire/data-tags.ts';
import type { Writer } from '../wire/writer.ts';
import { readForeign } from './foreign.ts';
import { Foreign, Managed } from './managed.ts';
import type { ObjectTable } from './object-table.ts';
import { Packed } from './packed.ts';
import { Special } from './protocol.ts';
import type { Turns } from './turns.ts';

/** Between two looks at the clock. */
const releasesPerLook = 1_000;

/** What a client has under a number. */
export interface Entry {
  managed: Managed | undefined;
  /** By which of its names. */
  readonly name: string;
  /** How often it was given. */
  count: number;
  /** Why there is none. */
  error?: Error;
  /** It is being made, or looked for. */
  wait?: Promise<void>;
}

/** What the references need of the server. */
export interface ReferenceHost {
  readonly objects: ObjectTable;
  readonly code: object | undefined;
  readonly turns: Turns;
  /** What a proxy that code of the user's gives back stands for, as it is kept here; undefined for any other object. */
  standsFor(value: object): Managed | Foreign | undefined;
}

/** The shared objects that one client has, by numbers of its own, and how they stand in its messages. */
export class ClientReferences {
  readonly #host: ReferenceHost;
  readonly #limit: number;
  readonly #entries = new Map<number, Entry>();
  /** What the client was given, by the object: one number for each. */
  readonly #given = new Map<Managed, number>();
  #lastGiven = 0;
  /** What was given by the message that is being written, and where. */
  readonly #written: { readonly at: number; readonly managed: Managed }[] = [];
  #failure: Error | undefined;
  #ended = false;

  constructor(host: ReferenceHost, limit: number = maxClientReferences) {
    this.#host = host;
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(number: number): Entry {
    const entry = this.#entries.get(number);
    if (entry === undefined) throw new ProtocolError(`A client uses reference ${number}, which it does not have.`);
    return entry;
  }

  /** A number that the client has chosen, for what has this name. */
  enter(number: number, name: string): Entry {
    if (number % 2 === 0 || this.#entries.has(number))
      throw new ProtocolError(`A client chose ${number} for a new reference.`);
    if (this.#entries.size >= this.#limit) throw new ProtocolError(`A client has more than ${this.#limit} references.`);
    const entry: Entry = { managed: undefined, name, count: 1 };
    this.#entries.set(number, entry);
    return entry;
  }

  /** An entry has what it was waiting for. */
  have(number: number, entry: Entry, managed: Managed): void {
    entry.managed = managed;
    // It may have been dropped meanwhile.
    const { objects } = this.#host;
    if (this.#entries.get(number) !== entry || this.#ended) objects.release(managed, 0, entry.name);
    else objects.hold(managed, entry.name);
  }

  drop(number: number, count: number): void {
    const entry = this.get(number);
    if (count > entry.count) throw new ProtocolError('A client drops a reference that it does not have.');
    entry.count -= count;
    if (entry.managed !== undefined) this.#host.objects.release(entry.managed, count, entry.name);
    if (entry.count > 0) return;
    this.#entries.delete(number);
    if (entry.managed !== undefined && this.#given.get(entry.managed) === number) this.#given.delete(entry.managed);
  }

  /** The client is gone: so are its references, thousands of them as many at once as there is time for. */
  end(): void {
    this.#ended = true;
    this.#given.clear();
    const { objects, turns } = this.#host;
    let untilLook = releasesPerLook;
    for (const [number, { managed, name, count }] of this.#entries) {
      this.#entries.delete(number);
      if (managed !== undefined) objects.release(managed, count, name);
      if (--untilLook > 0) continue;
      if (turns.isOver()) return turns.wait(() => this.end());
      untilLook = releasesPerLook;
    }
  }

  /** Why an object that the last arguments name is not there; asked once. */
  takeFailure(): Error | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Writes what is no data; false for what cannot be sent. */
  write(given: object, encoder: DataEncoder): boolean {
    const value = this.#host.standsFor(given) ?? given;
    const { writer } = encoder;
    if (value instanceof Managed) {
      writer.u8(DataTag.special);
      this.#give(value, writer);
      return true;
    }
    if (value instanceof Packed) {
      writer.u8(DataTag.special);
      writer.u8(Special.packed);
      writer.u8(value.isConstant ? 1 : 0);
      writer.varint(value.references.length);
      for (const managed of value.references) this.#give(managed, writer);
      writer.varint(value.bytes.length);
      writer.raw(value.bytes);
      return true;
    }
    if (value instanceof Foreign) {
      writer.u8(DataTag.special);
      writer.u8(Special.foreign);
      encoder.value(value.state);
      return true;
    }
    return false;
  }

  #give(managed: Managed, writer: Writer): void {
    let number = this.#given.get(managed);
    if (number === undefined) {
      this.#given.set(managed, (number = this.#lastGiven += 2));
      this.#entries.set(number, { managed, name: managed.id, count: 0 });
    }
    this.#entries.get(number)!.count++;
    this.#host.objects.hold(managed);
    this.#written.push({ at: writer.length, managed });
    writer.u8(Special.given);
    writer.varint(number);
    writer.string(managed.type.proxy);
    writer.raw(Buffer.from(managed.id, 'hex'));
  }

  sent(): void {
    if (this.#written.length > 0) this.#written.length = 0;
  }

  takeBack(length: number): void {
    while (this.#written.length > 0 && this.#written.at(-1)!.at >= length)
      this.drop(this.#given.get(this.#written.pop()!.managed)!, 1);
  }

  /** Reads what is no data. */
  read(decoder: DataDecoder): unknown {
    const { reader } = decoder;
    switch (reader.u8()) {
      case Special.mine:
        return this.#mine(reader.varint());
      case Special.foreign:
        return new Foreign(readForeign(decoder.value()));
      case Special.packed: {
        if (this.#host.code === undefined) throw new ProtocolError('A client sent code to a server that takes none.');
        const isConstant = reader.u8() === 1;
        const references = Array.from({ length: reader.count(1) }, () => this.#mine(reader.varint()));
        const bytes = Buffer.from(reader.raw(reader.count(1)));
        return new Packed(
          bytes,
          isConstant,
          references.filter((each) => each !== undefined),
        );
      }
      default:
        throw new ProtocolError('A message holds a shared object of unknown kind.');
    }
  }

  #mine(number: number): Managed | undefined {
    const { managed, error } = this.get(number);
    if (managed === undefined)
      this.#failure = error ?? new ObjectGoneError('The shared object that was sent is still being made.');
    else managed.stored = true;
    return managed;
  }
}
