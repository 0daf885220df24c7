import { allocate, Block, type BlockReference } from '../memory/block.ts';
import { Reader } from '../wire/reader.ts';
import { startingAt } from '../wire/unsendable.ts';
import {
  borrowEncoder,
  decodePlain,
  type Encoded,
  giveBack,
  isPlain,
  type MessageEncoder,
  copyOf,
  wholeOf,
} from './codec.ts';
import { type Attempt, Gate, gateWords, type IsDead, unknown } from './gate.ts';
import { inTurn } from '../turns.ts';
import { blocked, late, type Waiting } from '../waiting.ts';
import { addMember, membersOf, partyWords } from './members.ts';
import { Ring, type Record, type RingSize, steps } from './ring.ts';
import { readStored, recordOf, Store, storedBytes, storeWords } from './store.ts';
import { Failure, open, unpack, Unopened } from './taken.ts';
import { TakenCounts } from './taken-counts.ts';

/** What a record is. */
export const Kind = {
  message: 0,
  /** Bytes as they are, of `sendBytes`. */
  bytes: 1,
  /** A message or bytes in the store; the record says where. */
  storedMessage: 2,
  storedBytes: 3,
} as const;

/** Where what is, in words, in front of the ring. */
const At = {
  flags: 0,
  store: 16,
  puts: 16 + storeWords,
  gets: 16 + storeWords + gateWords,
  joins: 16 + storeWords + 2 * gateWords,
  holders: 16 + storeWords + 3 * gateWords,
  taken: 16 + storeWords + 3 * gateWords + partyWords,
  user: 16 + storeWords + 3 * gateWords + partyWords + TakenCounts.words,
} as const;
/** Words for who uses it, such as those who hold an end of a pipe. */
const userWords = 1568;
const headerBytes: number = (At.user + userWords) * 4;

/** Looks at what is about to be taken; when it throws, that stays. */
export type Accept = (kind: number, bytes: number) => void;

/** Given by `take` when there is nothing and nothing will come. */
export const ended: unique symbol = Symbol('ended');

/** What may be put and taken; they throw when it may not. */
export interface Rules {
  /** Before each attempt to put; with the latch too, once a flag was raised. */
  readonly puts?: (isDead: IsDead) => void;
  /** When there is nothing to be taken: true when nothing will come. */
  readonly ended?: (isDead: IsDead) => boolean;
  /** While a take waits. */
  readonly takes?: () => void;
  /** The taken are to be told done with. */
  readonly counts?: boolean;
}

const rings = new WeakMap<Block, SharedRing>();

/** A ring with its latches, its waiters and its store, in a block of shared memory. A thread has one object for each. */
export class SharedRing {
  readonly block: Block;
  readonly ring: Ring;
  readonly puts: Gate;
  readonly gets: Gate;
  readonly joins: Gate;
  readonly #words: Int32Array;
  readonly #store: Store;
  readonly #reader: Reader;
  readonly #record: Record = { kind: 0, start: 0, end: 0 };
  readonly #taken: TakenCounts;

  private constructor(block: Block) {
    const { words, home } = block;
    this.block = block;
    this.ring = new Ring(words.buffer, words.byteOffset + headerBytes);
    this.#words = words;
    const holders = (): number[] => this.#holders();
    this.puts = new Gate(words, At.puts, home, holders);
    this.gets = new Gate(words, At.gets, home, holders);
    this.joins = new Gate(words, At.joins, home, holders);
    this.#store = new Store(words, At.store, block.file);
    this.#reader = new Reader(this.ring.bytes);
    addMember(words, At.holders, home.me);
    this.#taken = new TakenCounts(words, At.taken, home.me);
    // Those who wait have one more whose death they have to hear of.
    this.notify();
  }

  static create(size: RingSize): SharedRing {
    return SharedRing.format(allocate(headerBytes + Ring.bytesFor(size)), size);
  }

  /** A new one in zeroed memory. */
  static format(block: Block, size: RingSize): SharedRing {
    Ring.format(block.words.buffer, block.words.byteOffset + headerBytes, size);
    return SharedRing.of(block);
  }

  static attach(reference: BlockReference): SharedRing {
    return SharedRing.of(Block.attach(reference));
  }

  static of(block: Block): SharedRing {
    let ring = rings.get(block);
    if (ring === undefined) rings.set(block, (ring = new SharedRing(block)));
    return ring;
  }

  /** Words for who uses it. */
  get user(): Int32Array {
    return this.#words.subarray(At.user, At.user + userWords);
  }

