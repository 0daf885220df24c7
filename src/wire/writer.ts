import { FrameTooLargeError } from '../errors.ts';
import { maxFrameBytes } from '../limits.ts';

export function tooLarge(bytes: number): string {
  return `A message of ${bytes} bytes is too large: the limit is ${maxFrameBytes}. Send it in parts, or write it to a file.`;
}

/** Bytes that grow: the sending half of the wire format's primitives. */
export class Writer {
  bytes: Buffer;
  #view: DataView;
  length = 0;

  constructor(capacity = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    if (needed > maxFrameBytes) throw new FrameTooLargeError(tooLarge(needed));
    const grown = Buffer.allocUnsafeSlow(Math.min(maxFrameBytes, Math.max(needed, this.bytes.length * 2)));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** The written bytes, without a copy: valid until the next write. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Hands the written bytes over and starts anew. */
  take(): Buffer {
    const taken = this.written();
    this.bytes = Buffer.allocUnsafeSlow(Math.min(Math.max(1024, this.bytes.length), 64 * 1024));
    this.#view = new DataView(this.bytes.buffer);
    this.length = 0;
    return taken;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** Overwrites four bytes that were written before, such as a length that is known only afterwards. */
  u32At(position: number, value: number): void {
    this.#view.setUint32(position, value, true);
  }

  i32(value: number): void {
    this.reserve(4);
    this.#view.setInt32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** An unsigned integer up to 2^53 in as few bytes as it needs. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest = rest > 0x7fffffff ? Math.floor(rest / 128) : rest >>> 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Numbers as doubles, back to back; the caller has written how many. */
  doubles(values: ArrayLike<number>, from: number, to: number): void {
    this.reserve((to - from) * 8);
    const view = this.#view;
    let at = this.length;
    for (let i = from; i < to; i++, at += 8) view.setFloat64(at, values[i]!, true);
    this.length = at;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /**
   * A string as Latin-1 where that is enough, as UTF-16 otherwise: unlike UTF-8 both keep lone surrogates, and both are
   * plain copies. The length word's lowest bit tells which.
   */
  string(value: string): void {
    const { length } = value;
    if (length < 48 ? this.#shortLatin1(value) : this.#longLatin1(value)) return;
    this.varint(length * 2 + 1);
    this.reserve(length * 2);
    this.bytes.write(value, this.length, 'ucs2');
    this.length += length * 2;
  }

  #shortLatin1(value: string): boolean {
    const { length } = value;
    this.reserve(length + 8);
    const start = this.length;
    this.bytes[this.length++] = length * 2;
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0xff) {
        this.length = start;
        return false;
      }
      bytes[at++] = unit;
    }
    this.length = at;
    return true;
  }

  #longLatin1(value: string): boolean {
    if (beyondLatin1.test(value)) return false;
    this.varint(value.length * 2);
    this.reserve(value.length);
    this.bytes.write(value, this.length, 'latin1');
    this.length += value.length;
    return true;
  }
}

const beyondLatin1 = /[^\u0000-\u00ff]/;
