import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { ProtocolError } from '../errors.ts';
import { loadNative, type Mapping } from '../native.ts';

/** Why a task is told to stop: the caller gave it up, or its time is over. */
export type StopReason = 'abort' | 'timeout';

/**
 * What a worker and its host share about the work under way: which items have begun, which one runs, since when, and which
 * are cancelled. It survives the worker's death. Sequence numbers are kept modulo 2^32; see `widen`.
 *
 *     word 0  begun    the first sequence number that has not begun; moved by compare-and-swap, by the worker to begin
 *                      items and by the host to take them back, so that an item is either begun or taken back
 *     word 1  current  the item that a batch is at
 *     word 2  memory   resident memory of the worker in MiB
 *     word 3  state    of a thread: 0 while it must not be terminated (see `setBusy`), 1 when it may be, 2 when it is
 *     word 4  hungry   1 when the host has more to write than the socket takes: see `outflow.ts`
 *     word 5  thread   the system's number of a thread, by which a blocked host sees that it is gone
 *     word 6  exit     the exit code + 1 of a thread that ends by itself
 *     word 7  reading  sequence + 1 (0: none) of the item whose arguments, or whose function, are being read
 *     from 32: a slot of 16 bytes for each task that runs at once: sequence + 1 (0: free), the sequence + 1 that is to stop
 *     (its complement when that is because its time is over), start (double)
 */
export interface StatusPage {
  /** Begins `count` items from `sequence` on. Returns how many of the first were taken back in the meantime. */
  begin(sequence: number, count: number): number;
  begun(): number;
  /** Takes back what has not begun: returns the first sequence number taken back. */
  takeBack(next: number): number;
  setCurrent(sequence: number): void;
  current(): number;
  setReading(sequence: number | undefined): void;
  /** The sequence number (modulo 2^32) of the item that is being read. */
  reading(): number | undefined;
  enter(slot: number, sequence: number, sinceMs: number): void;
  leave(slot: number): void;
  /** The sequence number (modulo 2^32) in a slot and its start, or undefined when it is free. */
  slot(index: number): { readonly sequence: number; readonly sinceMs: number } | undefined;
  cancel(slot: number, sequence: number, late: boolean): void;
  /** Whether a task is to stop, and why. */
  stop(slot: number, sequence: number): StopReason | undefined;
  memoryMiB: number;
  /** Has the worker tell, by an empty frame, when it has read. */
  setHungry(): void;
  /** Whether the host waits for that; only once. */
  takeHungry(): boolean;
  /** Whether both sides see changes at once; a page in a file cannot be taken back from. */
  readonly shared: boolean;
  close(): void;
}

const BEGUN = 0;
const CURRENT = 1;
const MEMORY = 2;
const STATE = 3;
const HUNGRY = 4;
const THREAD = 5;
const EXIT = 6;
const READING = 7;
const FIRST_SLOT = 8;
const SLOT_WORDS = 4;

/** What a thread does, as far as its end is concerned. */
const State = { busy: 0, idle: 1, doomed: 2 } as const;

export function pageBytes(slots: number): number {
  return (FIRST_SLOT + slots * SLOT_WORDS) * 4;
}

/** The sequence number near `reference` whose low 32 bits are `word`. */
export function widen(word: number, reference: number): number {
  return reference - (((reference | 0) - word) | 0);
}

function stopWord(sequence: number, late: boolean): number {
  const word = (sequence + 1) | 0;
  return late ? ~word : word;
}

function readStop(word: number, sequence: number): StopReason | undefined {
  if (word === stopWord(sequence, false)) return 'abort';
  return word === stopWord(sequence, true) ? 'timeout' : undefined;
}

function readingOf(word: number): number | undefined {
  return word === 0 ? undefined : (word - 1) | 0;
}

/** How many of `count` items from `first` on were taken back when the next to begin is `seen`. */
function goneOf(seen: number, first: number, count: number): number {
  const gone = (seen - first) | 0;
  if (gone < 0) throw new ProtocolError(`A batch begins at ${first}, but ${seen} is the next.`);
  return Math.min(count, gone);
}

/** A page in memory that both sides see: a SharedArrayBuffer, or a mapped file. */
export class MemoryPage implements StatusPage {
  readonly shared = true;
  #words: Int32Array;
  #doubles: Float64Array;
  readonly #mapping: Mapping | undefined;

  constructor(buffer: ArrayBufferLike, mapping?: Mapping) {
    const whole = buffer.byteLength - (buffer.byteLength % 8);
    this.#words = new Int32Array(buffer, 0, whole / 4);
    this.#doubles = new Float64Array(buffer, 0, whole / 8);
    this.#mapping = mapping;
  }

