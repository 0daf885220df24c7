import { FrameTooLargeError } from '../errors.ts';
import { giveUp } from '../memory/parcels.ts';
import { encodeColumn } from '../wire/column.ts';
import { encodeThrown } from '../wire/error-codec.ts';
import type { Attachment } from '../wire/encoder.ts';
import { ToHost } from '../wire/messages.ts';
import type { Outbox } from '../wire/outbox.ts';
import { tooLarge } from '../wire/writer.ts';
import { monotonicMs } from '../monotonic.ts';

export type SendFrame = (parts: readonly Buffer[], attachments: readonly Attachment[]) => void;

/** Results leave at the latest after this long, while others are still being computed. */
const flushMs = 0.25;
/** ... or when they are this many bytes. */
const flushBytes = 256 * 1024;

/** Collects results and sends them together: consecutive ones of one function in one record, packed. */
export class Answers {
  readonly #outbox: Outbox;
  readonly #send: SendFrame;
  readonly #maxBytes: number;
  #first = 0;
  #values: unknown[] = [];
  #ms = 0;
  #flushedMs = 0;
  /** The sizes of the outbox before the record that is being written. */
  #before: { readonly bytes: number; readonly attachments: number; readonly parcels: number } | undefined;

  /** @param maxBytes - The most that `send` takes at once, buffers beside it included. */
  constructor(outbox: Outbox, send: SendFrame, maxBytes: number) {
    this.#outbox = outbox;
    this.#send = send;
    this.#maxBytes = maxBytes;
  }

  succeed(sequence: number, value: unknown): void {
    if (this.#values.length === 0) this.#first = sequence;
    else if (this.#first + this.#values.length !== sequence) {
      this.#write();
      this.#first = sequence;
    }
    this.#values.push(value);
  }

  fail(sequence: number, error: unknown, ms: number): void {
    this.#write();
    this.#writeFailure(sequence, error, ms, false);
  }

  /** An item has begun, and has the sockets that came with it: told at once, so that the host lets them go. */
  received(sequence: number): void {
    this.#write();
    this.#outbox.body.u8(ToHost.received);
    this.#outbox.body.varint(sequence);
    this.flush();
  }

  /** Notes what the results collected so far took. */
  took(ms: number): void {
    this.#ms += ms;
  }

  /** Closes the record: what follows is of another function. */
  cut(): void {
    this.#write();
  }

  /** Sends if it is time. */
  flushIfDue(now: number): void {
    if (now - this.#flushedMs >= flushMs || this.#outbox.body.length > flushBytes) this.flush();
  }

  flush(): void {
    // A getter of the value that is being written ends the worker, and its exit handler is here: half a record is none.
    if (this.#before !== undefined) this.#restore();
    this.#write();
    this.#flushedMs = monotonicMs();
    this.#sendAll();
  }

  #sendAll(): void {
    if (this.#outbox.empty) return;
    const { parts, attachments } = this.#outbox.take();
    this.#send(parts, attachments);
  }

  #write(): void {
    const values = this.#values;
    if (values.length === 0) return;
    const each = this.#ms / values.length;
    this.#values = [];
    this.#ms = 0;
    let from = 0;
    while (from < values.length) from = this.#writeSome(values, from, values.length, each);
  }

  /** Writes results up to the first that cannot travel, and that one as a failure. Returns where to go on. */
  #writeSome(values: unknown[], from: number, to: number, ms: number): number {
    const { body, encoder } = this.#outbox;
    this.#begin();
    body.u8(ToHost.succeeded);
    body.varint(this.#first + from);
    body.varint(to - from);
    body.f64(ms * (to - from));
    const failure = encodeColumn(encoder, body, values, from, to, 'result');
    const bytes = encoder.attachments.reduce((sum, { buffer }) => sum + buffer.byteLength, body.length);
    const fits = bytes <= this.#maxBytes;
    if (failure !== undefined || !fits) this.#restore();
    this.#before = undefined;
    if (failure === undefined) return fits ? to : this.#writeLess(values, from, to, ms, bytes);
    while (from < failure.index) from = this.#writeSome(values, from, failure.index, ms);
    this.#writeFailure(this.#first + failure.index, failure.error, ms, true);
    return failure.index + 1;
  }

  /** Of results that are too large for one frame: fewer, or none when others leave first. One alone is a failure. */
  #writeLess(values: unknown[], from: number, to: number, ms: number, bytes: number): number {
    if (!this.#outbox.empty) {
      this.#sendAll();
      return from;
    }
    if (to - from > 1) return this.#writeSome(values, from, from + Math.ceil((to - from) / 2), ms);
    this.#writeFailure(this.#first + from, new FrameTooLargeError(tooLarge(bytes)), ms, true);
    return to;
  }

  #writeFailure(sequence: number, error: unknown, ms: number, unsendable: boolean): void {
    const { body, encoder } = this.#outbox;
    this.#begin();
    body.u8(ToHost.failed);
    body.varint(sequence);
    body.u8(unsendable ? 1 : 0);
    body.f64(ms);
    encodeThrown(encoder, body, error);
    this.#before = undefined;
  }

  #begin(): void {
    const { body, encoder } = this.#outbox;
    this.#before = { bytes: body.length, attachments: encoder.attachments.length, parcels: encoder.parcels.length };
  }

  /** Takes back what was written of a record. */
  #restore(): void {
    const { body, encoder } = this.#outbox;
    body.length = this.#before!.bytes;
    encoder.attachments.length = this.#before!.attachments;
    giveUp(encoder.parcels.splice(this.#before!.parcels));
    this.#before = undefined;
  }
}
