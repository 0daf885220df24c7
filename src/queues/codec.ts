import { createReader } from '../closure/capture.ts';
import { createBuilder } from '../closure/rebuild.ts';
import { ProtocolError } from '../errors.ts';
import { maxKnownFunctions } from '../limits.ts';
import { giveUp } from '../memory/parcels.ts';
import { Decoder } from '../wire/decoder.ts';
import { definitionId } from '../wire/definitions.ts';
import { Encoder } from '../wire/encoder.ts';
import type { Definition, FunctionBuilder } from '../wire/forms.ts';
import { Reader } from '../wire/reader.ts';
import { detach } from '../wire/transfer.ts';
import { Writer } from '../wire/writer.ts';

/**
 * Messages that whoever comes by can read: what a channel would have defined before, they bring along.
 *
 *     plain   0 | message
 *     full    1 | count, buffers | count, definitions | message
 */
const Form = { plain: 0, full: 1 } as const;

/** A message, valid until the next one is encoded. */
export interface Encoded {
  /** It begins at 0; there may be more bytes than it has. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Set in place of `bytes`: it is in several pieces. */
  readonly parts: readonly Uint8Array[] | undefined;
  /** Takes the contents of the buffers that move, once the message was put. */
  sent(): void;
  /** It will not be put. */
  unsent(): void;
}

const keptCapacity = 64 * 1024;
const noBytes: Uint8Array = new Uint8Array();
const nothing = (): void => undefined;

/** Encodes one message at a time. */
export class MessageEncoder {
  readonly #encoder = new Encoder(createReader({ toward: 'worker' }));
  readonly #plain = new Encoder();
  readonly #definitions = new WeakMap<Definition, Buffer>();
  readonly #message = { bytes: noBytes, length: 0, parts: undefined, sent: nothing, unsent: nothing };
  #writer = new Writer();

  /** Throws `SerializationError` with the path to what cannot travel. */
  encode(value: unknown): Encoded {
    if (this.#writer.bytes.length > keptCapacity) this.#writer = new Writer();
    const writer = this.#writer;
    const encoder = this.#encoder;
    writer.length = 0;
    writer.u8(Form.plain);
    try {
      encoder.message(writer, value);
      const { attachments } = encoder;
      // What has something on its way names a class.
      if (encoder.definitions.size > 0 || attachments.length > 0) return this.#full(encoder);
      // The same object each time: most messages are like this one, and small.
      const plain = this.#message;
      plain.bytes = writer.bytes;
      plain.length = writer.length;
      return plain;
    } finally {
      if (encoder.definitions.size > 0) encoder.definitions.clear();
      if (encoder.attachments.length > 0) encoder.attachments = [];
      if (encoder.parcels.length > 0) encoder.parcels = [];
    }
  }

  #full({ attachments, parcels }: Encoder): Encoded {
    const parts: Uint8Array[] = [];
    const head = new Writer(64);
    head.u8(Form.full);
    head.varint(attachments.length);
    for (const { buffer } of attachments) head.varint(buffer.byteLength);
    parts.push(head.take());
    for (const { buffer } of attachments) parts.push(new Uint8Array(buffer));
    head.varint(this.#encoder.definitions.size);
    for (const definition of this.#encoder.definitions) {
      const bytes = this.#define(definition);
      head.varint(definitionId(definition));
      head.varint(bytes.length);
      head.raw(bytes);
    }
    parts.push(head.take(), this.#writer.written().subarray(1));
    const sent = (): void => {
      for (const { buffer, moves } of attachments) if (moves) take(buffer as ArrayBuffer);
    };
    const unsent = (): void => giveUp(parcels);
    return { bytes: noBytes, parts, length: parts.reduce((sum, part) => sum + part.length, 0), sent, unsent };
  }

  #define(definition: Definition): Buffer {
    let bytes = this.#definitions.get(definition);
    if (bytes === undefined) {
      const writer = new Writer(256);
      this.#plain.message(writer, definition);
      this.#definitions.set(definition, (bytes = writer.take()));
    }
    return bytes;
  }
}

/** Definitions that came, by their bytes: a function that comes again is not compiled again. */
const known = new Map<string, Definition>();

function definitionOf(bytes: Buffer, plain: Decoder): Definition {
  const key = bytes.toString('latin1');
  let definition = known.get(key);
  if (definition !== undefined) return definition;
  definition = plain.message(new Reader(bytes)) as Definition;
  if (typeof definition !== 'object' || definition === null) throw new ProtocolError('A definition is not an object.');
  if (known.size >= maxKnownFunctions) known.delete(known.keys().next().value!);
  known.set(key, definition);
  return definition;
}

/** What is left to do with a message whose modules are loaded. */
export interface Opened {
  /** Loads the modules that it names; undefined when nothing has to be awaited. */
  readonly loading: Promise<unknown> | undefined;
  decode(): unknown;
}

const nowhere = new Reader(new Uint8Array());

class MessageDecoder {
  readonly #builder: FunctionBuilder = createBuilder({ from: 'worker' });
  readonly #decoder = new Decoder(undefined, new Map());

