import { FrameTooLargeError } from '../errors.ts';
import { minLiveBytes } from '../limits.ts';
import { encodeColumn, flatCopy } from '../wire/column.ts';
import { encodeAhead, EncodedMessage, isImmutable } from '../wire/encoded-message.ts';
import { encodeThrown } from '../wire/error-codec.ts';
import { Encoder, type Attachment, type Mark } from '../wire/encoder.ts';
import { ToHost } from '../wire/messages.ts';
import type { Outbox } from '../wire/outbox.ts';
import { tooLarge, type Writer } from '../wire/writer.ts';
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
  readonly #ahead: Encoder;
  #first = 0;
  #values: unknown[] = [];
  #ms = 0;
  #flushedMs = 0;
  /** How far tasks are, as far as it was not written yet, by their sequence: of one that floods the newest counts. */
  readonly #reports = new Map<number, { readonly done: number; readonly total: number | undefined }>();
  /** What came while a record was being written, whose values may run code of the user's: it is written behind. */
  #notes: ((body: Writer) => void)[] = [];
  /** Where the outbox was before the record that is being written. */
  #before: Mark | undefined;

  /** @param maxBytes - The most that `send` takes at once, buffers beside it included. */
  constructor(outbox: Outbox, send: SendFrame, maxBytes: number) {
    this.#outbox = outbox;
    this.#send = send;
    this.#maxBytes = maxBytes;
    this.#ahead = new Encoder(outbox.encoder.functions, { shares: outbox.encoder.shares });
  }

  succeed(sequence: number, value: unknown): void {
    if (isImmutable(value)) return this.#add(sequence, value);
    // As it is now: the next task may change it.
    let result: EncodedMessage | object;
    try {
      result =
        flatCopy(value as object) ?? encodeAhead(this.#ahead, value, { copyBelow: minLiveBytes, phase: 'result' });
    } catch (error) {
      this.#write();
      return this.#writeFailure(sequence, error, 0, true);
    }
    if (result instanceof EncodedMessage) result.move();
    this.#add(sequence, result);
    if (result instanceof EncodedMessage && result.isLive) this.flush();
  }

  #add(sequence: number, value: unknown): void {
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

  /** Writes a record of its own, behind those of what was computed before. Returns how much there is to be sent. */
  note(write: (body: Writer) => void): number {
    const { body } = this.#outbox;
    if (this.#before !== undefined) this.#notes.push(write);
    else {
      this.#write();
      write(body);
    }
    return body.length;
  }

  report(sequence: number, done: number, total: number | undefined): void {
    this.#reports.set(sequence, { done, total });
  }

  /** Sends if it is time, and no record is being written: then it leaves with that. */
  flushIfDue(now: number): void {
    if (this.#before !== undefined) return;
    if (now - this.#flushedMs >= flushMs || this.#outbox.body.length > flushBytes) this.flush();
  }

  flush(): void {
    // A getter of the value that is being written ends the worker, and its exit handler is here: half a record is none.
    if (this.#before !== undefined) {
      this.#restore();
      this.#end();
    }
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
    if (this.#reports.size > 0) this.#writeReports();
    const values = this.#values;
    if (values.length === 0) return;
    const each = this.#ms / values.length;
    this.#values = [];
    this.#ms = 0;
    let from = 0;
    while (from < values.length) from = this.#writeSome(values, from, values.length, each);
  }

  #writeReports(): void {
    const { body } = this.#outbox;
    for (const [sequence, { done, total }] of this.#reports) {
      body.u8(ToHost.progress);
      body.varint(sequence);
      body.f64(done);
      body.f64(total ?? Number.NaN);
    }
    this.#reports.clear();
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
    const bytes = this.#outbox.size;
    const fits = this.#outbox.fits(this.#maxBytes);
    if (failure !== undefined || !fits) this.#restore();
    this.#end();
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
    this.#end();
  }

  #begin(): void {
    this.#before = this.#outbox.mark();
  }

  /** Takes back what was written of a record. */
  #restore(): void {
    this.#outbox.restore(this.#before!);
  }

  #end(): void {
    this.#before = undefined;
    for (const write of this.#notes.splice(0)) write(this.#outbox.body);
  }
}
