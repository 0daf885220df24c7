import { FrameTooLargeError } from '../errors.ts';
import { managerBatchBytes, maxDataNodes, minManagerFrameBytes } from '../limits.ts';
import { Writer } from '../wire/writer.ts';

const headBytes = 4;

/** Records for the other side, in frames. What is written within one tick is taken at once. */
export class FrameWriter {
  readonly writer: Writer = new Writer(8 * 1024);
  #maxFrameBytes: number;
  /** Up to this size records go together. Where the limit is not known yet, what is larger goes alone. */
  #batchBytes: number;
  /** Where the open frame begins; -1: there is none. */
  #start = -1;
  /** Values in it, as the other side counts them. */
  #values = 0;

  constructor(maxFrameBytes: number, isKnown = true) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#batchBytes = isKnown ? Math.min(managerBatchBytes, maxFrameBytes) : minManagerFrameBytes;
  }

  /** The other side has told its limit. Returns the records that are too large for it, which are taken out. */
  limit(maxFrameBytes: number): Buffer[] {
    this.#maxFrameBytes = maxFrameBytes;
    this.#batchBytes = Math.min(managerBatchBytes, maxFrameBytes);
    this.#seal();
    const { writer } = this;
    const refused: Buffer[] = [];
    let end = 0;
    for (let at = 0; at < writer.length;) {
      const size = headBytes + writer.bytes.readUInt32LE(at);
      if (size - headBytes > maxFrameBytes) refused.push(Buffer.from(writer.bytes.subarray(at + headBytes, at + size)));
      else {
        writer.bytes.copyWithin(end, at, at + size);
        end += size;
      }
      at += size;
    }
    writer.length = end;
    return refused;
  }

  /** Before a record; returns where it begins. */
  open(): number {
    const { writer } = this;
    if (this.#start < 0) {
      this.#start = writer.length;
      writer.u32(0);
    }
    return writer.length;
  }

  /**
   * After a record that began at `mark` and has so many values. One that does not go with those before it begins a frame.
   *
   * @throws FrameTooLargeError when it is too large by itself. It is taken back.
   */
  close(mark: number, values = 0): void {
    const bytes = this.writer.length - mark;
    if (bytes > this.#maxFrameBytes || values > maxDataNodes) {
      this.rollback(mark);
      const [size, most] =
        values > maxDataNodes ? [`${values} values`, maxDataNodes] : [`${bytes} bytes`, this.#maxFrameBytes];
      throw new FrameTooLargeError(`A message of ${size} is too large for a manager: the limit is ${most}.`);
    }
    const before = mark - this.#start - headBytes;
    if (before > 0 && (before + bytes > this.#batchBytes || this.#values + values > maxDataNodes)) this.#split(mark);
    this.#values += values;
    if (this.writer.length - this.#start - headBytes >= this.#batchBytes) this.#seal();
  }

  #split(mark: number): void {
    const { writer } = this;
    const { length } = writer;
    writer.u32(0);
    writer.bytes.copyWithin(mark + headBytes, mark, length);
    writer.u32At(this.#start, mark - this.#start - headBytes);
    writer.u32At(mark, 0);
    this.#start = mark;
    this.#values = 0;
  }

  /** Takes back what was written since `mark`. */
  rollback(mark: number): void {
    this.writer.length = mark;
    if (mark !== this.#start + headBytes) return;
    this.writer.length = this.#start;
    this.#start = -1;
    this.#values = 0;
  }

  #seal(): void {
    if (this.#start < 0) return;
    this.writer.u32At(this.#start, this.writer.length - this.#start - headBytes);
    this.#start = -1;
    this.#values = 0;
  }

  get length(): number {
    return this.writer.length;
  }

  /** Whole frames, for `send` to use until the next record; undefined when there are none. */
  take(): Buffer | undefined {
    this.#seal();
    const { writer } = this;
    if (writer.length === 0) return undefined;
    // A buffer that is large is not kept, and not written to while it is being sent.
    if (writer.length > managerBatchBytes) return writer.take();
    const bytes = writer.written();
    writer.length = 0;
    return bytes;
  }
}
