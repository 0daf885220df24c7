import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { SharedMemoryError } from '../errors.ts';
import { requireNative } from '../native.ts';
import { unbroken } from '../unbroken.ts';
import { onRing, ownBell } from './doorbell.ts';
import { isAlive, ownLife, type Life } from './life.ts';
import { Segment, segmentHeader, type SegmentReference } from './segment.ts';

/** Threads that may use the shared objects of one owner at once. */
export const maxParties = 895;

const entryBytes = 64;
export const homeBytes: number = (maxParties + 1) * entryBytes;

/** A party's word: its number in the table, and how often that was given before. 29 bits; 0 is nobody. */
const idBits = 10;
const idMask = (1 << idBits) - 1;

/** The number of a party in the table. */
export function idOf(word: number): number {
  return word & idMask;
}

const generations = (1 << 19) - 1;

/** The words of an entry; the start is a double in words 6 and 7. */
const At = {
  occupant: 0,
  generation: 1,
  rings: 2,
  asleep: 3,
  pid: 4,
  tid: 5,
  start: 3,
  doorbell: 8,
  lifeline: 9,
} as const;

/** A process that is about to end has no descriptors any more, and the system says for a moment longer that it lives. */
const endingMs = 5;

/** How a party is to be woken. */
const inEventLoop = 1;
const inFutex = 2;

/**
 * Whoever takes part in the shared objects of one owner: a table at the start of the owner's first segment. A party is a thread
 * of any process; it joins when it first touches such an object, and leaves when it ends. See the README for what is in an entry.
 */
export class Home {
  readonly segment: Segment;
  readonly #entries: readonly Int32Array[];
  readonly #starts: readonly Float64Array[];
  readonly #ringers: Ringers = new Map();
  readonly #watches = new Map<number, Watch>();
  /** Parties whose end was seen by their lifeline. */
  readonly #ended = new Set<number>();
  readonly #listeners = new Set<() => void>();
  #stopListening: (() => void) | undefined;
  readonly #membership: Membership = { me: 0, entry: undefined };

