import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { TLSSocket } from 'node:tls';
import { FrameTooLargeError } from '../errors.ts';
import { managerSpinBudgetMs } from '../limits.ts';
import { loadNative } from '../native.ts';
import { descriptorOf } from './descriptor.ts';

export interface LinkEvents {
  /** A whole frame. Its memory is used again: what is kept has to be copied. */
  frame(body: Buffer): void;
  /** The chunk that was read is dealt with. */
  idle(): void;
  closed(error: Error | undefined): void;
}

const headBytes = 4;
const directBytes = 32 * 1024;
const readBytes = 64 * 1024;
/** How often a spin must have come to nothing before it is tried only now and then. */
const patience = 8;
const seldom = 8;

const spins = availableParallelism() > 1;
let shared: Buffer | undefined;

/**
 * Frames on a socket: u32 length | body. On the same machine small messages go out by one system call, and the answer is
 * looked for a moment before the thread goes to sleep: to be woken takes longer than to answer.
 */
export class Link {
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  readonly #maxFrameBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #wanted = headBytes;
  #inBody = false;
  #closed = false;
  #paused = false;
  #failures = 0;
  #skipped = 0;
  #spentMs = 0;
  #turn = false;

  constructor(socket: Socket, maxFrameBytes: number, events: LinkEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#maxFrameBytes = maxFrameBytes;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    let failure: Error | undefined;
    socket.on('error', (error) => (failure = error));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.#closed) return;
      this.#closed = true;
      events.closed(failure);
    });
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Bytes that came: frames are told as they are whole. */
  take(chunk: Buffer): void {
    try {
      this.#frames(chunk);
    } catch (error) {
      return this.destroy(error as Error);
    }
    if (!this.#closed) this.#events.idle();
  }

  #frames(chunk: Buffer): void {
    let at = 0;
    while (!this.#closed && chunk.length - at >= this.#wanted - this.#pendingBytes) {
      let part = chunk.subarray(at, (at += this.#wanted - this.#pendingBytes));
      if (this.#pendingBytes > 0) {
        part = Buffer.concat([...this.#pending, part]);
        this.#pending = [];
        this.#pendingBytes = 0;
      }
      if (this.#inBody) {
        this.#inBody = false;
        this.#wanted = headBytes;
        this.#events.frame(part);
      } else {
        const bytes = part.readUInt32LE(0);
        if (bytes > this.#maxFrameBytes)
          throw new FrameTooLargeError(`A frame of ${bytes} bytes came: the limit is ${this.#maxFrameBytes}.`);
        this.#inBody = bytes > 0;
        this.#wanted = bytes > 0 ? bytes : headBytes;
      }
    }
    if (this.#closed || at === chunk.length) return;
    // What is read while spinning lies in memory that is used again.
    const rest = chunk.buffer === shared?.buffer ? Buffer.from(chunk.subarray(at)) : chunk.subarray(at);
    this.#pending.push(rest);
    this.#pendingBytes += rest.length;
  }

  /** Sends whole frames, heads included. The memory is the caller's again when this returns, if `bytes` is small. */
  send(bytes: Buffer): void {
    const socket = this.#socket;
    if (this.#closed || socket.destroyed) return;
    let sent = 0;
    const fd = socket.writableLength === 0 && bytes.length <= directBytes ? this.#descriptor() : undefined;
    if (fd !== undefined) {
      try {
        sent = writeSync(fd, bytes);
      } catch {
        // It is full, or closed: the socket finds out.
      }
      if (sent === bytes.length) return;
    }
    socket.write(Buffer.from(bytes.subarray(sent)));
  }

  #descriptor(): number | undefined {
    const socket = this.#socket;
    if (socket instanceof TLSSocket || socket.connecting || socket.destroyed) return undefined;
    return descriptorOf(socket);
  }

  /** Looks for bytes for a moment; true when some came, which are dealt with by then. */
  spin(us: number): boolean {
    if (!spins || this.#paused || this.#closed || this.#spentMs > managerSpinBudgetMs) return false;
    if (this.#failures >= patience && ++this.#skipped < seldom) return false;
    this.#skipped = 0;
    const fd = this.#descriptor();
    const native = fd === undefined ? undefined : loadNative();
    if (native === undefined) return false;
    this.#whenTurned();
    shared ??= Buffer.allocUnsafeSlow(readBytes);
    const start = performance.now();
    const end = start + us / 1_000;
    for (let now = start; now < end; now = performance.now()) {
      const count = native.receiveNow(fd!, shared);
      if (count > 0) {
        this.#spentMs += performance.now() - start;
        this.#failures = 0;
        // Handling it may read again.
        const chunk = shared.subarray(0, count);
        this.take(chunk);
        return true;
      }
    }
    this.#spentMs += us / 1_000;
    this.#failures++;
    return false;
  }

  #whenTurned(): void {
    if (this.#turn) return;
    this.#turn = true;
    setImmediate(() => {
      this.#turn = false;
      this.#spentMs = 0;
    });
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends it at once; `closed` is told within this call. */
  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#events.closed(error);
  }
}
