import { travelsAs } from '../wire/shared.ts';
import { Queue, type QueueStatistics } from './queue.ts';
import { showAs } from '../inspection.ts';

/**
 * The least that a queue needs: `put`, `get`, `empty`, `close`. Python: `multiprocessing.SimpleQueue`. A `Queue` is as fast; this
 * one is for programs that were written for it.
 *
 * @example
 * ```ts
 * import { SimpleQueue } from 'manycore';
 * const q = new SimpleQueue<number>();
 * await q.put(1);
 * console.log(q.empty(), await q.get()); // false 1
 * ```
 */
export class SimpleQueue<T = unknown> {
  readonly #queue: Queue<T>;

  constructor() {
    const given: unknown = arguments[0];
    this.#queue = given instanceof Queue ? given : new Queue<T>();
  }

  /** @internal */
  get queue(): Queue<T> {
    return this.#queue;
  }

  /** Appends an item; waits while there is no memory for it. */
  put(item: T): Promise<void> {
    return this.#queue.put(item);
  }

  putSync(item: T): void {
    this.#queue.putSync(item);
  }

  /** Takes the oldest item out; waits while there is none. */
  get(): Promise<T> {
    return this.#queue.get();
  }

  getSync(): T {
    return this.#queue.getSync();
  }

  /** @throws QueueClosedError after `close()`. */
  empty(): boolean {
    this.#queue.checkOpen();
    return this.#queue.empty();
  }

  close(): void {
    this.#queue.close();
  }

  /** What it holds now; a frozen snapshot. */
  statistics(): QueueStatistics {
    return this.#queue.statistics();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

showAs(SimpleQueue, ({ queue }) => ` size=${queue.qsize()}`);

travelsAs<SimpleQueue, Queue>(SimpleQueue, {
  stateOf: (simple) => simple.queue,
  attach: (constructor, queue) => new (constructor as unknown as new (queue: Queue) => SimpleQueue)(queue),
});
