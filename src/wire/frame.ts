import { FrameTooLargeError, ProtocolError } from '../errors.ts';
import { maxFrameAttachments, maxFrameBytes, minLargeBytes } from '../limits.ts';
import type { LargeBuffers } from '../memory/large.ts';
import { tooLarge } from './writer.ts';

/**
 * Frames on a byte stream:
 *
 *     u32 magic | u32 generation | u32 bytes of the body | u32 attachments | f64 bytes of each attachment ... | body | attachments
 *
 * Where the bytes of an attachment have `inMemory` added, its name in shared memory is in its place.
 *
 * The generation is the worker's number in its pool: what an earlier worker left in a pipe can never be taken for another's.
 */
const magic = 0x4d43_0001;
const headBytes = 16;
const nameBytes = 96;
const inMemory = 2 ** 50;

/**
 * The head of a frame and its attachments as they are to be written.
 *
 * @param large - By which large ones go.
 */
export function frameAround(
  generation: number,
  bodyBytes: number,
  attachments: readonly (ArrayBuffer | SharedArrayBuffer)[],
  large: LargeBuffers,
): { readonly head: Buffer; readonly tail: readonly Uint8Array[] } {
  // Before anything is copied.
  const head = frameHead(generation, bodyBytes, attachments);
  const tail = attachments.map((buffer, i) => {
    const bytes = new Uint8Array(buffer);
    const name = bytes.length < minLargeBytes ? undefined : large.put(bytes);
    // It may leave later than now.
    if (name === undefined) return bytes.slice();
    head.writeDoubleLE(bytes.length + inMemory, headBytes + i * 8);
    const place = Buffer.alloc(nameBytes);
    place.write(name, 'latin1');
    return place;
  });
  return { head, tail: tail.filter(({ length }) => length > 0) };
}

export function frameHead(
  generation: number,
  bodyBytes: number,
  attachments: readonly { byteLength: number }[] = [],
): Buffer {
  const head = Buffer.allocUnsafe(headBytes + attachments.length * 8);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(generation, 4);
  head.writeUInt32LE(bodyBytes, 8);
  head.writeUInt32LE(attachments.length, 12);
  let total = bodyBytes;
  attachments.forEach(({ byteLength }, i) => {
    head.writeDoubleLE(byteLength, headBytes + i * 8);
    total += byteLength;
  });
  if (total > maxFrameBytes || attachments.length > maxFrameAttachments) throw new FrameTooLargeError(tooLarge(total));
  return head;
}

export type FrameHandler = (body: Buffer, attachments: readonly ArrayBuffer[]) => void;

/** Puts frames together from the chunks of a stream. Sizes are checked before anything is allocated for them. */
export class FrameAssembler {
  readonly #generation: number;
  readonly #deliver: FrameHandler;
  readonly #large: LargeBuffers | undefined;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #wanted = headBytes;
  #state: 'head' | 'sizes' | 'body' = 'head';
  #bodyBytes = 0;
  #sizes: number[] = [];
  #body: Buffer = Buffer.alloc(0);
  #attachments: ArrayBuffer[] = [];
  /** The attachment that is being filled, and how far it is. */
  #current = 0;
  #filled = 0;

  constructor(generation: number, deliver: FrameHandler, large?: LargeBuffers) {
    this.#generation = generation;
    this.#deliver = deliver;
    this.#large = large;
  }

  /** Takes the next chunk; throws `ProtocolError` when it is not ours. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 || this.#wanted === 0) {
      if (this.#current < this.#attachments.length) {
        rest = this.#fill(rest);
        continue;
      }
      const need = this.#wanted - this.#pendingBytes;
      if (rest.length < need) {
        this.#pending.push(rest);
        this.#pendingBytes += rest.length;
        return;
      }
      this.#pending.push(rest.subarray(0, need));
      rest = rest.subarray(need);
      const part = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#next(part);
    }
  }

  /** Straight into its own memory: large buffers are copied once. */
  #fill(chunk: Buffer): Buffer {
    const buffer = this.#attachments[this.#current]!;
    const count = Math.min(chunk.length, buffer.byteLength - this.#filled);
    new Uint8Array(buffer, this.#filled, count).set(chunk.subarray(0, count));
    this.#filled += count;
    this.#skipFull();
    return chunk.subarray(count);
  }

  /** Goes on to the next attachment that lacks something; without one the frame is whole. */
  #skipFull(): void {
    while (this.#filled === this.#attachments[this.#current]?.byteLength) {
      this.#current++;
      this.#filled = 0;
    }
    if (this.#current === this.#attachments.length) this.#finish();
  }

  #next(part: Buffer): void {
    switch (this.#state) {
      case 'head':
        if (part.readUInt32LE(0) !== magic) throw new ProtocolError('A worker sent something that is not a frame.');
        if (part.readUInt32LE(4) !== this.#generation) throw new ProtocolError('A frame is from another worker.');
        this.#bodyBytes = part.readUInt32LE(8);
        this.#expect('sizes', part.readUInt32LE(12) * 8);
        if (this.#wanted > maxFrameAttachments * 8) throw new ProtocolError('A frame has too many attachments.');
        return;
      case 'sizes': {
        this.#sizes = Array.from({ length: part.length / 8 }, (_, i) => part.readDoubleLE(i * 8));
        const total = this.#sizes.reduce((sum, size) => sum + (size % inMemory), this.#bodyBytes);
        if (
          !(total <= maxFrameBytes) ||
          !this.#sizes.every((size) => Number.isInteger(size) && size >= 0 && size < 2 * inMemory)
        ) {
          throw new FrameTooLargeError(tooLarge(total));
        }
        this.#expect('body', this.#bodyBytes);
        return;
      }
      case 'body':
        this.#body = part;
        this.#attachments = this.#sizes.map((size) => allocate(size < inMemory ? size : nameBytes));
        this.#expect('head', headBytes);
        this.#skipFull();
    }
  }

  #expect(state: 'head' | 'sizes' | 'body', bytes: number): void {
    this.#state = state;
    this.#wanted = bytes;
  }

  #finish(): void {
    const body = this.#body;
    const attachments = this.#attachments.map((buffer, i) =>
      this.#sizes[i]! < inMemory ? buffer : this.#fetch(buffer, this.#sizes[i]! - inMemory),
    );
    this.#attachments = [];
    this.#current = 0;
    this.#body = Buffer.alloc(0);
    this.#deliver(body, attachments);
  }

  #fetch(place: ArrayBuffer, bytes: number): ArrayBuffer {
    const name = Buffer.from(place).toString('latin1').replace(/\0+$/, '');
    try {
      if (this.#large === undefined) throw new Error('Nothing comes in shared memory here.');
      return this.#large.take(name, bytes, allocate);
    } catch (error) {
      if (error instanceof FrameTooLargeError) throw error;
      throw new ProtocolError('A frame lacks a buffer that should be in shared memory.', { cause: error });
    }
  }
}

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    throw new FrameTooLargeError(`There is no memory for a buffer of ${bytes} bytes.`, { cause: error });
  }
}
