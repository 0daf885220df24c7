import { FrameTooLargeError, ProtocolError, RemoteError, SerializationError } from '../errors.ts';
import { managerBatchBytes, maxRemoteMessageLength, maxUnsentBytes, slowReaderMs } from '../limits.ts';
import { DataEncoder, type DataEncoderOptions } from '../wire/data-encoder.ts';
import { asError } from '../wire/error-codec.ts';
import { FrameWriter } from './frame-writer.ts';
import type { Link } from './link.ts';
import { ToClient } from './protocol.ts';
import { packForClients } from './server-code.ts';

export interface AnswerOptions {
  readonly maxFrameBytes: number;
  /** Defined where functions and instances may be sent. */
  readonly code: object | undefined;
  readonly exposeStacks: boolean;
}

/** How shared objects stand in answers, and what of them was told. */
export interface AnswerReferences {
  write(value: object, encoder: DataEncoder): boolean;
  /** What was written from this length of the message on is not sent. */
  takeBack(length: number): void;
  /** What was written up to now is sent. */
  sent(): void;
}

/** What the server tells one client: the answers of one tick go out together. */
export class Answers {
  readonly #link: Link;
  readonly #options: AnswerOptions;
  readonly #out: FrameWriter;
  readonly #references: AnswerReferences;
  readonly #encoder: DataEncoder;
  readonly #errors: DataEncoder;
  /** Calls in a row that gave undefined and are yet to be answered. */
  #range = { first: 0, count: 0 };
  #slowTimer: NodeJS.Timeout | undefined;
  #scheduled = false;

  constructor(link: Link, options: AnswerOptions, references: AnswerReferences) {
    this.#link = link;
    this.#options = options;
    this.#out = new FrameWriter(options.maxFrameBytes);
    this.#references = references;
    const shared: DataEncoderOptions = {
      special: (value, encoder) => references.write(value, encoder),
      takeBack: (length) => references.takeBack(length),
    };
    this.#encoder = new DataEncoder(shared);
    const { exposeStacks: stacks } = options;
    this.#errors = new DataEncoder({ ...shared, maxErrorText: maxRemoteMessageLength, stacks });
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
    try {
      this.#record(ToClient.done, id, () => this.#write(result));
    } catch (error) {
      this.failed(id, error);
    }
  }

  #record(op: number, id: number, write: () => void): void {
    const mark = this.#out.open();
    const { writer } = this.#out;
    writer.u8(op);
    writer.varint(id);
    try {
      write();
      this.#out.close(mark);
      this.#references.sent();
    } catch (error) {
      this.#out.rollback(mark);
      this.#references.takeBack(mark);
      throw error;
    }
  }

  /** As data, or, where that is allowed, as anything. */
  #write(value: unknown): void {
    const { writer } = this.#out;
    try {
      this.#encoder.message(writer, value, 'result');
    } catch (error) {
      if (this.#options.code === undefined || !(error instanceof SerializationError)) throw error;
      this.#encoder.message(writer, packForClients(value), 'result');
    }
  }

  /** Tells of whatever was thrown: what does not travel by its name. */
  failed(id: number, thrown: unknown): void {
    if (thrown instanceof ProtocolError) return this.#link.destroy(thrown);
    this.#flushRange();
    const tell = (error: Error): void =>
      this.#record(ToClient.failed, id, () => this.#errors.message(this.#out.writer, error, 'result'));
    const error = asError(thrown);
    try {
      tell(error);
    } catch (failure) {
      const why = failure instanceof FrameTooLargeError ? 'is too large to be sent' : 'cannot be sent';
      tell(new RemoteError(`The call failed with ${nameOf(error)}, which ${why}.`, undefined));
    }
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

  /** After each record: what it is told does not grow without end. */
  relieve(): void {
    if (this.#out.length > 2 * managerBatchBytes) this.flush();
  }

  /** It asks faster than it reads: it is not listened to until it has caught up, and cut off when it reads nothing any more. */
  #holdBack(): void {
    if (this.#slowTimer !== undefined) return;
    const link = this.#link;
    link.pause();
    let { sentBytes } = link;
    this.#slowTimer = setInterval(() => {
      if (link.sentBytes === sentBytes) link.destroy(new ProtocolError('A client does not read its answers.'));
      ({ sentBytes } = link);
    }, slowReaderMs);
    this.#slowTimer.unref();
  }

  get isHeldBack(): boolean {
    return this.#slowTimer !== undefined;
  }

  /** It has read all. */
  drained(): void {
    clearInterval(this.#slowTimer);
    this.#slowTimer = undefined;
  }

  end(): void {
    clearInterval(this.#slowTimer);
  }
}

function nameOf(error: Error): string {
  try {
    return String(error.name).slice(0, 100);
  } catch {
    return 'an error';
  }
}
