import { Encoder } from '#internal/wire/encoder.js';
import type { FunctionBuilder, FunctionReader } from '#internal/wire/forms.js';
import { Inbox } from '#internal/wire/inbox.js';
import { Outbox } from '#internal/wire/outbox.js';

/** One end of a channel, reduced to what the cases need. */
export interface Frame {
  readonly parts: Uint8Array[];
  readonly attachments: (ArrayBuffer | SharedArrayBuffer)[];
}

const defineOp = 1;
const taskOp = 2;

export class Side {
  readonly #encoder: Encoder;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #post: (frame: Frame) => void;

  constructor(
    reader: FunctionReader,
    builder: FunctionBuilder,
    shares: boolean,
    post: (frame: Frame) => void,
    take: (id: number, ok: boolean, value: unknown) => void,
  ) {
    this.#encoder = new Encoder(reader, shares);
    this.#outbox = new Outbox(this.#encoder, defineOp);
    this.#post = post;
    this.#inbox = new Inbox(builder, defineOp, (_op, bytes, decoder, attachments) => {
      decoder.attachments = attachments;
      const id = bytes.u32();
      const ok = bytes.u8() === 1;
      try {
        take(id, ok, decoder.message(bytes));
      } catch (error) {
        decoder.reset();
        bytes.at = bytes.end;
        take(id, false, error);
      }
    });
  }

  send(id: number, ok: boolean, value: unknown, phase: 'args' | 'result'): void {
    const { body } = this.#outbox;
    body.u8(taskOp);
    body.u32(id);
    body.u8(ok ? 1 : 0);
    try {
      this.#encoder.message(body, value, phase);
    } catch (error) {
      body.take();
      throw error;
    }
    const { parts, attachments } = this.#outbox.take();
    this.#post({
      parts: parts.map((part) => new Uint8Array(part)),
      attachments: attachments.map(({ buffer }) => buffer),
    });
  }

  accept(frame: Frame): void {
    for (const part of frame.parts) void this.#inbox.accept(Buffer.from(part), frame.attachments);
  }
}
