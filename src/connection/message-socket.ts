import type { Socket } from 'node:net';
import { BrokenPipeError, ConnectionStateError } from '../errors.ts';
import { slowReaderMs } from '../limits.ts';
import type { Waiting } from '../waiting.ts';
import { FrameReader, headOf } from './frames.ts';

/** Messages over a socket, as bytes. */
export class MessageSocket {
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new FrameReader(socket);
    // On a TCP connection a short message would wait for the answer to the one before it.
    socket.setNoDelay(true);
  }

  /** Whether one who waits for a message keeps the program alive. Default true. */
  set holds(holds: boolean) {
    this.#reader.holds = holds;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when the kernel has all of it: who waits for that is held up by a receiver that is slow. */
  async send(message: Uint8Array): Promise<void> {
    const socket = this.#socket;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null): void => {
        if (!error) resolve();
        else if (this.#closed) reject(closedError());
        else reject(new BrokenPipeError('Cannot send: the other side has closed the connection.', { cause: error }));
      };
      // The two go out in one.
      socket.cork();
      socket.write(headOf(message.length), message.length === 0 ? done : undefined);
      if (message.length > 0) socket.write(message, done);
      socket.uncork();
    });
  }

  receive(limit: number, waiting?: Waiting): Promise<Buffer> {
    return this.#reader.read(limit, waiting);
  }

  ready(limit: number, waiting: Waiting): Promise<void> {
    return this.#reader.ready(limit, waiting);
  }

  /** Gives the connection up at once, for a reason. */
  fail(reason: Error): void {
    this.#reader.fail(() => reason);
    this.#socket.destroySoon();
  }

  /** What was sent still goes out, if the other side takes it within some time. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.fail(closedError);
    const socket = this.#socket;
    socket.destroySoon();
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), slowReaderMs);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

export function closedError(): ConnectionStateError {
  return new ConnectionStateError('The connection is closed.');
}
