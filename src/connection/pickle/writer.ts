import { Writer } from '../../wire/writer.ts';
import { Op } from './opcodes.ts';
import { encodeText, isWellFormed } from './text.ts';

/** Writes the scalars of pickle protocol 4, each in its shortest form. */
export class PickleWriter {
  readonly #out = new Writer(256);

  op(code: number): void {
    this.#out.u8(code);
  }

  u8(value: number): void {
    this.#out.u8(value);
  }

  #u16(value: number): void {
    this.#out.u8(value & 0xff);
    this.#out.u8(value >>> 8);
  }

  integer(value: number): void {
    if (value >= 0 && value <= 0xff) {
      this.op(Op.binInt1);
      this.u8(value);
    } else if (value >= 0 && value <= 0xffff) {
      this.op(Op.binInt2);
      this.#u16(value);
    } else if (value === (value | 0)) {
      this.op(Op.binInt);
      this.#out.i32(value);
    } else {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      this.long(bytes);
    }
  }

  /** Two's complement, the lowest byte first. */
  long(bytes: Uint8Array): void {
    this.#sized(bytes, Op.long1, Op.long4);
  }

  float(value: number): void {
    this.op(Op.binFloat);
    const out = this.#out;
    out.reserve(8);
    out.length = out.bytes.writeDoubleBE(value, out.length);
  }

  text(value: string): void {
    if (!isWellFormed(value)) return this.#sized(encodeText(value), Op.shortBinUnicode, Op.binUnicode);
    const out = this.#out;
    const length = Buffer.byteLength(value);
    this.#head(length, Op.shortBinUnicode, Op.binUnicode);
    out.reserve(length);
    out.length += out.bytes.write(value, out.length);
  }

  bytes(value: Uint8Array): void {
    this.#sized(value, Op.shortBinBytes, Op.binBytes);
  }

  #sized(bytes: Uint8Array, short: number, long: number): void {
    this.#head(bytes.length, short, long);
    this.#out.raw(bytes);
  }

  /** Longer ones than a message may be need no third form. */
  #head(length: number, short: number, long: number): void {
    if (length <= 0xff) {
      this.op(short);
      this.u8(length);
    } else {
      this.op(long);
      this.#out.u32(length);
    }
  }

  /** Refers to what was written before. */
  get(index: number): void {
    if (index <= 0xff) {
      this.op(Op.binGet);
      this.u8(index);
    } else {
      this.op(Op.longBinGet);
      this.#out.u32(index);
    }
  }

  ascii(text: string): void {
    this.#out.raw(Buffer.from(text, 'latin1'));
  }

  take(): Buffer {
    return this.#out.take();
  }
}
