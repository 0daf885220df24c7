import { readSync, writeSync } from 'node:fs';
import { ProtocolError, SharedMemoryError } from '../errors.ts';
import { maxQueuedBytes } from '../limits.ts';
import { retireKept } from '../memory/kept-files.ts';
import { requireNative } from '../native.ts';

const pageBytes = 4096;
const At = { tail: 0, head: 1 } as const;
export const storeWords = 16;

/** Where a large item is: what the ring holds in its place. */
export interface Stored {
  readonly page: number;
  readonly bytes: number;
}

/** Bytes of the record that stands for a large item in the ring. */
export const storedBytes = 16;

export function recordOf({ page, bytes }: Stored): Buffer {
  const record = Buffer.alloc(storedBytes);
  record.writeDoubleLE(page, 0);
  record.writeDoubleLE(bytes, 8);
  return record;
}

/** @throws ProtocolError for what no record can say. */
export function readStored(ring: Uint8Array, start: number): Stored {
  const record = Buffer.from(ring.buffer, ring.byteOffset + start, storedBytes);
  const page = record.readDoubleLE(0);
  const bytes = record.readDoubleLE(8);
  if (!(page >= 0 && page < 2 ** 32 && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER))
    throw new ProtocolError('A record of a ring names a place that cannot be.');
  return { page, bytes };
}

/**
 * Room for large items in the file of the ring, behind the part that is mapped: written and read by calls, in the order in which
 * they are put and taken, and given back behind them. So the file is no larger than what is in it, a full `/dev/shm` is an error
 * of the call, and nothing has to be removed: the memory goes with the last who has the file.
 *
 * Pages are counted by 32-bit counters that run on, as in the ring.
 */
export class Store {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #fd: number;
  readonly #base: number;

  constructor(words: Int32Array, at: number, file: { readonly fd: number; readonly bytes: number }) {
    this.#words = words;
    this.#at = at;
    this.#fd = file.fd;
    this.#base = Math.ceil(file.bytes / pageBytes) * pageBytes;
  }

  /** Bytes of large items, as far as they are not given back. */
  get bytes(): number {
    const head = Atomics.load(this.#words, this.#at + At.head);
    return ((Atomics.load(this.#words, this.#at + At.tail) - head) >>> 0) * pageBytes;
  }

  hasRoom(bytes: number): boolean {
    return this.bytes === 0 || this.bytes + bytes <= maxQueuedBytes;
  }

  /** To be called by one party at a time. What nobody refers to is written over, or given back with what was put before it. */
  write(parts: readonly Uint8Array[], bytes: number): Stored {
    const pages = Math.ceil(bytes / pageBytes);
    let page = Atomics.load(this.#words, this.#at + At.tail) >>> 0;
    if (page + pages > 2 ** 32) page = 0;
    if (!this.#fill(parts, page, pages)) {
      // What is kept for the next large buffers is of less use.
      retireKept();
      if (!this.#fill(parts, page, pages))
        throw new SharedMemoryError(
          `Cannot put an item of ${bytes} bytes: /dev/shm is full. Make it larger (docker run --shm-size), or put less.`,
        );
    }
    Atomics.store(this.#words, this.#at + At.tail, (page + pages) | 0);
    return { page, bytes };
  }

  /** False, with nothing taken, when there is no memory left. */
  #fill(parts: readonly Uint8Array[], page: number, pages: number): boolean {
    let position = this.#base + page * pageBytes;
    try {
      for (const part of parts) {
        for (let from = 0; from < part.length;) {
          const written = writeSync(this.#fd, part, from, part.length - from, position);
          from += written;
          position += written;
        }
      }
      return true;
    } catch (error) {
      this.#punch(page, pages);
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
      throw error;
    }
  }

  /** To be called by one party at a time, as `free`. */
  read({ page, bytes }: Stored): Buffer {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const start = this.#base + page * pageBytes;
    for (let from = 0; from < bytes;) {
      const count = readSync(this.#fd, buffer, from, bytes - from, start + from);
      // Less than was written: somebody has cut the file.
      if (count === 0) throw new Error('The memory of a large item is gone.');
      from += count;
    }
    return buffer;
  }

  /** Gives back an item and all that came before it. */
  free({ page, bytes }: Stored): void {
    const end = (page + Math.ceil(bytes / pageBytes)) | 0;
    const from = Atomics.load(this.#words, this.#at + At.head) >>> 0;
    if (page >= from) this.#punch(from, (end >>> 0) - from);
    else this.#punch(page, Math.ceil(bytes / pageBytes));
    Atomics.store(this.#words, this.#at + At.head, end);
  }

  #punch(page: number, pages: number): void {
    requireNative('A queue').punch(this.#fd, this.#base + page * pageBytes, pages * pageBytes);
  }
}
