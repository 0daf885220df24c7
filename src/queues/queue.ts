import { show } from '../arguments.ts';
import { ArgumentTypeError, QueueClosedError } from '../errors.ts';
import { maxQueuedItems, ringBytes } from '../limits.ts';
import type { BlockReference } from '../memory/block.ts';
import { travelsAs } from '../wire/shared.ts';
import { late, limitOf, queueEmpty, queueFull } from '../waiting.ts';
import { type QueueOptions, timeoutOf, type SyncQueueOptions, waitingOf } from './options.ts';
import { showAs } from '../inspection.ts';
import type { IsDead } from './gate.ts';
import { Items } from './items.ts';
import { ended, Kind, type Rules, SharedRing } from './shared-ring.ts';

/** What a queue holds at one moment. */
export interface QueueStatistics {
  readonly size: number;
  readonly maxSize: number;
  readonly empty: boolean;
  readonly full: boolean;
  readonly closed: boolean;
  readonly shutDown: boolean;
  /** Items that were put in all, modulo 2^32. */
  readonly put: number;
  /** Bytes of items too large for the ring. */
  readonly largeBytes: number;
}

const Flag = { shutDown: 1 } as const;

/** A ring that came from elsewhere, in place of `maxSize`. */
class Attached {
  readonly ring: SharedRing;
  readonly maxSize: number;
  constructor(ring: SharedRing, maxSize: number) {
    this.ring = ring;
    this.maxSize = maxSize;
  }
}

interface QueueState {
  readonly block: BlockReference;
  readonly maxSize: number;
}

/**
 * A queue between processes and threads, first in, first out; any number of them put and get. It goes in any argument, and any
 * value that a task's argument may hold goes into it, functions too. Python: `multiprocessing.Queue`.
 *
 * An item is there when its `put` has returned: no other thread has to send it. What is in the queue is kept in shared memory; a
 * `put` waits when `maxSize` items are there, or when that memory is full. A process that is killed at any point blocks nobody
 * and leaves no part of an item.
 *
 * @typeParam T - What its items are.
 * @example
 * ```ts
 * import { Process, Queue } from 'manycore';
 * const q = new Queue<number>();
 * const p = new Process({ target: async (q: Queue<number>) => q.put(42), args: [q] }).start();
 * console.log(await q.get()); // 42
 * await p.join();
 * ```
 */
export class Queue<T = unknown> {
  /** How many items it takes; 0: as many as there is memory for. */
  readonly maxSize: number;
  readonly #ring: SharedRing;
  #closed = false;
  /** Kept, so that a call makes none. */
  readonly #rules: Rules;

