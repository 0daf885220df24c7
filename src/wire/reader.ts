import { ProtocolError } from '../errors.ts';

/** The receiving half of the wire format's primitives. Every length is checked against what is left before it is used. */
export class Reader {
  readonly bytes: Buffer;
  readonly #view: DataView;
  end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
  }

  /** Refuses a length that the remaining bytes cannot hold. */
  need(count: number): void {
    if (count > this.end - this.at)
      throw new ProtocolError(`A message ends ${count - (this.end - this.at)} bytes early.`);
  }

  u8(): number {
    if (this.at >= this.end) this.need(1);
    return this.bytes[this.at++]!;
  }

  u32(): number {
    this.need(4);
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  i32(): number {
    this.need(4);
    const value = this.#view.getInt32(this.at, true);
    this.at += 4;
    return value;
  }

  f64(): number {
    this.need(8);
    const value = this.#view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new ProtocolError('A message holds a number of more than 53 bits.');
  }

  /** A count of things that take at least `size` bytes each. */
  count(size: number): number {
    const count = this.varint();
    this.need(count * size);
    return count;
  }

  /** The same, where the count was written in front of things whose number was not known yet. */
  count32(size: number): number {
    const count = this.u32();
    this.need(count * size);
    return count;
  }

  doubles(into: number[] | Float64Array, offset: number, count: number): void {
    this.need(count * 8);
    const view = this.#view;
    let { at } = this;
    for (let i = 0; i < count; i++, at += 8) into[offset + i] = view.getFloat64(at, true);
    this.at = at;
  }

  /** Goes past these bytes if they are what comes next. */
  skip(expected: Uint8Array): boolean {
    const { at, bytes } = this;
    if (expected.length > this.end - at) return false;
    for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
    this.at = at + expected.length;
    return true;
  }

  raw(count: number): Buffer {
    this.need(count);
    const start = this.at;
    this.at += count;
    return this.bytes.subarray(start, this.at);
  }

  string(): string {
    const word = this.varint();
    const wide = word % 2 === 1;
    const length = wide ? word - 1 : word / 2;
    this.need(length);
    const start = this.at;
    this.at += length;
    if (wide) return this.bytes.toString('ucs2', start, this.at);
    return length < 16 ? this.#short(start, length) : this.bytes.toString('latin1', start, this.at);
  }

  /** Latin-1 without a call into C++, which costs more than a few letters do. */
  #short(start: number, length: number): string {
    const { bytes } = this;
    let at = start;
    let text = '';
    for (const end = start + length - 3; at < end; at += 4)
      text += String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!);
    for (const end = start + length; at < end; at++) text += String.fromCharCode(bytes[at]!);
    return text;
  }
}
