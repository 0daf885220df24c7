import { maxFrameAttachments } from '../limits.ts';
import { bytesBeside, moveOut } from './attachments.ts';
import { Encoder as PlainEncoder, type Attachment, type Encoder, type Mark } from './encoder.ts';
import type { Definition } from './forms.ts';
import { definitionId } from './definitions.ts';
import { Writer } from './writer.ts';

/** What is to be sent on one channel: definitions first, as nothing may use what was not defined. */
export class Outbox {
  readonly encoder: Encoder;
  readonly body: Writer = new Writer(4096);
  readonly #head: Writer = new Writer(256);
  readonly #known = new Set<Definition>();
  readonly #defineOp: number;
  readonly #plain = new PlainEncoder();

  constructor(encoder: Encoder, defineOp: number) {
    this.encoder = encoder;
    this.#defineOp = defineOp;
  }

  get empty(): boolean {
    return this.body.length === 0 && this.#head.length === 0;
  }

  /** What it takes as a frame, without the frame's head. */
  get size(): number {
    return this.#head.length + this.body.length + bytesBeside(this.encoder.attachments);
  }

  /** Whether all of it can leave in one frame of so many bytes. */
  fits(maxBytes: number): boolean {
    return this.size <= maxBytes && this.encoder.attachments.length <= maxFrameAttachments;
  }

  /** Where the body is: what is written from here on can be taken back, but for what it is the first to define. */
  mark(): Mark {
    return this.encoder.mark(this.body);
  }

  restore(mark: Mark): void {
    this.encoder.restore(this.body, mark);
  }

  /** Writes a record ahead of the body. */
  get head(): Writer {
    return this.#head;
  }

  /** Defines what is not yet known on this channel. `item`: what needs it, for who has to say which item it was that a worker died of. */
  define(definitions: Iterable<Definition>, item?: number): void {
    for (const definition of definitions) {
      if (this.#known.has(definition)) continue;
      this.#known.add(definition);
      this.#head.u8(this.#defineOp);
      this.#head.varint(definitionId(definition));
      this.#head.varint(item === undefined ? 0 : item + 1);
      this.#plain.message(this.#head, definition);
    }
  }

  /** Defines what the encoder used since the last time. */
  defineUsed(item?: number): void {
    const { definitions } = this.encoder;
    if (definitions.size === 0) return;
    this.define(definitions, item);
    definitions.clear();
  }

  /** All that was written, and the buffers that go beside it. */
  take(): { readonly parts: Buffer[]; readonly attachments: Attachment[] } {
    this.defineUsed();
    const parts: Buffer[] = [];
    if (this.#head.length > 0) parts.push(this.#head.take());
    if (this.body.length > 0) parts.push(this.body.take());
    const { attachments } = this.encoder;
    if (attachments.length > 0) this.encoder.attachments = [];
    moveOut(attachments);
    // What is in leases is kept by their jobs.
    if (this.encoder.kept !== undefined && this.encoder.kept.length > 0) this.encoder.kept = [];
    if (this.encoder.parcels.length > 0) this.encoder.parcels = [];
    return { parts, attachments };
  }
}
