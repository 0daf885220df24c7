import type { Socket } from 'node:net';
import { ConnectionLostError, EndOfFileError, FrameTooLargeError } from '../errors.ts';
import type { Waiting } from '../waiting.ts';
import { Waiters } from './waiters.ts';

// CPython's framing of messages: int32, the highest byte first, and so many bytes; or -1, uint64, and so many bytes.

const shortest = 4;
const longer = 8;
const longestShort = 0x7fffffff;
const nothing = Buffer.alloc(0);

/** What goes in front of a message of so many bytes. */
export function headOf(length: number): Buffer {
  const head = Buffer.alloc(length > longestShort ? shortest + longer : shortest);
  head.writeInt32BE(length > longestShort ? -1 : length);
  if (length > longestShort) head.writeBigUInt64BE(BigInt(length), shortest);
  return head;
}

/** What somebody waits for. */
interface Wanted {
  /** The most bytes that the message may have. */
  readonly limit: number;
  /** Whether it is to stay where it is. */
  readonly stays: boolean;
}

/**
 * Takes messages from a socket, one when somebody waits for one: what nobody asks for stays in the socket's buffer, and when that
 * is full in the kernel's. A length is checked before anything of its message is read. While nobody waits the socket does not
 * keep the program alive.
 */
export class FrameReader {
  /** Whether one who waits keeps the program alive. */
  holds = true;
  readonly #socket: Socket;
  readonly #waiters: Waiters<Wanted, Buffer>;
  /** What has come of the present part of a frame, in memory that grows with it. */
  #bytes: Buffer = nothing;
  #filled = 0;
  #wanted = shortest;
  #part: 'head' | 'long head' | 'body' = 'head';
  #message: Buffer | undefined;
  #failure: (() => Error) | undefined;
  #systemError: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#waiters = new Waiters({
      busy: () => this.holds && socket.ref(),
      idle: () => socket.unref(),
      late: 'Nothing was received',
    });
    socket.unref();
    socket.on('readable', this.#pump);
    socket.on('end', () => this.#end());
    socket.on('error', (error) => (this.#systemError = error));
    socket.on('close', () => this.#end());
  }

  /** The next message. */
  read(limit: number, waiting: Waiting = {}): Promise<Buffer> {
    const message = this.#waiters.wait({ limit, stays: false }, waiting);
    this.#pump();
    return message;
  }

  /** Resolves when there is a message, or there is none any more; it is rejected only when the time is over. */
  async ready(limit: number, waiting: Waiting): Promise<void> {
    const message = this.#waiters.wait({ limit, stays: true }, waiting);
    this.#pump();
    await message;
  }

  /** Nothing is received from now on, what is here neither. */
  fail(failure: () => Error): void {
    this.#stop(failure);
    this.#pump();
  }

  #stop(failure: () => Error): void {
    this.#message = undefined;
    this.#failure ??= failure;
    this.#bytes = nothing;
  }

  readonly #pump = (): void => {
    for (let { wanted } = this.#waiters; wanted !== undefined; { wanted } = this.#waiters) {
      if (!this.#fill(wanted.limit)) return;
      if (this.#message !== undefined) this.#deliver(wanted, this.#message);
      else if (wanted.stays) this.#waiters.shift().settle(nothing);
      else this.#waiters.shift().fail(this.#failure!());
    }
  };

  #deliver({ limit, stays }: Wanted, message: Buffer): void {
    if (message.length > limit) return this.#tooLong(message.length, limit);
    if (!stays) this.#message = undefined;
    this.#waiters.shift().settle(message);
  }

  #tooLong(length: number, limit: number): void {
    this.#stop(() => new FrameTooLargeError(`Cannot receive a message of ${length} bytes: ${limit} were allowed.`));
  }

  /** Takes what is there; true when there is a whole message, or a failure. */
  #fill(limit: number): boolean {
    while (this.#message === undefined && this.#failure === undefined) {
      const bytes = this.#collect();
      if (bytes === undefined) return false;
      if (this.#part === 'body') this.#next(bytes);
      else this.#head(bytes, limit);
    }
    return true;
  }

  #next(message: Buffer): void {
    this.#message = message;
    this.#part = 'head';
    this.#wanted = shortest;
  }

  #head(bytes: Buffer, limit: number): void {
    const length = this.#part === 'head' ? bytes.readInt32BE() : Number(bytes.readBigUInt64BE());
    if (this.#part === 'head' && length === -1) {
      this.#part = 'long head';
      this.#wanted = longer;
    } else if (length < 0 || length > limit) {
      this.#tooLong(length, limit);
    } else if (length === 0) {
      this.#next(nothing);
    } else {
      this.#part = 'body';
      this.#wanted = length;
    }
  }

  /** The present part of a frame, when all of it is there. */
  #collect(): Buffer | undefined {
    const socket = this.#socket;
    for (;;) {
      const missing = this.#wanted - this.#filled;
      // Asking for more than there is would have the socket keep as much in its buffer from then on.
      const chunk = socket.read(Math.min(missing, socket.readableLength) || undefined) as Buffer | null;
      if (chunk === null) return undefined;
      if (chunk.length === this.#wanted) return chunk;
      this.#keep(chunk);
      if (this.#filled < this.#wanted) continue;
      const bytes = this.#bytes.subarray(0, this.#filled);
      this.#bytes = nothing;
      this.#filled = 0;
      return bytes;
    }
  }

  /** One who sends byte by byte is not to cost more than the bytes. */
  #keep(chunk: Buffer): void {
    const filled = this.#filled + chunk.length;
    if (filled > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#wanted, Math.max(filled, 2 * this.#bytes.length)));
      this.#bytes.copy(grown, 0, 0, this.#filled);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#filled);
    this.#filled = filled;
  }

  /** Nothing comes any more; a message that is here stays. */
  #end(): void {
    const cause = this.#systemError;
    const isWhole = this.#part === 'head' && this.#filled === 0;
    this.#failure ??= () => {
      if (cause !== undefined)
        return new ConnectionLostError(`The connection was lost: ${cause.message}.`, false, { cause });
      return isWhole
        ? new EndOfFileError('Nothing is left to be received: the other side has closed the connection.')
        : new ConnectionLostError('The connection ended in the middle of a message.', false);
    };
    this.#bytes = nothing;
    this.#pump();
  }
}
