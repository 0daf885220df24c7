import { fstatSync, writeSync } from 'node:fs';
import { loadNative, type Mapping } from '../native.ts';

/** Somebody has its contents, or they are on their way. */
const HELD = 0;
/** Nobody has: either side may take it for the next buffer. */
const FREE = 1;
/** Its memory has been given back. */
const GONE = 2;

/** Words behind the contents, in a page of their own. */
const STATE = 0;
const USES = 1;
const wordBytes = 8;
/** The largest that a Linux has. */
const pageBytes = 64 * 1024;

function contentsOf(bytes: number): number {
  return Math.ceil(bytes / pageBytes) * pageBytes;
}

/**
 * A file that both sides of a channel have mapped, and that either may fill for the other. Its state is changed by
 * compare-and-exchange: from `HELD` by its receiver only, from `FREE` by either.
 */
export class KeptFile {
  /** The most that goes into it. */
  readonly bytes: number;
  readonly #mapping: Mapping;
  readonly #words: Int32Array;
  #populated = false;
  /** How often it had been used when it was last seen free. */
  #freeSince: number | undefined;
  /** A buffer over it is about. */
  #lent = false;
  #closed = false;
  #unmapped = false;

  /** @internal */
  constructor(mapping: Mapping, bytes: number) {
    this.bytes = bytes;
    this.#mapping = mapping;
    this.#words = new Int32Array(mapping.part(contentsOf(bytes), wordBytes));
  }

  /** Makes a file that has been written one that is kept. Undefined when it cannot be: then it is as it was. */
  static found(fd: number, bytes: number): KeptFile | undefined {
    const file = map(fd, bytes);
    if (file === undefined) return undefined;
    try {
      // Written, not touched: to touch it would end this process when there is no memory.
      writeSync(fd, new Uint8Array(wordBytes), 0, wordBytes, contentsOf(bytes));
      return file;
    } catch {
      file.#unmap();
      return undefined;
    }
  }

  /** The file that the other side has made so. Undefined when it cannot be mapped: the other side is told. */
  static join(fd: number, bytes: number): KeptFile | undefined {
    const file = map(fd, bytes);
    if (file === undefined) writeSync(fd, Int32Array.of(GONE), 0, 4, contentsOf(bytes));
    return file;
  }

  /** Whether it is such a file. */
  static is(fd: number, bytes: number): boolean {
    return fstatSync(fd).size === contentsOf(bytes) + wordBytes;
  }

  get isFree(): boolean {
    return this.#state === FREE;
  }

  get #state(): number {
    return this.#unmapped ? GONE : Atomics.load(this.#words, STATE);
  }

  #change(from: number, to: number): boolean {
    return !this.#unmapped && Atomics.compareExchange(this.#words, STATE, from, to) === from;
  }

  /** Takes it for the other side, with these contents. False when it is not free. */
  fill(bytes: Uint8Array): boolean {
    if (!this.#change(FREE, HELD)) return false;
    Atomics.add(this.#words, USES, 1);
    if (!this.#populated) this.#mapping.populate();
    this.#populated = true;
    new Uint8Array(this.#mapping.buffer, 0, bytes.length).set(bytes);
    return true;
  }

  /** A buffer over what the other side has filled in. When it has been collected, `letGo` is to be called. */
  lend(bytes: number): ArrayBuffer {
    if (bytes > this.bytes || this.#lent || this.#state !== HELD)
      throw new Error('The file was not filled for this side.');
    this.#lent = true;
    return this.#mapping.part(0, bytes);
  }

  letGo(): void {
    this.#lent = false;
    this.#change(HELD, FREE);
    if (this.#closed) this.#unmap();
  }

  /** Gives its memory back if nobody has it. */
  retire(): void {
    if (!this.#change(FREE, GONE)) return;
    // The other side still has it mapped.
    this.#mapping.discard(contentsOf(this.bytes));
    this.#unmap();
  }

  /** To be called now and then: one that was free all the time since the last call is given back. Returns whether it is gone. */
  age(): boolean {
    if (this.#lent) return false;
    const uses = this.isFree ? Atomics.load(this.#words, USES) : undefined;
    if (uses !== undefined && uses === this.#freeSince) this.retire();
    this.#freeSince = uses;
    if (this.#state !== GONE) return false;
    this.#unmap();
    return true;
  }

  /** The other side has ended. */
  close(): void {
    this.#closed = true;
    if (!this.#lent) this.#unmap();
  }

  #unmap(): void {
    if (!this.#unmapped) this.#mapping.unmap();
    this.#unmapped = true;
  }
}

function map(fd: number, bytes: number): KeptFile | undefined {
  let mapping: Mapping | undefined;
  try {
    mapping = loadNative()?.map(fd, contentsOf(bytes) + wordBytes);
    return mapping && new KeptFile(mapping, bytes);
  } catch {
    // There are too many mappings.
    mapping?.unmap();
    return undefined;
  }
}
