import { ProtocolError, SerializationError } from '../errors.ts';
import { maxRemoteMessageLength, maxUnsentBytes, slowReaderMs } from '../limits.ts';
import { DataEncoder } from '../wire/data-encoder.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Link } from './link.ts';
import { pack } from './pack.ts';
import { Packed } from './packed.ts';
import { ToClient } from './protocol.ts';

export interface AnswerOptions {
  readonly maxFrameBytes: number;
  /** Defined where functions and instances may be sent. */
  readonly code: object | undefined;
  readonly exposeStacks: boolean;
}

/** What the server tells one client: the answers of one tick go out together. */
export class Answers {
  readonly #link: Link;
  readonly #options: AnswerOptions;
  readonly #out: FrameWriter;
  readonly #encoder: DataEncoder;
  /** Calls in a row that gave undefined and are yet to be answered. */
  #range = { first: 0, count: 0 };
  #slowTimer: NodeJS.Timeout | undefined;
  #scheduled = false;

  constructor(link: Link, options: AnswerOptions, special: (value: object, encoder: DataEncoder) => boolean) {
    this.#link = link;
    this.#options = options;
    this.#out = new FrameWriter(options.maxFrameBytes);
    this.#encoder = new DataEncoder(special);
  }

  done(id: number, result: unknown): void {
    if (result === undefined) {
      const range = this.#range;
      if (range.count > 0 && range.first + range.count === id) {
        range.count++;
        return;
      }
      this.#flushRange();
      this.#range = { first: id, count: 1 };
      return;
    }
    this.#flushRange();
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(ToClient.done);
    writer.varint(id);
    try {
      this.#write(result);
      this.#out.close(mark);
    } catch (error) {
      this.#out.rollback(mark);
      this.failed(id, error);
    }
  }

  /** As data, or, where that is allowed, as anything. */
  #write(value: unknown): void {
    const { writer } = this.#out;
    try {
      this.#encoder.message(writer, value, 'result');
    } catch (error) {
      if (this.#options.code === undefined || !(error instanceof SerializationError)) throw error;
      this.#encoder.message(writer, new Packed(pack(value), false, []), 'result');
    }
  }

  failed(id: number, error: unknown): void {
    if (error instanceof ProtocolError) return this.#link.destroy(error);
    this.#flushRange();
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(ToClient.failed);
    writer.varint(id);
    this.#encoder.message(writer, scrub(error, this.#options.exposeStacks), 'result');
    this.#out.close(mark);
  }

  #flushRange(): void {
    const { first, count } = this.#range;
    if (count === 0) return;
    this.#range = { first: 0, count: 0 };
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(ToClient.doneRange);
    writer.varint(first);
    writer.varint(count);
    this.#out.close(mark);
  }

  /** A sign of life, or the question for one. */
  sign(op: typeof ToClient.ping | typeof ToClient.pong): void {
    const mark = this.#out.open();
    this.#out.writer.u8(op);
    this.#out.close(mark);
  }

  /** What was waited for is answered with what else comes in this tick. */
  flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    this.#flushRange();
    const bytes = this.#out.take();
    if (bytes === undefined) return;
    this.#link.send(bytes);
    if (this.#link.unsentBytes > maxUnsentBytes) this.#holdBack();
  }

  /** It asks faster than it reads: it is not listened to until it has caught up. */
  #holdBack(): void {
    if (this.#slowTimer !== undefined) return;
    this.#link.pause();
    this.#slowTimer = setTimeout(
      () => this.#link.destroy(new ProtocolError('A client does not read its answers.')),
      slowReaderMs,
    );
    this.#slowTimer.unref();
    this.#link.socket.once('drain', () => {
      clearTimeout(this.#slowTimer);
      this.#slowTimer = undefined;
      this.#link.resume();
    });
  }

  end(): void {
    clearTimeout(this.#slowTimer);
  }
}

/** An error as a client is told of it. */
function scrub(thrown: unknown, exposeStack: boolean): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { message, stack } = thrown;
  const long = message.length > maxRemoteMessageLength;
  if (exposeStack && !long) return thrown;
  const { stack: _, message: __, ...fields } = Object.getOwnPropertyDescriptors(thrown) as PropertyDescriptorMap;
  const copy = new Error(long ? `${message.slice(0, maxRemoteMessageLength)}...` : message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(thrown) as object);
  Object.defineProperty(copy, 'stack', { value: exposeStack ? stack : '', configurable: true, writable: true });
  return Object.defineProperties(copy, fields);
}
