import { SharedMemoryError } from '../errors.ts';
import { Home, homeBytes, idOf, maxParties } from './home.ts';
import { isKept, post } from './parcels.ts';
import { Segment, segmentHeader, type SegmentReference, wordsOf } from './segment.ts';

/** What travels: where a block is. */
export interface BlockReference {
  readonly home: SegmentReference;
  /** Undefined: the home's own. */
  readonly segment: SegmentReference | undefined;
  readonly offset: number;
  readonly bytes: number;
  /** It is one of those on their way that the block counts. */
  readonly counted: boolean;
}

/**
 * In front of each block: word 0 counts how often it is on its way, then a bit for each party that has it. Its owner gives the
 * memory to another object only when there is neither.
 */
const headerBytes = 128;
const ON_THE_WAY = 0;
const FIRST_HOLDERS = 1;
const holderWords: number = (maxParties >> 5) + 1;

/** Blocks from this size on have a segment of their own. */
const ownSegmentBytes = 32 * 1024;
const firstSegmentBytes: number = homeBytes + 64 * 1024;
const segmentBytes = 512 * 1024;
const alignment = 64;

/** Memory for one shared object. Its `buffer` stays valid as long as anything refers to it. */
export class Block {
  /** Who takes part in it. */
  readonly home: Home;
  readonly buffer: ArrayBuffer;
  readonly words: Int32Array;
  readonly #segment: Segment;
  readonly #offset: number;

  private constructor(home: Home, segment: Segment, offset: number, bytes: number) {
    this.home = home;
    this.#segment = segment;
    this.#offset = offset;
    this.buffer = this.part(0, bytes);
    this.words = wordsOf(this.buffer);
    this.#hold();
    known.set(this.#key, new WeakRef(this));
  }

  get #key(): string {
    return `${this.#segment.token}:${this.#offset}`;
  }

  #hold(): void {
    const id = idOf(this.home.me);
    const key = this.#key;
    const hold: Hold = {
      home: this.home,
      key,
      segment: this.#segment,
      onTheWay: (this.#offset >> 2) + ON_THE_WAY,
      word: (this.#offset >> 2) + FIRST_HOLDERS + (id >> 5),
      bit: 1 << (id & 31),
    };
    Atomics.or(this.#segment.words, hold.word, hold.bit);
    holds.set(key, (holds.get(key) ?? 0) + 1);
    released.register(this.buffer, hold);
  }

  /** The file that it is in. Behind its first `bytes` there is room for more, if the block has a segment of its own. */
  get file(): { readonly fd: number; readonly bytes: number } {
    return this.#segment;
  }

  /** Some of its bytes as a buffer of their own, which keeps the block. */
  part(offset: number, bytes: number): ArrayBuffer {
    const buffer = this.#segment.part(this.#offset + headerBytes + offset, bytes);
    views.set(buffer, this);
    return buffer;
  }

  /** @internal */
  static at(home: Home, segment: Segment, offset: number, bytes: number): Block {
    return new Block(home, segment, offset, bytes);
  }

  /** The block that another thread told of; a thread has each once. */
  static attach({ home: homeReference, segment: reference, offset, bytes, counted }: BlockReference): Block {
    const token = (reference ?? homeReference).token;
    const present = known.get(`${token}:${offset}`)?.deref();
    const block = present ?? Block.#open(homeReference, reference, offset, bytes);
    if (counted) Atomics.sub(block.#segment.words, block.#offset >> 2, 1);
    return block;
  }

  static #open(home: SegmentReference, segment: SegmentReference | undefined, offset: number, bytes: number): Block {
    const owner = Home.open(home);
    return new Block(owner, segment === undefined ? owner.segment : openSegment(segment), offset, bytes);
  }

  /** Tells another thread where it is: to be taken once by each reference, with `attach`, unless the sender keeps it. */
  refer(): BlockReference {
    const counted = !isKept();
    if (counted) this.#count();
    return {
      home: this.home.segment.reference,
      segment: this.#segment === this.home.segment ? undefined : this.#segment.reference,
      offset: this.#offset,
      bytes: this.buffer.byteLength,
      counted,
    };
  }

  #count(): void {
    const { words } = this.#segment;
    const at = this.#offset >> 2;
    Atomics.add(words, at, 1);
    let isOpen = true;
    const giveUp = (): void => {
      if (isOpen) Atomics.sub(words, at, 1);
      isOpen = false;
    };
    post({ giveUp });
  }
}

/** How many collected and live objects this thread has for a block: the last one clears its bit. */
const holds = new Map<string, number>();
/** What is about to be opened by this thread's descriptor. */
const underWay = new Set<Hold>();
const known = new Map<string, WeakRef<Block>>();
/** A buffer keeps its block: who has only a typed array over it, or over a part of it, has it still. */
const views = new WeakMap<ArrayBuffer, Block>();

/** That this thread has a block. */
interface Hold {
  /** Which this thread does not leave before its bit is cleared: it would be the next one's. */
  readonly home: Home;
  readonly key: string;
  readonly segment: Segment;
  readonly onTheWay: number;
  readonly word: number;
  readonly bit: number;
}

const released = new FinalizationRegistry<Hold>((hold) => {
  const { key, segment, word, bit } = hold;
  const left = holds.get(key)! - 1;
  holds.set(key, left);
  // It has come back before this one was collected.
  if (left > 0) return;
  holds.delete(key);
  known.delete(key);
  Atomics.and(segment.words, word, ~bit);
  if (isOnTheWay(hold)) underWay.add(hold);
});

function isOnTheWay({ segment, onTheWay }: Hold): boolean {
  return Atomics.load(segment.words, onTheWay) > 0;
}

const segments = new Map<number, WeakRef<Segment>>();

function openSegment(reference: SegmentReference): Segment {
  let segment = segments.get(reference.token)?.deref();
  if (segment === undefined) {
    segment = Segment.open(reference);
    segments.set(reference.token, new WeakRef(segment));
  }
  return segment;
}

/** A place in this thread's arena, of a size that is a power of two. */
interface Place {
  readonly segment: Segment;
  readonly offset: number;
  readonly bytes: number;
}

/** The memory that this thread has taken for its objects; only it hands it out and takes it back. */
class Arena {
  readonly home: Home;
  #segment: Segment;
  #next: number;
  #end: number;
  readonly #taken = new Set<Place>();
  readonly #free = new Map<number, Place[]>();
  #worthReclaiming = 256;