  begin(sequence: number, count: number): number {
    const first = sequence | 0;
    const seen = Atomics.compareExchange(this.#words, BEGUN, first, (sequence + count) | 0);
    if (seen === first) return 0;
    // The host moved the word ahead. What it took back lies below it; the rest, if any, can still begin.
    const gone = goneOf(seen, first, count);
    return gone >= count ? count : gone + this.begin(sequence + gone, count - gone);
  }

  begun(): number {
    return Atomics.load(this.#words, BEGUN);
  }

  takeBack(next: number): number {
    for (;;) {
      const seen = Atomics.load(this.#words, BEGUN);
      if (Atomics.compareExchange(this.#words, BEGUN, seen, next | 0) === seen) return seen;
    }
  }

  setCurrent(sequence: number): void {
    this.#words[CURRENT] = sequence;
  }

  current(): number {
    return Atomics.load(this.#words, CURRENT);
  }

  setReading(sequence: number | undefined): void {
    this.#words[READING] = sequence === undefined ? 0 : sequence + 1;
  }

  reading(): number | undefined {
    return readingOf(Atomics.load(this.#words, READING));
  }

  enter(slot: number, sequence: number, sinceMs: number): void {
    const word = FIRST_SLOT + slot * SLOT_WORDS;
    this.#doubles[(word + 2) / 2] = sinceMs;
    Atomics.store(this.#words, word, (sequence + 1) | 0);
  }

  leave(slot: number): void {
    Atomics.store(this.#words, FIRST_SLOT + slot * SLOT_WORDS, 0);
  }

  slot(index: number): { readonly sequence: number; readonly sinceMs: number } | undefined {
    const word = FIRST_SLOT + index * SLOT_WORDS;
    const taken = Atomics.load(this.#words, word);
    return taken === 0 ? undefined : { sequence: (taken - 1) | 0, sinceMs: this.#doubles[(word + 2) / 2]! };
  }

  cancel(slot: number, sequence: number, late: boolean): void {
    Atomics.store(this.#words, FIRST_SLOT + slot * SLOT_WORDS + 1, stopWord(sequence, late));
  }

  stop(slot: number, sequence: number): StopReason | undefined {
    return readStop(Atomics.load(this.#words, FIRST_SLOT + slot * SLOT_WORDS + 1), sequence);
  }

  get memoryMiB(): number {
    return this.#words[MEMORY]!;
  }

  set memoryMiB(value: number) {
    this.#words[MEMORY] = value;
  }

  /**
   * Whether a thread must not be terminated: Node would leak the file that it reads while it loads a module, and a native call
   * that cannot throw any more would end the whole program.
   */
  setBusy(busy: boolean): void {
    const before = Atomics.compareExchange(
      this.#words,
      STATE,
      busy ? State.idle : State.busy,
      busy ? State.busy : State.idle,
    );
    // It is over with this thread, at any moment now.
    if (before === State.doomed) Atomics.wait(this.#words, STATE, State.doomed);
    Atomics.notify(this.#words, STATE);
  }

  /** Of the host, which will terminate the thread: false when it is busy, also after `waitMs`. */
  doom(waitMs = 0): boolean {
    if (waitMs > 0) Atomics.wait(this.#words, STATE, State.busy, waitMs);
    return Atomics.compareExchange(this.#words, STATE, State.idle, State.doomed) !== State.busy;
  }

  setHungry(): void {
    Atomics.store(this.#words, HUNGRY, 1);
  }

  takeHungry(): boolean {
    return Atomics.load(this.#words, HUNGRY) === 1 && Atomics.exchange(this.#words, HUNGRY, 0) === 1;
  }

  /** The system's number of the thread, or 0 when that is not known. */
  get threadNumber(): number {
    return Atomics.load(this.#words, THREAD);
  }

  set threadNumber(value: number) {
    Atomics.store(this.#words, THREAD, value);
  }

  /** The exit code of a thread that has run its exit handlers. */
  get exitCode(): number | undefined {
    const word = Atomics.load(this.#words, EXIT);
    return word === 0 ? undefined : word - 1;
  }

  set exitCode(value: number | undefined) {
    Atomics.store(this.#words, EXIT, (value ?? -1) + 1);
  }

  close(): void {
    if (this.#mapping === undefined) return;
    // The last words are kept: they are asked for after the worker's end.
    const copy = this.#words.slice().buffer;
    this.#words = new Int32Array(copy);
    this.#doubles = new Float64Array(copy);
    this.#mapping.unmap();
  }
}

/** For a worker that runs no tasks. */
export function noPage(): StatusPage {
  return new MemoryPage(new SharedArrayBuffer(pageBytes(0)));
}

/** The same page where there is no mapped memory: each change is a write to the file, 1.5 us instead of 10 ns. */
export class FilePage implements StatusPage {
  readonly shared = false;
  readonly #fd: number;
  readonly #size: number;
  readonly #bytes: Buffer = Buffer.alloc(16);
  /** What it said when it was closed: it is asked for after the worker's end. */
  #last: Buffer | undefined;

  /** The page closes the file. */
  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
  }

  #load(word: number, words: number): Buffer {
    if (this.#last === undefined) readSync(this.#fd, this.#bytes, 0, words * 4, word * 4);
    else this.#last.copy(this.#bytes, 0, word * 4, (word + words) * 4);
    return this.#bytes;
  }

  /** Writes words that are in `#bytes`. */
  #save(word: number, words: number, from: number): void {
    if (this.#last === undefined) writeSync(this.#fd, this.#bytes, from * 4, words * 4, word * 4);
  }

  #read(word: number): number {
    return this.#load(word, 1).readInt32LE(0);
  }

  #write(word: number, value: number): void {
    this.#bytes.writeInt32LE(value | 0, 0);
    this.#save(word, 1, 0);
  }

  begin(sequence: number, count: number): number {
    const gone = goneOf(this.#read(BEGUN), sequence | 0, count);
    if (gone < count) this.#write(BEGUN, sequence + count);
    return gone;
  }

  begun(): number {
    return this.#read(BEGUN);
  }

  takeBack(next: number): number {
    return next | 0;
  }

  setCurrent(sequence: number): void {
    this.#write(CURRENT, sequence);
  }

  current(): number {
    return this.#read(CURRENT);
  }

  setReading(sequence: number | undefined): void {
    this.#write(READING, sequence === undefined ? 0 : sequence + 1);
  }

  reading(): number | undefined {
    return readingOf(this.#read(READING));
  }

  enter(slot: number, sequence: number, sinceMs: number): void {
    const word = FIRST_SLOT + slot * SLOT_WORDS;
    this.#bytes.writeInt32LE((sequence + 1) | 0, 0);
    this.#bytes.writeDoubleLE(sinceMs, 8);
    this.#save(word, 1, 0);
    this.#save(word + 2, 2, 2);
  }

  leave(slot: number): void {
    this.#write(FIRST_SLOT + slot * SLOT_WORDS, 0);
  }

  slot(index: number): { readonly sequence: number; readonly sinceMs: number } | undefined {
    const slot = this.#load(FIRST_SLOT + index * SLOT_WORDS, SLOT_WORDS);
    const taken = slot.readInt32LE(0);
    return taken === 0 ? undefined : { sequence: (taken - 1) | 0, sinceMs: slot.readDoubleLE(8) };
  }

  cancel(slot: number, sequence: number, late: boolean): void {
    this.#write(FIRST_SLOT + slot * SLOT_WORDS + 1, stopWord(sequence, late));
  }

  stop(slot: number, sequence: number): StopReason | undefined {
    return readStop(this.#read(FIRST_SLOT + slot * SLOT_WORDS + 1), sequence);
  }

  get memoryMiB(): number {
    return this.#read(MEMORY);
  }

  set memoryMiB(value: number) {
    this.#write(MEMORY, value);
  }

  setHungry(): void {
    this.#write(HUNGRY, 1);
  }

  takeHungry(): boolean {
    if (this.#read(HUNGRY) === 0) return false;
    this.#write(HUNGRY, 0);
    return true;
  }

  close(): void {
    if (this.#last !== undefined) return;
    const last = Buffer.alloc(this.#size);
    readSync(this.#fd, last, 0, last.length, 0);
    this.#last = last;
    closeSync(this.#fd);
  }
}

/** Makes the file that a process worker inherits. It has no name by the time this returns: nobody else can open it. */
export function createPageFile(bytes: number): number {
  const name = `manycore-${process.pid}-${randomBytes(8).toString('hex')}`;
  for (const folder of ['/dev/shm', tmpdir()]) {
    const path = join(folder, name);
    let fd: number;
    try {
      fd = openSync(path, 'wx+', 0o600);
    } catch {
      continue;
    }
    unlinkSync(path);
    try {
      // Written, not only sized: on a full tmpfs the error comes here and not as SIGBUS at the first touch.
      ftruncateSync(fd, bytes);
      writeSync(fd, Buffer.alloc(bytes), 0, bytes, 0);
      return fd;
    } catch {
      closeSync(fd);
    }
  }
  throw new Error('Cannot create a status page: neither /dev/shm nor the temporary folder can be written to.');
}

/** The page in an open file: mapped where that is possible, and then the file can be closed. */
export function openPage(fd: number, bytes: number): StatusPage {
  try {
    const mapping = loadNative()?.map(fd, bytes);
    if (mapping !== undefined) return new MemoryPage(mapping.buffer, mapping);
  } catch {
    // No mapping, then: the file itself does, only slower.
  }
  return new FilePage(fd, bytes);
}