  get flags(): number {
    return Atomics.load(this.#words, At.flags);
  }

  /** For good. Who puts looks for it once more with the latch: see `Gate.isHeld`. */
  raise(flag: number): void {
    Atomics.or(this.#words, At.flags, flag);
    this.notify();
  }

  /** Has all who wait try again. */
  notify(): void {
    this.puts.notify();
    this.gets.notify();
    this.joins.notify();
  }

  /** Has those of this thread that wait ask whether they still may. */
  review(): void {
    this.puts.review();
    this.gets.review();
    this.joins.review();
  }

  #holders(): number[] {
    const parties: number[] = [];
    for (let word = 0; word < partyWords; word++) {
      for (const id of membersOf(word, Atomics.load(this.#words, At.holders + word))) {
        const party = this.block.home.occupant(id);
        if (party !== 0) parties.push(party);
      }
    }
    return parties;
  }

  /** Whether a `put` of anything would wait. */
  get isFull(): boolean {
    return this.ring.isFull() || !this.#store.hasRoom(0);
  }

  get storedBytes(): number {
    return this.#store.bytes;
  }

  // Putting.

  /** Puts a record or gives `blocked`; throws when it never can. */
  #tryPut(kind: number, encoded: Encoded, rules: Rules, isDead: IsDead): true | typeof blocked {
    const { ring, puts } = this;
    // Looked at before: who leaves the latch has others try, and two who find no room would do so for ever.
    if (!this.#hasRoom(encoded.length) || !puts.enter(isDead)) return blocked;
    let done = false;
    try {
      steps.step?.('put: latched');
      // A flag that was raised before this is seen; who takes waits for those who came before that.
      if (this.flags !== 0) rules.puts?.(unknown);
      if (encoded.length > ring.largest) done = this.#putLarge(kind, encoded);
      else done = ring.put(kind, encoded.parts === undefined ? encoded.bytes : wholeOf(encoded), encoded.length);
    } finally {
      puts.leave();
      // Also when nothing was put: who takes may have waited for that.
      steps.step?.('put: unlatched');
      this.gets.notify();
    }
    if (!done) return blocked;
    encoded.sent();
    return true;
  }

  #hasRoom(length: number): boolean {
    const { ring } = this;
    if (length <= ring.largest) return ring.hasRoom(length);
    // What somebody who was killed has left in the store is given back with the next item.
    return ring.hasRoom(storedBytes) && (this.#store.hasRoom(length) || ring.isEmpty);
  }

  #putLarge(kind: number, encoded: Encoded): boolean {
    const { length, parts } = encoded;
    if (!this.#hasRoom(length)) return false;
    const stored = this.#store.write(parts ?? [wholeOf(encoded)], length);
    steps.step?.('put: stored');
    return this.ring.put(kind + Kind.storedMessage, recordOf(stored), storedBytes);
  }

  /** True when it was put, false when its time was over before. */
  putSync(kind: number, value: unknown, rules: Rules, timeout: number | undefined): boolean {
    rules.puts?.(unknown);
    const encoder = borrowEncoder();
    let encoded: Encoded | undefined;
    let done = false;
    try {
      encoded = encode(encoder, kind, value);
      done =
        this.#tryPut(kind, encoded, rules, unknown) !== blocked ||
        this.puts.waitSync(this.#putting(kind, encoded, rules), timeout) !== late;
      return done;
    } finally {
      if (!done) encoded?.unsent();
      giveBack(encoder);
    }
  }

  /** The same without blocking. The value is copied now. */
  put(kind: number, value: unknown, rules: Rules, waiting: Waiting): boolean | Promise<boolean> {
    rules.puts?.(unknown);
    const encoder = borrowEncoder();
    let encoded: Encoded | undefined;
    let isOver = false;
    try {
      encoded = encode(encoder, kind, value);
      if (this.puts.isFree(waiting)) isOver = this.#tryPut(kind, encoded, rules, unknown) !== blocked;
      if (isOver) return inTurn(true);
      const result = this.#putLater(kind, encoded, rules, waiting);
      isOver = result !== false;
      return typeof result === 'boolean' ? inTurn(result) : result;
    } finally {
      if (!isOver) encoded?.unsent();
      giveBack(encoder);
    }
  }

  #putLater(kind: number, encoded: Encoded, rules: Rules, waiting: Waiting): boolean | Promise<boolean> {
    const { length, sent, unsent } = encoded;
    const message = { bytes: encoded.bytes, length, parts: encoded.parts, sent, unsent };
    const result = this.puts.wait(this.#putting(kind, message, rules), waiting, () => rules.puts?.(unknown));
    if (!(result instanceof Promise)) return result !== late;
    // The encoder's bytes are the next one's.
    message.bytes = copyOf(encoded);
    message.parts = undefined;
    return result.then(
      (outcome) => {
        if (outcome === late) unsent();
        return outcome !== late;
      },
      (error: unknown) => {
        unsent();
        throw error;
      },
    );
  }

  #putting(kind: number, encoded: Encoded, rules: Rules): Attempt<true> {
    return (isDead) => {
      rules.puts?.(isDead);
      return this.#tryPut(kind, encoded, rules, isDead);
    };
  }

  // Taking.

  /**
   * Takes a message, or gives `blocked` or `ended`. What came with functions is put together by `unpack`, outside of the latch,
   * as that may run code of others, and may have to wait for modules.
   */
  #tryTake(rules: Rules, isDead: IsDead, accept: Accept, loads: boolean): unknown {
    const { ring, gets } = this;
    if (!ring.hasSome) {
      if (rules.ended?.(isDead) !== true) return blocked;
      // What was put before the last one left.
      if (ring.isEmpty) return ended;
    }
    if (!gets.enter(isDead)) return blocked;
    let value: unknown;
    try {
      const record = this.#record;
      if (!ring.peek(record)) return blocked;
      steps.step?.('take: latched');
      const { kind, start, end } = record;
      const stored = kind < Kind.storedMessage ? undefined : readStored(ring.bytes, start);
      accept(kind, stored?.bytes ?? end - start);
      if (kind === Kind.message && isPlain(ring.bytes, start)) value = this.#plain(start, end, rules);
      else {
        const bytes = stored === undefined ? ring.bytes.slice(start, end) : this.#store.read(stored);
        value = kind === Kind.message || kind === Kind.storedMessage ? open(bytes, loads) : bytes;
        // What stands in the ring is written over from here on.
        this.#drop(rules);
        if (stored !== undefined) this.#store.free(stored);
      }
    } finally {
      gets.leave();
    }
    steps.step?.('take: unlatched');
    this.puts.notify();
    if (value instanceof Failure) throw value.error;
    return value;
  }

  #plain(start: number, end: number, rules: Rules): unknown {
    const reader = this.#reader;
    reader.at = start;
    reader.end = end;
    let value: unknown;
    try {
      value = decodePlain(reader);
    } catch (error) {
      value = new Failure(error);
    }
    this.#drop(rules);
    return value;
  }

  /** Counted before it is gone: who dies in between has one too many, never one too few. */
  #drop(rules: Rules): void {
    if (rules.counts === true) this.#taken.add();
    this.ring.drop();
  }