  constructor() {
    this.#segment = Segment.create(firstSegmentBytes);
    this.home = Home.found(this.#segment);
    this.#next = segmentHeader + homeBytes;
    this.#end = this.#segment.bytes;
  }

  allocate(bytes: number, length: number): Block {
    if (bytes >= ownSegmentBytes) return this.#large(bytes, length);
    const size = 2 ** Math.ceil(Math.log2(Math.max(alignment * 4, bytes + headerBytes)));
    if (this.#taken.size >= this.#worthReclaiming) {
      this.#reclaim();
      this.#worthReclaiming = Math.max(256, this.#taken.size * 2);
    }
    const place = this.#free.get(size)?.pop() ?? this.#take(size);
    this.#taken.add(place);
    // Another object's remains, above all its state.
    place.segment.words.fill(0, place.offset >> 2, (place.offset + headerBytes + bytes) >> 2);
    return Block.at(this.home, place.segment, place.offset, length);
  }

  #take(bytes: number): Place {
    if (this.#next + bytes > this.#end) {
      this.#segment = Segment.create(segmentBytes);
      this.#next = segmentHeader;
      this.#end = this.#segment.bytes;
    }
    const segment = this.#segment;
    const offset = this.#next;
    this.#next += bytes;
    return { segment, offset, bytes };
  }

  /** Its memory goes with the last who has it: each maps it for itself. */
  #large(bytes: number, length: number): Block {
    for (const hold of underWay) if (!isOnTheWay(hold)) underWay.delete(hold);
    const segment = Segment.create(headerBytes + bytes);
    segments.set(segment.token, new WeakRef(segment));
    return Block.at(this.home, segment, segmentHeader, length);
  }

  /** Takes back what nobody has and nobody will get. */
  #reclaim(): void {
    this.home.bury((ids) => this.#clear(ids));
    for (const place of this.#taken) {
      if (!isFree(place)) continue;
      this.#taken.delete(place);
      let same = this.#free.get(place.bytes);
      if (same === undefined) this.#free.set(place.bytes, (same = []));
      same.push(place);
    }
  }

  /** The dead have nothing any more. Who gets their numbers has not joined yet. */
  #clear(ids: readonly number[]): void {
    const masks = new Int32Array(holderWords);
    for (const id of ids) masks[id >> 5]! |= 1 << (id & 31);
    for (const { segment, offset } of this.#taken) {
      for (const [word, mask] of masks.entries())
        if (mask !== 0) Atomics.and(segment.words, (offset >> 2) + FIRST_HOLDERS + word, ~mask);
    }
  }
}

function isFree({ segment: { words }, offset }: Place): boolean {
  const header = offset >> 2;
  if (Atomics.load(words, header + ON_THE_WAY) !== 0) return false;
  for (let word = 0; word < holderWords; word++)
    if (Atomics.load(words, header + FIRST_HOLDERS + word) !== 0) return false;
  return true;
}

let arena: Arena | undefined;

/**
 * Memory of this thread for a shared object, all zero, in whole words of 8 bytes; of just these bytes when it is to be `exact`.
 *
 * @throws SharedMemoryError when there is none left, or none can be had here.
 */
export function allocate(bytes: number, { exact = false }: { readonly exact?: boolean } = {}): Block {
  if (!(bytes >= 0)) throw new SharedMemoryError(`Cannot allocate ${bytes} bytes.`);
  arena ??= new Arena();
  const rounded = Math.ceil(bytes / 8) * 8;
  return arena.allocate(rounded, exact ? bytes : rounded);
}