  /** A message that needs nothing but itself, and runs no code of anybody's. */
  plain(reader: Reader): unknown {
    reader.at++;
    try {
      return this.#decoder.message(reader);
    } finally {
      // It must not keep a ring that nobody else has any more.
      this.#decoder.reader = nowhere;
    }
  }

  /** Reads what comes before the message proper. Bytes are copied as far as they are kept. */
  open(reader: Reader): Opened {
    const form = reader.u8();
    if (form === Form.plain) return { loading: undefined, decode: () => this.#decoder.message(reader) };
    if (form !== Form.full) throw new ProtocolError(`A message of a queue is of unknown form ${form}.`);
    const lengths = Array.from({ length: reader.count(1) }, () => reader.varint());
    const attachments = lengths.map((length) => new Uint8Array(reader.raw(length)).slice().buffer);
    const definitions = new Map<number, Definition>();
    const loads: Promise<void>[] = [];
    for (let count = reader.count(2); count > 0; count--) {
      const id = reader.varint();
      const definition = definitionOf(reader.raw(reader.varint()), this.#decoder);
      definitions.set(id, definition);
      const load = definition.define === 'reference' ? this.#builder.prepare(definition) : undefined;
      if (load !== undefined) loads.push(load);
    }
    const decoder = new Decoder(this.#builder, definitions);
    decoder.attachments = attachments;
    return {
      loading: loads.length > 0 ? Promise.all(loads) : undefined,
      decode: () => decoder.message(reader),
    };
  }
}

function take(buffer: ArrayBuffer): void {
  try {
    detach(buffer);
  } catch {
    // It went elsewhere while this message waited. The message has its copy.
  }
}

const encoders: MessageEncoder[] = [];
const decoder = new MessageDecoder();

/** An encoder that nobody uses, to be given back: a getter of what is encoded may put something elsewhere. */
export function borrowEncoder(): MessageEncoder {
  return encoders.pop() ?? new MessageEncoder();
}

export function giveBack(encoder: MessageEncoder): void {
  encoders.push(encoder);
}

/** All of a message in one piece. */
export function wholeOf({ bytes, length, parts }: Encoded): Uint8Array {
  return parts === undefined ? bytes.subarray(0, length) : Buffer.concat(parts);
}

/** The same, its own: the `slice` of a Buffer would still be the encoder's bytes. */
export function copyOf(encoded: Encoded): Uint8Array {
  return new Uint8Array(wholeOf(encoded));
}

/** Whether the message that begins at `at` needs nothing but itself. */
export function isPlain(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === Form.plain;
}

/** Reads a message that `isPlain`. It runs no code of anybody's, so that it can be read where it lies. */
export function decodePlain(reader: Reader): unknown {
  return decoder.plain(reader);
}

/** Reads any message; see `Opened`. */
export function openMessage(reader: Reader): Opened {
  return decoder.open(reader);
}
