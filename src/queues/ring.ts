import { ProtocolError } from '../errors.ts';

/**
 * A bounded ring of records in shared memory; see the README of this folder for its states and invariants. It knows of no
 * latch and no waiting: `put` and `take` are to be called by one party at a time each, one of each at the same time.
 *
 * Sequence numbers and positions are 32-bit counters that run on; their difference is what counts.
 */

const magic = 0x6d63_7271;

/** Where what is (in words). What different parties write has a cache line of its own. */
const At = {
  magic: 0,
  slots: 1,
  capacity: 2,
  limit: 3,
  /** Records that were published. One store of it publishes a record, and with it the count. */
  tail: 16,
  /** Records that were taken. One store of it takes a record out. */
  head: 32,
  /** Records that are done with (`taskDone`). */
  done: 48,
} as const;

const headerWords = 64;
const slotWords = 2;
const lengthBits = 28;
const lengthMask = 2 ** lengthBits - 1;
const alignment = 8;

export interface RingSize {
  /** Bytes for records, a power of two. */
  readonly capacity: number;
  /** How many records at most. */
  readonly limit: number;
}

/** What a record is, besides its bytes: a number below 16 that means something to those who use the ring. */
export interface Record {
  kind: number;
  /** Where its bytes begin and end within `Ring.bytes`. */
  start: number;
  end: number;
}

/** Called at each step of `put` and `take`; tests end the caller there. */
export interface RingSteps {
  step: ((name: string) => void) | undefined;
}

export const steps: RingSteps = { step: undefined };

export class Ring {
  readonly words: Int32Array;
  /** The bytes of the records. */
  readonly bytes: Uint8Array;
  readonly limit: number;
  /** The largest record: a quarter, so that one always fits into an empty ring, wherever its end is. */
  readonly largest: number;
  readonly #capacity: number;
  readonly #slotMask: number;
  /** `tail` when this one had put, and `head` as it was seen before: what the other side writes takes long to read. */
  #putLast: number;
  #seenHead: number;
  /** `head` when this one had taken, and `tail` as it was seen before. */
  #tookLast: number;
  #seenTail: number;

  /** A ring in memory that `format` has prepared. */
  constructor(buffer: ArrayBufferLike, byteOffset = 0) {
    if (byteOffset + headerWords * 4 > buffer.byteLength) throw new ProtocolError('This memory holds no ring.');
    const header = new Int32Array(buffer, byteOffset, headerWords);
    if (header[At.magic] !== magic) throw new ProtocolError('This memory holds no ring.');
    const capacity = header[At.capacity]!;
    const slots = header[At.slots]!;
    const bytes = Ring.bytesFor({ capacity, limit: slots - 1 });
    if (capacity < 64 || !isPower(capacity) || !isPower(slots) || byteOffset + bytes > buffer.byteLength)
      throw new ProtocolError('This memory holds a ring whose sizes cannot be.');
    this.limit = header[At.limit]!;
    this.largest = capacity / 4;
    this.#capacity = capacity;
    this.#slotMask = slots - 1;
    this.words = new Int32Array(buffer, byteOffset, headerWords + slots * slotWords);
    this.bytes = new Uint8Array(buffer, byteOffset + this.words.byteLength, capacity);
    this.#tookLast = this.#seenHead = Atomics.load(this.words, At.head);
    this.#putLast = this.#seenTail = Atomics.load(this.words, At.tail);
  }

  /** How much memory a ring takes. */
  static bytesFor({ capacity, limit }: RingSize): number {
    return (headerWords + slotsFor(limit) * slotWords) * 4 + capacity;
  }

  /** Makes a ring of zeroed memory. */
  static format(buffer: ArrayBufferLike, byteOffset: number, { capacity, limit }: RingSize): Ring {
    const header = new Int32Array(buffer, byteOffset, headerWords);
    header[At.slots] = slotsFor(limit);
    header[At.capacity] = capacity;
    header[At.limit] = limit;
    Atomics.store(header, At.magic, magic);
    return new Ring(buffer, byteOffset);
  }

  /** How many records there are, exactly, at one moment within the call. */
  get size(): number {
    const { words } = this;
    for (;;) {
      const tail = Atomics.load(words, At.tail);
      const size = (tail - Atomics.load(words, At.head)) | 0;
      if (Atomics.load(words, At.tail) === tail) return size;
    }
  }

  /** How many records were put in all, as a counter that runs on. */
  get published(): number {
    return Atomics.load(this.words, At.tail) >>> 0;
  }

  /** How many were taken in all, as a counter that runs on. */
  get taken(): number {
    return Atomics.load(this.words, At.head) >>> 0;
  }

  get isEmpty(): boolean {
    const { words } = this;
    return Atomics.load(words, At.head) === Atomics.load(words, At.tail);
  }

  /** Whether no further record is allowed, or `bytes` more would not fit. */
  isFull(bytes = 0): boolean {
    const { words } = this;
    const head = Atomics.load(words, At.head);
    const tail = Atomics.load(words, At.tail);
    return this.#place(head, tail, bytes) === undefined;
  }