  /**
   * @param maxSize - How many items it takes; 0 or less: as many as there is memory for (32,767 and some 256 MiB).
   * @throws SharedMemoryError where shared memory cannot be had.
   */
  constructor(maxSize = 0) {
    const given: unknown = maxSize;
    if (given instanceof Attached) {
      this.maxSize = given.maxSize;
      this.#ring = given.ring;
    } else {
      if (typeof maxSize !== 'number' || Number.isNaN(maxSize))
        throw new ArgumentTypeError(
          `Cannot make a queue of maxSize ${show(maxSize)}: expected a number, such as new Queue(100).`,
        );
      this.maxSize = maxSize > 0 && Number.isFinite(maxSize) ? Math.min(Math.ceil(maxSize), 2 ** 24) : 0;
      this.#ring = SharedRing.create(sizeFor(this.maxSize));
    }
    this.#rules = {
      puts: () => this.#checkPut(),
      ended: (isDead) => this.#checkGet(isDead),
      takes: () => this.checkOpen(),
      counts: this.counts,
    };
  }

  /** Whether those who get tell when they are done. */
  protected get counts(): boolean {
    return false;
  }

  /** @internal */
  get ring(): SharedRing {
    return this.#ring;
  }

  /**
   * Appends an item. It waits, without blocking, while the queue is full. The item is copied at the call. Python: `Queue.put`.
   *
   * @throws QueueFullError when there was no room within `timeout` milliseconds, or at once with `block: false`.
   * @throws QueueClosedError after `close()` here or `shutdown()` anywhere; SerializationError when the item cannot travel.
   */
  async put(item: T, options?: QueueOptions): Promise<void> {
    const done = this.#ring.put(Kind.message, item, this.#rules, waitingOf('put', options));
    if (!(typeof done === 'boolean' ? done : await done)) throw queueFull(this.maxSize, limitOf(options));
  }

  /** `put` that blocks this thread while the queue is full. Python: `Queue.put`. */
  putSync(item: T, options?: SyncQueueOptions): void {
    if (!this.#ring.putSync(Kind.message, item, this.#rules, timeoutOf('putSync', options)))
      throw queueFull(this.maxSize, limitOf(options));
  }

  /** `put` that never waits. Python: `Queue.put_nowait`. */
  putNowait(item: T): void {
    if (!this.#ring.putSync(Kind.message, item, this.#rules, 0)) throw queueFull(this.maxSize, 0);
  }

  /**
   * Takes the oldest item out. It waits, without blocking, while the queue is empty. Python: `Queue.get`.
   *
   * @throws QueueEmptyError when nothing came within `timeout` milliseconds, or at once with `block: false`.
   * @throws QueueClosedError after `close()` here, or when the queue is empty and was shut down.
   */
  async get(options?: QueueOptions): Promise<T> {
    this.checkOpen();
    const taken = this.#ring.take(this.#rules, waitingOf('get', options));
    return this.#taken(taken instanceof Promise ? await taken : taken, options);
  }

  /** `get` that blocks this thread while the queue is empty. Python: `Queue.get`. */
  getSync(options?: SyncQueueOptions): T {
    this.checkOpen();
    return this.#taken(this.#ring.takeSync(this.#rules, timeoutOf('getSync', options)), options);
  }

  /** `get` that never waits. Python: `Queue.get_nowait`. */
  getNowait(): T {
    this.checkOpen();
    return this.#taken(this.#ring.takeSync(this.#rules, 0));
  }

  #taken(value: unknown, options?: SyncQueueOptions): T {
    if (value === late) throw queueEmpty(limitOf(options));
    if (value === ended) throw closed('shut down, and nothing is left in it');
    return value as T;
  }

  /** How many items there are, exactly, at the moment of the call. Python: `Queue.qsize`. */
  qsize(): number {
    return this.#ring.ring.size;
  }

  /** Whether there are none: never true after a `put` that returned and whose item nobody took. Python: `Queue.empty`. */
  empty(): boolean {
    return this.#ring.ring.isEmpty;
  }

  /** Whether a `put` would wait. Python: `Queue.full`. */
  full(): boolean {
    return this.#ring.isFull;
  }

  /** Ends the use of it here: later calls, and those that wait, throw. Others go on. What was put stays. Python: `Queue.close`. */
  close(): void {
    this.#closed = true;
    this.#ring.review();
  }

  /** Does nothing: an item is out of this process when its `put` has returned. Python's waits for a thread that sends. */
  async joinThread(): Promise<void> {}

  /** Does nothing: nothing keeps a process from ending. */
  cancelJoinThread(): void {}

  /**
   * Ends the queue everywhere: `put` throws from now on, `get` when nothing is left, iterations come to their end. Python:
   * `queue.Queue.shutdown`.
   *
   * @param options - `immediate`: what is in it is dropped; this blocks the thread for a moment where somebody puts or gets just then.
   */
  shutdown({ immediate = false }: { readonly immediate?: boolean } = {}): void {
    this.#ring.raise(Flag.shutDown);
    if (!immediate) return;
    const dropping: Rules = { ended: (isDead) => this.#isEnd(isDead), counts: this.counts };
    while (this.#ring.drop(dropping)) if (this.counts) this.#ring.finish();
  }

  /** @internal */
  checkOpen(): void {
    if (this.#closed) throw closed('closed in this process');
  }

  #checkPut(): void {
    this.checkOpen();
    if ((this.#ring.flags & Flag.shutDown) !== 0) throw closed('shut down');
  }

  /** Asked while it is empty: whether nothing will come. */
  #checkGet(isDead: IsDead): boolean {
    this.checkOpen();
    return this.#isEnd(isDead);
  }

  #isEnd(isDead: IsDead): boolean {
    const { flags, puts } = this.#ring;
    // Who is putting something now may have looked before it was shut down.
    return (flags & Flag.shutDown) !== 0 && !puts.isHeld(isDead);
  }

  /** Items as they come, until the queue is shut down and empty, or closed here. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return new Items<T>(() => this.#takeNext());
  }

  #takeNext(): unknown {
    if (this.#closed) return ended;
    const item = this.#ring.take(this.#rules, {});
    return item instanceof Promise ? item.catch(endOfClosed) : item;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  statistics(): QueueStatistics {
    const { ring, flags, storedBytes } = this.#ring;
    return Object.freeze({
      size: ring.size,
      maxSize: this.maxSize,
      empty: ring.isEmpty,
      full: this.full(),
      closed: this.#closed,
      shutDown: (flags & Flag.shutDown) !== 0,
      put: ring.published,
      largeBytes: storedBytes,
    });
  }
}

showAs(Queue, (queue) => {
  const { size, maxSize, closed: isClosed } = queue.statistics();
  return ` size=${size}${maxSize > 0 ? ` maxSize=${maxSize}` : ''}${isClosed ? ' closed' : ''}`;
});

travelsAs<Queue, QueueState>(Queue, {
  stateOf: (queue) => ({ block: queue.ring.block.refer(), maxSize: queue.maxSize }),
  attach(constructor, { block, maxSize }) {
    const make = constructor as unknown as new (given: Attached) => Queue;
    return new make(new Attached(SharedRing.attach(block), maxSize));
  },
});

/** A ring that has room for so many small items. */
function sizeFor(maxSize: number): { capacity: number; limit: number } {
  const { least, most, perItem } = ringBytes;
  const wanted = maxSize === 0 ? most : 2 ** Math.ceil(Math.log2(maxSize * perItem));
  return { capacity: Math.min(most, Math.max(least, wanted)), limit: maxSize === 0 ? maxQueuedItems : maxSize };
}

function endOfClosed(error: unknown): typeof ended {
  if (error instanceof QueueClosedError) return ended;
  throw error;
}

function closed(how: string): QueueClosedError {
  return new QueueClosedError(`The queue is ${how}.`);
}
