import { FrameTooLargeError } from '../errors.ts';
import { managerBatchBytes } from '../limits.ts';
import { Writer } from '../wire/writer.ts';

const headBytes = 4;

/** Records for the other side, in frames. What is written within one tick is taken at once. */
export class FrameWriter {
  readonly writer: Writer = new Writer(8 * 1024);
  readonly #maxFrameBytes: number;
  /** Where the open frame begins; -1: there is none. */
  #start = -1;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
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
   * After a record that began at `mark`.
   *
   * @throws FrameTooLargeError when it is too large. It is taken back.
   */
  close(mark: number): void {
    const { writer } = this;
    const bytes = writer.length - this.#start - headBytes;
    if (bytes > this.#maxFrameBytes) {
      this.rollback(mark);
      throw new FrameTooLargeError(
        `A message of ${bytes} bytes is too large for a manager: the limit is ${this.#maxFrameBytes}.`,
      );
    }
    if (bytes >= managerBatchBytes) this.#seal();
  }

  /** Takes back what was written since `mark`. */
  rollback(mark: number): void {
    this.writer.length = mark;
    if (mark !== this.#start + headBytes) return;
    this.writer.length = this.#start;
    this.#start = -1;
  }

  #seal(): void {
    if (this.#start < 0) return;
    this.writer.u32At(this.#start, this.writer.length - this.#start - headBytes);
    this.#start = -1;
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