  private constructor(segment: Segment) {
    this.segment = segment;
    const buffer = segment.part(segmentHeader, homeBytes);
    const each = <T>(make: (at: number) => T): T[] =>
      Array.from({ length: maxParties + 1 }, (_, id) => make(id * entryBytes));
    this.#entries = each((at) => new Int32Array(buffer, at, entryBytes / 4));
    this.#starts = each((at) => new Float64Array(buffer, at, entryBytes / 8));
    homes.set(segment.token, new WeakRef(this));
    collected.register(this, { token: segment.token, ringers: this.#ringers, membership: this.#membership });
  }

  /** The table in a segment that this thread has just made. */
  static found(segment: Segment): Home {
    return new Home(segment);
  }

  static open(reference: SegmentReference): Home {
    return homes.get(reference.token)?.deref() ?? Home.found(Segment.open(reference));
  }

  /** This thread's word. It joins now, if it has not before. */
  get me(): number {
    const { me } = this.#membership;
    return me === 0 ? this.#join() : me;
  }

  #join(): number {
    const { doorbellFd, lifelineFd } = ownBell();
    const { pid, tid, start } = ownLife();
    const id = this.#claim((occupant) => occupant === 0) ?? this.#claim((occupant) => this.#isGone(occupant));
    if (id === undefined)
      throw new SharedMemoryError(
        `Cannot use this shared object: ${maxParties} threads and processes use those of its owner already.`,
      );
    const entry = this.#entries[id]!;
    const generation = (entry[At.generation]! % generations) + 1;
    entry.set([generation, 0, 0, pid, tid], At.generation);
    this.#starts[id]![At.start] = start;
    entry.set([doorbellFd, lifelineFd], At.doorbell);
    const me = (generation << idBits) | id;
    Object.assign(this.#membership, { me, entry });
    Atomics.store(entry, At.occupant, me);
    leaveAtExit();
    return me;
  }

  /** Ends this thread's part. */
  leave(): void {
    leave(this.#membership);
  }

  #claim(isFree: (occupant: number) => boolean): number | undefined {
    for (let id = 1; id <= maxParties; id++) {
      const entry = this.#entries[id]!;
      const occupant = Atomics.load(entry, At.occupant);
      // While it is written, an entry has the negative of its process: were that to die now, the next one sees it.
      if (isFree(occupant) && Atomics.compareExchange(entry, At.occupant, occupant, -process.pid) === occupant)
        return id;
    }
    return undefined;
  }

  #isGone(occupant: number): boolean {
    if (occupant > 0) return this.isDead(occupant);
    try {
      process.kill(-occupant, 0);
      return false;
    } catch {
      return occupant !== 0;
    }
  }

  /** Whether the party with this word has ended, in whatever way. */
  isDead(word: number): boolean {
    if (this.#ended.has(word)) return true;
    const life = this.#lifeOf(word);
    return life === undefined || !isAlive(life);
  }

  /** Whether it is a thread of this process. */
  isHere(word: number): boolean {
    return this.#lifeOf(word)?.pid === process.pid;
  }

  /** The party that has a number now; 0 when there is none. */
  occupant(id: number): number {
    return Math.max(0, Atomics.load(this.#entries[id]!, At.occupant));
  }

  /** Who it is, unless its number is another's by now. */
  #lifeOf(word: number): Life | undefined {
    const id = idOf(word);
    const entry = this.#entries[id]!;
    const life = { pid: entry[At.pid]!, tid: entry[At.tid]!, start: this.#starts[id]![At.start]! };
    return Atomics.load(entry, At.occupant) === word ? life : undefined;
  }

  /** Calls back when the party has ended; at once (in a microtask) when it has already. */
  onDeath(word: number, callback: () => void): () => void {
    let watch = this.#watches.get(word);
    if (watch === undefined) {
      watch = new Watch({
        open: () => this.#openLifeline(word),
        isDead: () => this.isDead(word),
        ended: () => this.#remember(word),
        over: () => this.#watches.delete(word),
      });
      this.#watches.set(word, watch);
    }
    return watch.add(callback);
  }

  #remember(word: number): void {
    // Those whose entry is another's are known to be dead by that.
    if (this.#ended.size >= maxParties)
      for (const ended of this.#ended) if (this.occupant(idOf(ended)) !== ended) this.#ended.delete(ended);
    this.#ended.add(word);
  }

  #openLifeline(word: number): number | undefined {
    const native = requireNative('Waiting for others');
    // Not by `openSync`: a socket closes it, and a worker thread would warn of a descriptor that is opened twice.
    const fd = native.open(this.#pathTo(word, At.lifeline), constants.O_RDONLY | constants.O_NONBLOCK);
    if (fd < 0) return undefined;
    // What was opened may be another's that has come since: then this one is dead.
    if (!this.isDead(word)) return fd;
    native.close(fd);
    return undefined;
  }

  /** By way of whom a descriptor of a party can be opened; of nobody when it is gone. */
  #pathTo(word: number, which: number): string {
    const life = this.#lifeOf(word);
    return life === undefined ? '' : `/proc/${life.pid}/fd/${this.#entries[idOf(word)]![which]!}`;
  }

  /** Has a party look at what it waits for. */
  wake(word: number): void {
    const id = idOf(word);
    const entry = this.#entries[id]!;
    if (Atomics.load(entry, At.occupant) !== word) return;
    Atomics.add(entry, At.rings, 1);
    const asleep = Atomics.load(entry, At.asleep);
    if ((asleep & inFutex) !== 0) requireNative('Waiting for others').futexWake(entry.subarray(At.rings));
    if ((asleep & inEventLoop) !== 0 && (Atomics.and(entry, At.asleep, ~inEventLoop) & inEventLoop) !== 0)
      this.#ring(word);
  }

  #ring(word: number): void {
    let fd = this.#ringers.get(word);
    try {
      if (fd === undefined) {
        // By `openSync`: at the end of a worker thread Node closes it.
        fd = openSync(this.#pathTo(word, At.doorbell), constants.O_WRONLY | constants.O_NONBLOCK);
        this.#ringers.set(word, fd);
        this.onDeath(word, () => this.#forget(word));
      }
      writeSync(fd, '!');
    } catch {
      // It has rings enough, or it is dead.
    }
  }

  #forget(word: number): void {
    const fd = this.#ringers.get(word);
    this.#ringers.delete(word);
    if (fd !== undefined) closeSync(fd);
  }

  /** How often this party was woken so far: for `sleep`. */
  get rings(): number {
    return Atomics.load(this.#entries[idOf(this.me)]!, At.rings);
  }

  /** Blocks this thread until it is woken, if it was not since `rings`, for `ms` at most. */
  sleep(rings: number, ms: number): void {
    const entry = this.#entries[idOf(this.me)]!;
    Atomics.or(entry, At.asleep, inFutex);
    if (Atomics.load(entry, At.rings) === rings)
      requireNative('Waiting for others').futexWait(entry.subarray(At.rings), rings, ms);
    Atomics.and(entry, At.asleep, ~inFutex);
  }

  /**
   * Calls back in the event loop each time after this party was woken; it may be without need. The program stays alive until the
   * function returned is called. To miss nothing, listen first and look then.
   */
  onWake(listener: () => void): () => void {
    const entry = this.#entries[idOf(this.me)]!;
    this.#listeners.add(listener);
    this.#stopListening ??= onRing(() => {
      // Before they look: what comes after it rings again.
      Atomics.or(entry, At.asleep, inEventLoop);
      this.#listeners.forEach((each) => each());
    });
    Atomics.or(entry, At.asleep, inEventLoop);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      Atomics.and(entry, At.asleep, ~inEventLoop);
      this.#stopListening?.();
      this.#stopListening = undefined;
    };
  }
}

/** The descriptors of others' doorbells, by their word. */
type Ringers = Map<number, number>;

/** This thread's word in a table, and its entry there; 0 before it has joined. */
interface Membership {
  me: number;
  entry: Int32Array | undefined;
}

function leave({ me, entry }: Membership): void {
  if (entry !== undefined) Atomics.compareExchange(entry, At.occupant, me, 0);
}

/** A thread has one view of each. */
const homes = new Map<number, WeakRef<Home>>();
/** Nothing of a home's objects is in this thread any more. */
const collected = new FinalizationRegistry<{ token: number; ringers: Ringers; membership: Membership }>(
  ({ token, ringers, membership }) => {
    if (homes.get(token)?.deref() === undefined) homes.delete(token);
    for (const fd of ringers.values()) closeSync(fd);
    leave(membership);
  },
);
let leaves = false;

function leaveAtExit(): void {
  if (leaves) return;
  leaves = true;
  process.on('exit', () => {
    for (const home of homes.values()) home.deref()?.leave();
  });
}

interface Watched {
  /** Its lifeline; undefined when it cannot be had. */
  open(): number | undefined;
  isDead(): boolean;
  /** Its end was seen. */
  ended(): void;
  /** Nobody wants to know any more, or all have been told. */
  over(): void;
}

/** Looks for the end of one party, for all who want to know. */
class Watch {
  readonly #callbacks = new Set<() => void>();
  readonly #of: Watched;
  #socket: Socket | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(of: Watched) {
    this.#of = of;
    this.#open();
  }

  #open(): void {
    // Of a descriptor without a socket Node knows nothing: that of a thread which were terminated now would stay open.
    this.#socket = unbroken(() => {
      const fd = this.#of.open();
      return fd === undefined ? undefined : new Socket({ fd, readable: true, writable: false });
    });
    if (this.#socket === undefined) {
      if (this.#of.isDead()) queueMicrotask(() => this.#tell());
      else this.#again = setTimeout(() => this.#open(), endingMs).unref();
      return;
    }
    this.#socket.on('error', () => undefined);
    this.#socket.on('end', () => this.#of.ended());
    this.#socket.on('close', () => this.#tell());
    this.#socket.resume().unref();
  }

  add(callback: () => void): () => void {
    // Two may give the same function.
    const call = (): void => callback();
    this.#callbacks.add(call);
    return () => {
      this.#callbacks.delete(call);
      if (this.#callbacks.size > 0) return;
      this.#of.over();
      clearTimeout(this.#again);
      this.#socket?.destroy();
    };
  }

  #tell(): void {
    this.#of.over();
    this.#callbacks.forEach((callback) => callback());
    this.#callbacks.clear();
  }
}