  /**
   * Appends a record; false, with nothing changed, when there is no room. What is published is whole: the one who is killed
   * before the last step has put nothing.
   */
  put(kind: number, source: Uint8Array, length: number): boolean {
    const { words, bytes } = this;
    const tail = Atomics.load(words, At.tail);
    const start = this.#placeFor(tail, length);
    if (start === undefined) return false;
    steps.step?.('put: placed');
    const slot = this.#slot(tail);
    words[slot] = start;
    words[slot + 1] = length | (kind << lengthBits);
    steps.step?.('put: slot written');
    const at = start & (this.#capacity - 1);
    // A call into C++ costs more than a few bytes do.
    if (length <= 64) for (let i = 0; i < length; i++) bytes[at + i] = source[i]!;
    else bytes.set(source.subarray(0, length), at);
    steps.step?.('put: bytes written');
    const next = (tail + 1) | 0;
    Atomics.store(words, At.tail, next);
    this.#putLast = next;
    steps.step?.('put: published');
    return true;
  }

  /** Whether a record of `length` bytes can be put. */
  hasRoom(length: number): boolean {
    return this.#placeFor(Atomics.load(this.words, At.tail), length) !== undefined;
  }

  #placeFor(tail: number, length: number): number | undefined {
    // Since this one put last, nobody else has: there is as much room as there was, and more.
    const start = tail === this.#putLast ? this.#place(this.#seenHead, tail, length) : undefined;
    if (start !== undefined) return start;
    this.#seenHead = Atomics.load(this.words, At.head);
    return this.#place(this.#seenHead, tail, length);
  }

  /** Where a record of `length` bytes would begin, as a position that runs on; undefined when there is no room. */
  #place(head: number, tail: number, length: number): number | undefined {
    if (((tail - head) | 0) >= this.limit) return undefined;
    const capacity = this.#capacity;
    const previous = this.#slot((tail - 1) | 0);
    const { words } = this;
    let start = aligned(words[previous]! + (words[previous + 1]! & lengthMask));
    const first = head === tail ? start : words[this.#slot(head)]!;
    const left = capacity - (start & (capacity - 1));
    // A record is in one piece: what is left at the end of the memory is passed over.
    if (length > left) start = (start + left) | 0;
    return ((aligned(start + length) - first) | 0) > capacity || length > this.largest ? undefined : start;
  }

  /** Whether there is something to be taken. */
  get hasSome(): boolean {
    return this.#hasSome(Atomics.load(this.words, At.head));
  }

  #hasSome(head: number): boolean {
    // Since this one took last, nobody else has: what it saw is there.
    if (head === this.#tookLast && head !== this.#seenTail) return true;
    this.#seenTail = Atomics.load(this.words, At.tail);
    this.#tookLast = head;
    return head !== this.#seenTail;
  }

  /** Looks at the oldest record; false when there is none. It stays until `drop`. */
  peek(into: Record): boolean {
    const { words } = this;
    const head = Atomics.load(words, At.head);
    if (!this.#hasSome(head)) return false;
    const slot = this.#slot(head);
    const packed = words[slot + 1]!;
    const start = words[slot]! & (this.#capacity - 1);
    const end = start + (packed & lengthMask);
    if (end > this.#capacity) throw new ProtocolError('A record of a ring goes beyond its end.');
    into.kind = packed >>> lengthBits;
    into.start = start;
    into.end = end;
    return true;
  }

  /** Takes the oldest record out, in one step: the one who is killed before has taken nothing. */
  drop(): void {
    steps.step?.('take: about to drop');
    const { words } = this;
    const next = (Atomics.load(words, At.head) + 1) | 0;
    Atomics.store(words, At.head, next);
    this.#tookLast = next;
    steps.step?.('take: dropped');
  }

  /** How many are done with in all, as a counter that runs on. */
  get finished(): number {
    return Atomics.load(this.words, At.done) >>> 0;
  }

  /** Records that were put and are not done with. */
  get unfinished(): number {
    const { words } = this;
    const done = Atomics.load(words, At.done);
    return (Atomics.load(words, At.tail) - done) | 0;
  }

  /** One record is done with: how many are not, now; undefined when all were. */
  finish(): number | undefined {
    const { words } = this;
    for (;;) {
      const done = Atomics.load(words, At.done);
      if (Atomics.load(words, At.tail) === done) return undefined;
      const next = (done + 1) | 0;
      if (Atomics.compareExchange(words, At.done, done, next) === done)
        return (Atomics.load(words, At.tail) - next) | 0;
    }
  }

  #slot(sequence: number): number {
    return headerWords + (sequence & this.#slotMask) * slotWords;
  }
}

/** A slot more than records: the one before the oldest tells where that begins. */
function slotsFor(limit: number): number {
  return 2 ** Math.ceil(Math.log2(limit + 1));
}

function aligned(position: number): number {
  return (position + alignment - 1) & -alignment;
}

function isPower(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}
