import { closeSync, constants, fstatSync, openSync, type Stats, statSync, writeSync } from 'node:fs';
import { SharedMemoryError } from '../errors.ts';
import { requireNative } from '../native.ts';
import { unbroken } from '../unbroken.ts';
import { inodeOf, onRing, ownBell } from './doorbell.ts';
import { isAlive, ownLife, type Life } from './life.ts';
import { Segment, segmentHeader, type SegmentReference } from './segment.ts';
import { againMs, Watch } from './watch.ts';

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
  /** Which pipes these are. */
  doorbellInode: 10,
  lifelineInode: 11,
  looks: 12,
  rung: 13,
} as const;

/** Instead of an occupant that has ended: its bits are still in the owner's blocks. */
const left: number = -(2 ** 31);

/** How a party is to be woken. */
const inEventLoop = 1;
const inFutex = 2;

/**
 * Whoever takes part in the shared objects of one owner: a table at the start of the owner's first segment. A party is a thread
 * of any process; it joins when it first touches such an object, and has left when it has ended, not before. See the README for what is in an entry.
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
  /** Those that could not be rung, although they live. */
  readonly #unrung = new Set<number>();

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
    // A thread that were terminated in the middle would keep the entry as long as its process lives.
    return me === 0 ? unbroken(() => this.#join()) : me;
  }

  #join(): number {
    const { doorbell, lifeline } = ownBell();
    const { pid, tid, start } = ownLife();
    const id =
      this.#claim((occupant) => occupant === 0) ??
      this.#claim((occupant) => occupant === left) ??
      this.#claim((occupant) => this.#isGone(occupant));
    if (id === undefined)
      throw new SharedMemoryError(
        `Cannot use this shared object: ${maxParties} threads and processes use those of its owner already.`,
      );
    const entry = this.#entries[id]!;
    const generation = (entry[At.generation]! % generations) + 1;
    entry.set([generation, 0, 0, pid, tid], At.generation);
    this.#starts[id]![At.start] = start;
    // The looks go on: who was about to ring the one before may write down late that it has.
    entry.set([doorbell.fd, lifeline.fd, doorbell.inode, lifeline.inode], At.doorbell);
    const me = (generation << idBits) | id;
    Object.assign(this.#membership, { me, entry });
    Atomics.store(entry, At.occupant, me);
    return me;
  }

  #claim(isFree: (occupant: number) => boolean): number | undefined {
    for (let id = 1; id <= maxParties; id++) if (this.#seize(id, isFree)) return id;
    return undefined;
  }

  #seize(id: number, isFree: (occupant: number) => boolean): boolean {
    const entry = this.#entries[id]!;
    const occupant = Atomics.load(entry, At.occupant);
    // While it is written, an entry has the negative of its process: were that to die now, the next one sees it.
    return isFree(occupant) && Atomics.compareExchange(entry, At.occupant, occupant, -process.pid) === occupant;
  }

  #isGone(occupant: number): boolean {
    if (occupant === left) return true;
    if (occupant >= 0) return occupant > 0 && !this.#lives(occupant);
    try {
      process.kill(-occupant, 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }

  /** For the owner: frees the entries of all that have ended, after their bits were cleared. */
  bury(clear: (ids: readonly number[]) => void): void {
    const ids: number[] = [];
    for (let id = 1; id <= maxParties; id++) if (this.#seize(id, (occupant) => this.#isGone(occupant))) ids.push(id);
    if (ids.length === 0) return;
    clear(ids);
    for (const id of ids) Atomics.store(this.#entries[id]!, At.occupant, 0);
  }

  /** Whether the party with this word has ended, in whatever way. */
  isDead(word: number): boolean {
    if (this.#lives(word)) return false;
    this.#mark(word);
    return true;
  }

  #lives(word: number): boolean {
    if (this.#ended.has(word)) return false;
    const life = this.#lifeOf(word);
    return life !== undefined && isAlive(life);
  }

  /** Nobody has to ask the system any more. */
  #mark(word: number): void {
    Atomics.compareExchange(this.#entries[idOf(word)]!, At.occupant, word, left);
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
    this.#mark(word);
  }

  #openLifeline(word: number): number | undefined {
    const native = requireNative('Waiting for others');
    // Not by `openSync`: a socket closes it, and a worker thread would warn of a descriptor that is opened twice.
    const open = (path: string): number => native.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return this.#openPipe(word, At.lifeline, open, (fd) => native.close(fd));
  }

  /** Undefined when it cannot be had, above all because the party is gone. */
  #openPipe(
    word: number,
    which: number,
    open: (path: string) => number,
    close: (fd: number) => void,
  ): number | undefined {
    const entry = this.#entries[idOf(word)]!;
    const inode = entry[which + At.doorbellInode - At.doorbell]!;
    const path = `/proc/${entry[At.pid]!}/fd/${entry[which]!}`;
    if (Atomics.load(entry, At.occupant) !== word) return undefined;
    const isMeant = (stats: Stats | undefined): boolean => stats?.isFIFO() === true && inodeOf(stats) === inode;
    // Before it is opened: to close another's file would give up the locks that this process has on it.
    if (!isMeant(statSync(path, { throwIfNoEntry: false }))) return undefined;
    const fd = open(path);
    if (fd < 0) return undefined;
    if (isMeant(fstatSync(fd))) return fd;
    close(fd);
    return undefined;
  }

  /** Has a party look at what it waits for. */
  wake(word: number): void {
    const entry = this.#entries[idOf(word)]!;
    if (Atomics.load(entry, At.occupant) !== word) return;
    Atomics.add(entry, At.rings, 1);
    const asleep = Atomics.load(entry, At.asleep);
    if ((asleep & inFutex) !== 0) requireNative('Waiting for others').futexWake(entry.subarray(At.rings));
    if ((asleep & inEventLoop) === 0) return;
    const looks = Atomics.load(entry, At.looks);
    // Somebody has rung since it looked last.
    if (Atomics.load(entry, At.rung) === looks || Atomics.load(entry, At.occupant) !== word) return;
    // Only then: were this one to die before, others ring.
    if (this.#ring(word)) Atomics.store(entry, At.rung, looks);
    else if (!this.isDead(word)) this.#wakeLater(word);
  }

  #ring(word: number): boolean {
    try {
      const fd = this.#ringers.get(word) ?? this.#openDoorbell(word);
      if (fd === undefined) return false;
      writeSync(fd, '!');
      return true;
    } catch (error) {
      // It has rings enough.
      return (error as NodeJS.ErrnoException).code === 'EAGAIN';
    }
  }

  #openDoorbell(word: number): number | undefined {
    // By `openSync`: at the end of a worker thread Node closes it.
    const open = (path: string): number => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const fd = this.#openPipe(word, At.doorbell, open, closeSync);
    if (fd === undefined) return undefined;
    this.#ringers.set(word, fd);
    this.onDeath(word, () => this.#forget(word));
    return fd;
  }

  #wakeLater(word: number): void {
    if (this.#unrung.has(word)) return;
    this.#unrung.add(word);
    const again = (): void => {
      this.#unrung.delete(word);
      this.wake(word);
    };
    setTimeout(again, againMs).unref();
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
    if (this.#stopListening === undefined) {
      this.#stopListening = onRing(() => {
        // Before they look: what comes after it rings again.
        Atomics.add(entry, At.looks, 1);
        this.#listeners.forEach((each) => each());
      });
      // What was rung before was heard by nobody.
      Atomics.add(entry, At.looks, 1);
      Atomics.or(entry, At.asleep, inEventLoop);
    }
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
  if (entry !== undefined) Atomics.compareExchange(entry, At.occupant, me, left);
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
