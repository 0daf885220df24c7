import { ConnectionStateError, EndOfFileError, FrameTooLargeError, TimeoutError } from '../errors.ts';
import { fill, lengthLimit, part, roomIn } from '../queues/bytes.ts';
import { pollingOf, type QueueOptions, waitingOf } from '../queues/options.ts';
import { showAs } from '../inspection.ts';
import { refusal } from '../wire/encode-builtin.ts';
import { startingAt } from '../wire/unsendable.ts';
import { closedError, type MessageSocket } from './message-socket.ts';
import { dumps } from './pickle/encode.ts';
import { loads } from './pickle/decode.ts';

export interface ConnectionRules {
  readonly maxMessageBytes: number;
  readonly maps: boolean;
}

/**
 * A connection over a socket, whose other end may be Python's. `Listener` and `Client` give it. What is sent is plain data:
 * numbers, strings, bytes, arrays, plain objects, Map, Set, dates and times. It keeps the program alive only while somebody
 * waits for a message, or something is still to be sent. Python: `multiprocessing.connection.Connection`.
 *
 * @typeParam Out - What is sent.
 * @typeParam In - What is received.
 *
 * @example
 * ```ts
 * import { Client, Listener } from 'manycore/connection';
 * await using listener = new Listener();
 * const [here, there] = await Promise.all([listener.accept(), Client(listener.address)]);
 * await here.send({ add: [1, 2] });
 * console.log(await there.recv()); // { add: [ 1, 2 ] }
 * here.close();
 * there.close();
 * ```
 */
export class SocketConnection<Out = unknown, In = Out> {
  readonly #messages: MessageSocket;
  readonly #rules: ConnectionRules;
  /** After a message that was too long nothing more is received. */
  #broken = false;

  /** Made by `Client` and `Listener`. */
  constructor(messages: MessageSocket, rules: ConnectionRules) {
    this.#messages = messages;
    this.#rules = rules;
  }

  get closed(): boolean {
    return this.#messages.closed;
  }

  get readable(): boolean {
    return !this.#broken;
  }

  get writable(): boolean {
    return true;
  }

  /**
   * Sends plain data. It is copied at the call; the promise resolves when the kernel has taken it.
   *
   * @throws SerializationError with the path to what is no plain data.
   * @throws BrokenPipeError when the other side is gone; ConnectionStateError when this one is closed.
   */
  async send(value: Out): Promise<void> {
    this.#checkOpen();
    await this.#send(pickled(value));
  }

  /**
   * Sends bytes as they are; none are a message too.
   *
   * @param bytes - An ArrayBuffer, or a view on one. Not to be changed before it is sent.
   * @param offset - The first byte that is sent.
   * @param size - How many; default: all from there.
   */
  async sendBytes(bytes: ArrayBuffer | ArrayBufferView, offset?: number, size?: number): Promise<void> {
    this.#checkOpen();
    await this.#send(part(bytes, offset, size));
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const most = this.#rules.maxMessageBytes;
    if (bytes.length > most)
      throw new FrameTooLargeError(
        `Cannot send a message of ${bytes.length} bytes: ${most} are allowed, see \`maxMessageBytes\`.`,
      );
    await this.#messages.send(bytes);
  }

  /**
   * Receives the next message.
   *
   * @throws EndOfFileError when the other side has closed the connection; ConnectionLostError when it was cut off.
   * @throws UnpicklingError when the message is more than plain data: nothing of it was run, and the next one can be received.
   * @throws TimeoutError, AbortError when `timeout` milliseconds are over or `signal` is aborted: the message is not lost.
   */
  async recv(options?: QueueOptions): Promise<In> {
    const message = await this.#receive('recv', this.#rules.maxMessageBytes, options);
    return loads(message, { maps: this.#rules.maps }) as In;
  }

  /**
   * Receives the next message as bytes.
   *
   * @param maxLength - How many bytes at most.
   * @throws FrameTooLargeError when it is longer: nothing more can be received then.
   */
  async recvBytes(maxLength?: number, options?: QueueOptions): Promise<Uint8Array> {
    const most = lengthLimit(maxLength);
    const message = await this.#receive('recvBytes', Math.min(most, this.#rules.maxMessageBytes), options);
    // Without the memory that it may share with the next message.
    return new Uint8Array(message);
  }

  /**
   * Receives the next message into a buffer: how many bytes it has.
   *
   * @throws BufferTooShortError, which has the message, when there is not so much room.
   */
  async recvBytesInto(buffer: ArrayBuffer | ArrayBufferView, offset = 0, options?: QueueOptions): Promise<number> {
    const room = roomIn(buffer, offset);
    return fill(room, await this.recvBytes(undefined, options));
  }

  async #receive(method: string, limit: number, options?: QueueOptions): Promise<Buffer> {
    this.#checkReadable();
    try {
      return await this.#messages.receive(limit, waitingOf(method, options));
    } catch (error) {
      if (error instanceof FrameTooLargeError) this.#broken = true;
      throw error;
    }
  }

  /**
   * Whether a message, or the end, can be received: within `timeout` milliseconds, at once without it; `Infinity` waits for as
   * long as it takes. Takes nothing out.
   */
  async poll(options?: QueueOptions): Promise<boolean> {
    this.#checkReadable();
    try {
      await this.#messages.ready(this.#rules.maxMessageBytes, pollingOf('poll', options));
    } catch (error) {
      if (error instanceof TimeoutError) return false;
      throw error;
    }
    this.#checkOpen();
    return true;
  }

  #checkOpen(): void {
    if (this.closed) throw closedError();
  }

  #checkReadable(): void {
    this.#checkOpen();
    if (this.#broken)
      throw new ConnectionStateError('Cannot receive: a message was longer than allowed, and is in the way.');
  }

  /** Messages as they come, until the other side closes the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<In, void, undefined> {
    for (;;) {
      let value: In;
      try {
        value = await this.recv();
      } catch (error) {
        if (error instanceof EndOfFileError) return;
        throw error;
      }
      yield value;
    }
  }

  /** Gives this end up; what was sent still goes out. The other side receives it, and then the end. */
  close(): void {
    this.#messages.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function pickled(value: unknown): Uint8Array {
  try {
    return dumps(value);
  } catch (error) {
    throw startingAt(error, 'the value');
  }
}

Object.defineProperty(SocketConnection.prototype, refusal, {
  value: 'Cannot send {path}: a connection over a socket stays where it was made. Send a Pipe() end instead.',
});

showAs(SocketConnection, ({ closed, readable }) => (closed ? ' closed' : readable ? ' duplex' : ' write-only'));
