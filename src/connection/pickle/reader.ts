import { UnpicklingError } from '../../errors.ts';
import { decodeText } from './text.ts';

/** The bytes of a pickle. Every length is checked against what is left before it is used. */
export class PickleReader {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.#at;
  }

  /** Goes past so many bytes; returns where they begin. */
  #take(count: number): number {
    if (count > this.left) throw new UnpicklingError(`The message ends ${count - this.left} bytes early.`);
    const start = this.#at;
    this.#at += count;
    return start;
  }

  u8(): number {
    return this.bytes[this.#take(1)]!;
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.#take(4));
  }

  i32(): number {
    return this.bytes.readInt32LE(this.#take(4));
  }

  /** A length: what is beyond 2^53 is refused as well as what is beyond the end. */
  u64(): number {
    const value = this.bytes.readBigUInt64LE(this.#take(8));
    return Number(value);
  }

  f64(): number {
    return this.bytes.readDoubleBE(this.#take(8));
  }

  /** A view on the message: what is kept has to be copied. */
  raw(count: number): Buffer {
    const start = this.#take(count);
    return this.bytes.subarray(start, start + count);
  }

  text(count: number): string {
    const start = this.#take(count);
    const text = this.bytes.toString('utf8', start, start + count);
    // What stands for bytes that are no UTF-8, unless it was written.
    return text.includes('\ufffd') ? decodeText(this.bytes.subarray(start, start + count)) : text;
  }

  /** Up to the end of the line, without it. */
  line(): Buffer {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new UnpicklingError('The message ends in the middle of a line.');
    const line = this.raw(end - this.#at);
    this.#at++;
    return line;
  }
}
