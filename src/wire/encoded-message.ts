import { types } from 'node:util';
import { FrameTooLargeError } from '../errors.ts';
import { maxFrameBytes } from '../limits.ts';
import { giveUp, type Parcel } from '../memory/parcels.ts';
import { bytesBeside, moveOut } from './attachments.ts';
import type { Attachment, Encoder } from './encoder.ts';
import type { Definition } from './forms.ts';
import { tooLarge, Writer } from './writer.ts';

const scratch = new Writer(16 * 1024);
let busy = false;

const collected = new FinalizationRegistry<readonly Parcel[]>(giveUp);

/** A value encoded ahead of its sending: a snapshot, which can go to several channels. */
export class EncodedMessage {
  /** Without the number of the first attachment, which depends on the frame. */
  readonly bytes: Buffer;
  readonly definitions: readonly Definition[];
  #attachments: readonly Attachment[];
  #isLive = false;
  /** Shared objects that it tells of. */
  readonly kept: readonly object[];
  readonly #parcels: readonly Parcel[];
  #users = 0;

  constructor(
    bytes: Buffer,
    definitions: readonly Definition[],
    attachments: readonly Attachment[],
    kept: readonly object[] = [],
    parcels: readonly Parcel[] = [],
    copyBelow: number = Number.POSITIVE_INFINITY,
  ) {
    this.bytes = bytes;
    this.definitions = definitions;
    this.#attachments = attachments;
    this.#copy(copyBelow);
    this.kept = kept;
    this.#parcels = parcels;
    if (parcels.length > 0) collected.register(this, parcels);
  }

  get attachments(): readonly Attachment[] {
    return this.#attachments;
  }

  /** Buffers of the caller's are in it, who may change them. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** Takes copies of the caller's buffers, if it has not been sent. What is too large is not: it is refused when it is to be sent. */
  own(): void {
    if (this.#isLive && this.size <= maxFrameBytes) this.#copy(Number.POSITIVE_INFINITY);
  }

  #copy(below: number): void {
    const theirs = this.#attachments.filter(isTheirs);
    if (theirs.length === 0) return;
    const copied = theirs.filter(({ buffer }) => buffer.byteLength < below);
    const bytes = bytesBeside(copied);
    if (bytes > maxFrameBytes) throw new FrameTooLargeError(tooLarge(bytes));
    const copies = new Map(copied.map((one) => [one, { ...one, buffer: one.buffer.slice() }]));
    this.#attachments = this.#attachments.map((one) => copies.get(one) ?? one);
    this.#isLive = copied.length < theirs.length;
  }

  /** The bytes that it adds to a frame. */
  get size(): number {
    return this.bytes.length + bytesBeside(this.attachments);
  }

  /** Takes what is to be moved from whom it was encoded for. It can be sent once, and may wait until then. */
  move(): void {
    if (!this.#attachments.some(({ moves }) => moves)) return;
    this.own();
    const attachments = [...this.#attachments];
    moveOut(attachments);
    this.#attachments = attachments;
  }

  /** Somebody will send it. */
  use(): void {
    this.#users++;
  }

  /** One of them sends it no more, and knows that what was sent has arrived or never will. */
  done(): void {
    if (--this.#users === 0) giveUp(this.#parcels);
  }

  /** Writes it as a message of the frame that `encoder` and `writer` are at. */
  embed(encoder: Encoder, writer: Writer): void {
    writer.varint(encoder.attachments.length);
    writer.raw(this.bytes);
    encoder.attachments.push(...this.#attachments);
    this.#isLive = false;
    for (const definition of this.definitions) encoder.definitions.add(definition);
  }
}

export interface AheadOptions {
  /** Only buffers of fewer bytes are copied: the caller sends the others at once, or calls `own`. Default: all are. */
  readonly copyBelow?: number | undefined;
  readonly phase?: 'args' | 'result';
}

/** Encodes with an encoder that no channel is using. */
export function encodeAhead(encoder: Encoder, value: unknown, { copyBelow, phase }: AheadOptions = {}): EncodedMessage {
  // What is encoded may run code, such as a getter, that encodes something else.
  const outer = busy;
  const writer = outer ? new Writer() : scratch;
  writer.length = 0;
  busy = true;
  try {
    encoder.message(writer, value, phase);
    // The first byte is the number of the first attachment: 0, as the encoder has none.
    const bytes = Buffer.from(writer.bytes.subarray(1, writer.length));
    // Lists of its own, also when they are empty: the encoder goes on with its lists then.
    const { definitions, attachments, kept, parcels } = encoder;
    return new EncodedMessage(bytes, [...definitions], attachments.slice(), kept?.slice(), parcels.slice(), copyBelow);
  } finally {
    busy = outer;
    if (encoder.definitions.size > 0) encoder.definitions.clear();
    if (encoder.attachments.length > 0) encoder.attachments = [];
    if (encoder.kept !== undefined && encoder.kept.length > 0) encoder.kept = [];
    if (encoder.parcels.length > 0) encoder.parcels = [];
  }
}

/** Whether it is the caller's, who may change it. */
function isTheirs({ buffer, moves }: Attachment): boolean {
  return !moves && buffer.byteLength > 0 && types.isArrayBuffer(buffer);
}

/** Whether a value is the same however late it is read. */
export function isImmutable(value: unknown): boolean {
  return (typeof value !== 'object' || value === null) && typeof value !== 'function';
}
