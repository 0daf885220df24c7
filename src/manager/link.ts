import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { TLSSocket } from 'node:tls';
import { FrameTooLargeError } from '../errors.ts';
import { managerBatchBytes, managerSpinBudgetMs } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { loadNative } from '../native.ts';
import { descriptorOf } from './descriptor.ts';

export interface LinkEvents {
  /** A whole frame, whose memory may be used again: see `keep`. After `pause()`, there are none. */
  frame(body: Buffer): void;
  /** It goes on after a pause; what was left of the last frame comes before the next one. */
  resumed?(): void;
  /** The chunk that was read is dealt with, as far as it may be. */
  idle(): void;
  /** All that was to be sent has been. */
  drained?(): void;
  closed(error: Error | undefined): void;
}

const headBytes = 4;
const nothing = Buffer.alloc(0);
const directBytes = 32 * 1024;
const readBytes = 64 * 1024;
/** What is written at once: when it has gone the other side is known to read. */
const sliceBytes = 64 * 1024;
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
  /** What has come of the next head or body, with room for more. */
  #pending = nothing;
  #pendingBytes = 0;
  #wanted = headBytes;
  #inBody = false;
  #closed = false;
  #paused = false;
  #failures = 0;
  #skipped = 0;
  #spentMs = 0;
  #turn = false;
  /** What came while it was paused. */
  #rest: Buffer | undefined;
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  #sentBytes = 0;
  #isWriting = false;
  readonly #now: () => number;
  #lastSignMs: number;

  constructor(socket: Socket, maxFrameBytes: number, events: LinkEvents, now: () => number = monotonicMs) {
    this.#now = now;
    this.#lastSignMs = now();
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
    return this.#unsentBytes + this.#socket.writableLength;
  }

  /** How much the other side has taken of what had to wait for it. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Since when no byte has come from the other side, and none has gone there that had to wait. It may say nothing in a pause. */
  get silentMs(): number {
    return this.#paused ? 0 : this.#now() - this.#lastSignMs;
  }

  /** Its silence counts from now on. */
  listenAnew(): void {
    this.#lastSignMs = this.#now();
  }

  /**
   * Runs `cut` when the other side has been silent for so long. A thread that was busy has its timers before what came meanwhile:
   * that is read first.
   */
  whenSilent(ms: number, cut: (silentMs: number) => void): void {
    if (this.silentMs <= ms) return;
    setImmediate(() => {
      if (!this.#closed && this.silentMs > ms) cut(this.silentMs);
    });
  }

  /** Bytes that came: frames are told as they are whole. */
  take(chunk: Buffer): void {
    this.#lastSignMs = this.#now();
    if (this.#paused) return this.#keepRest(chunk);
    try {
      this.#frames(chunk);
    } catch (error) {
      return this.destroy(error as Error);
    }
    if (!this.#closed) this.#events.idle();
  }

  /** Bytes of a frame that are needed later: what is read while spinning lies in memory that is used again. */
  keep(bytes: Buffer): Buffer {
    return bytes.buffer === shared?.buffer ? Buffer.from(bytes) : bytes;
  }

  #keepRest(chunk: Buffer): void {
    const before = this.#rest;
    this.#rest = before === undefined ? this.keep(chunk) : Buffer.concat([before, chunk]);
  }

  #frames(chunk: Buffer): void {
    let at = 0;
    while (!this.#closed && !this.#paused && chunk.length - at >= this.#wanted - this.#pendingBytes) {
      let part = chunk.subarray(at, (at += this.#wanted - this.#pendingBytes));
      if (this.#pendingBytes > 0) {
        this.#gather(part);
        part = this.#pending;
        this.#pending = nothing;
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
    if (this.#paused) return this.#keepRest(chunk.subarray(at));
    this.#gather(chunk.subarray(at));
  }

  /** Part of a frame. Memory is taken for what has come, not for what is said to come, and is filled as it comes: not in one turn. */
  #gather(part: Buffer): void {
    const bytes = this.#pendingBytes + part.length;
    if (bytes > this.#pending.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#wanted, 2 * bytes));
      this.#pending.copy(larger, 0, 0, this.#pendingBytes);
      this.#pending = larger;
    }
    part.copy(this.#pending, this.#pendingBytes);
    this.#pendingBytes = bytes;
  }

  /** Sends whole frames, heads included. The memory is the caller's again when this returns, if `bytes` is small. */
  send(bytes: Buffer): void {
    const socket = this.#socket;
    if (this.#closed || socket.destroyed) return;
    let sent = 0;
    const fd = this.unsentBytes === 0 && bytes.length <= directBytes ? this.#descriptor() : undefined;
    if (fd !== undefined) {
      try {
        sent = writeSync(fd, bytes);
      } catch {
        // It is full, or closed: the socket finds out.
      }
      if (sent === bytes.length) return;
    }
    for (let at = sent; at < bytes.length; at += sliceBytes) {
      const slice = bytes.subarray(at, at + sliceBytes);
      // What is large is not written to again; what is small may be.
      this.#unsent.push(bytes.length > managerBatchBytes ? slice : Buffer.from(slice));
    }
    this.#unsentBytes += bytes.length - sent;
    this.#write();
  }

  #write(): void {
    if (this.#isWriting || this.#closed) return;
    if (this.#unsent.length === 0) return this.#events.drained?.();
    let count = 1;
    let size = this.#unsent[0]!.length;
    for (; count < this.#unsent.length && size + this.#unsent[count]!.length <= sliceBytes; count++)
      size += this.#unsent[count]!.length;
    const [first, ...more] = this.#unsent.splice(0, count);
    this.#isWriting = true;
    this.#socket.write(more.length === 0 ? first! : Buffer.concat([first!, ...more]), (error) => {
      this.#isWriting = false;
      if (error !== undefined && error !== null) return;
      // A full slice: the system takes a few bytes, such as a ping, whether anybody reads or not.
      if (size >= sliceBytes) this.#lastSignMs = this.#now();
      this.#sentBytes += size;
      this.#write();
    });
    this.#unsentBytes -= size;
  }

  #descriptor(): number | undefined {
    const socket = this.#socket;
    if (socket instanceof TLSSocket || socket.connecting || socket.destroyed) return undefined;
    return descriptorOf(socket);
  }

  /** Looks for bytes for a moment; true when some came, which are dealt with by then. */
  spin(us: number): boolean {
    if (!spins || this.#paused || this.#closed || this.#spentMs > managerSpinBudgetMs) return false;
    // What the socket has read in a pause comes first.
    if (this.#socket.readableLength > 0) return false;
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

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.#lastSignMs = this.#now();
    try {
      this.#events.resumed?.();
      const rest = this.#rest;
      if (rest !== undefined && !this.#paused) {
        this.#rest = undefined;
        this.#frames(rest);
      }
    } catch (error) {
      return this.destroy(error as Error);
    }
    if (this.#closed) return;
    this.#events.idle();
    if (!this.#paused) this.#socket.resume();
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
