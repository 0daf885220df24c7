import { createReader } from '#internal/closure/capture.js';
import { createBuilder } from '#internal/closure/rebuild.js';
import { Decoder } from '#internal/wire/decoder.js';
import { definitionId } from '#internal/wire/definitions.js';
import { type Attachment, Encoder } from '#internal/wire/encoder.js';
import { decodeThrown, encodeThrown } from '#internal/wire/error-codec.js';
import type { Definition } from '#internal/wire/forms.js';
import { Reader } from '#internal/wire/reader.js';
import { Writer } from '#internal/wire/writer.js';

/** What one message came to. */
export interface Encoded {
  readonly bytes: Buffer;
  readonly attachments: readonly Attachment[];
}

/** Encodes data without functions. */
export function encode(value: unknown, shares = false): Encoded {
  const encoder = new Encoder(undefined, { shares });
  const writer = new Writer(16);
  encoder.message(writer, value);
  return { bytes: Buffer.from(writer.written()), attachments: encoder.attachments };
}

export function decode({ bytes, attachments }: Encoded): unknown {
  const decoder = new Decoder(undefined, new Map());
  decoder.attachments = attachments.map(({ buffer }) => (buffer instanceof ArrayBuffer ? buffer.slice(0) : buffer));
  return decoder.message(new Reader(bytes));
}

/** There and back again, without functions. */
export function travel<T>(value: T, shares = false): T {
  return decode(encode(value, shares)) as T;
}

/** There and back again, with functions and classes, as from a worker to its host. */
export async function travelWithClasses<T>(value: T): Promise<T> {
  const encoder = new Encoder(createReader({ toward: 'worker' }));
  const writer = new Writer(16);
  encoder.message(writer, value);
  return (await decoderOf(encoder)).message(new Reader(writer.written())) as T;
}

/** What the host makes of what a worker's task threw. */
export async function travelThrown(thrown: unknown): Promise<Error> {
  const encoder = new Encoder(createReader({ toward: 'host' }));
  const writer = new Writer(16);
  encodeThrown(encoder, writer, thrown);
  return decodeThrown(await decoderOf(encoder), new Reader(writer.written()));
}

async function decoderOf(encoder: Encoder): Promise<Decoder> {
  const builder = createBuilder({ from: 'worker' });
  const definitions = new Map<number, Definition>();
  for (const definition of encoder.definitions) {
    // As data, as they come over a channel.
    const copy = travel(definition);
    definitions.set(definitionId(definition), copy);
    if (copy.define === 'reference' && copy.loads) await builder.prepare(copy as never);
  }
  const decoder = new Decoder(builder, definitions);
  decoder.attachments = encoder.attachments.map(({ buffer }) => buffer);
  return decoder;
}