  takeSync(rules: Rules, timeout: number | undefined, accept: Accept = anyKind): unknown {
    let value = this.#tryTake(rules, unknown, accept, false);
    if (value === blocked) value = this.gets.waitSync(this.#taking(rules, accept, false), timeout);
    return value instanceof Unopened ? value.opened.decode() : value;
  }

  /** The value, `late` or `ended`. */
  take(rules: Rules, waiting: Waiting, accept: Accept = anyKind): unknown {
    let value: unknown = blocked;
    if (this.gets.isFree(waiting)) value = this.#tryTake(rules, unknown, accept, true);
    if (value === blocked) value = this.gets.wait(this.#taking(rules, accept, true), waiting, rules.takes);
    return value instanceof Promise ? value.then(unpack) : inTurn(unpack(value));
  }

  #taking(rules: Rules, accept: Accept, loads: boolean): Attempt<unknown> {
    return (isDead) => this.#tryTake(rules, isDead, accept, loads);
  }

  /** Takes one and forgets it, also when it cannot be read; false when there is none. It may block for a moment. */
  drop(rules: Rules): boolean {
    const before = this.ring.taken;
    try {
      const value = this.gets.waitSync(this.#taking(rules, anyKind, true), undefined);
      if (value === ended) return false;
      // What came along with it, such as an end of a pipe, is here now, and goes with it.
      if (value instanceof Unopened) void (async () => unpack(value))().catch(nothing);
      return true;
    } catch {
      return this.ring.taken !== before;
    }
  }

  // Done with.

  /** One less that was taken and is not done with: how many are not; undefined when all were. */
  finish(): number | undefined {
    const left = this.ring.finish();
    if (left !== undefined) this.#taken.remove();
    this.joins.notify();
    return left;
  }

  /** How many records were taken by those who have died since, without being done with; none while nobody looks for deaths. */
  bereft(isDead: IsDead): number {
    const { ring } = this;
    if (isDead === unknown) return 0;
    for (;;) {
      const { taken, finished } = ring;
      const held = this.#taken.heldBy((party) => !isDead(party));
      // Who counts up does it before, who counts down afterwards: while nothing changes it is never too few.
      if (ring.taken === taken && ring.finished === finished) return Math.max(0, ((taken - finished) | 0) - held);
    }
  }
}

function encode(encoder: MessageEncoder, kind: number, value: unknown): Encoded {
  if (kind === Kind.message) {
    try {
      return encoder.encode(value);
    } catch (error) {
      throw startingAt(error, 'the value');
    }
  }
  const bytes = value as Uint8Array;
  return { bytes, length: bytes.length, parts: undefined, sent: nothing, unsent: nothing };
}

function nothing(): void {}

function anyKind(): void {}
