import { QueueTaskError } from '../errors.ts';
import { type IsDead } from './gate.ts';
import { blocked, late } from '../waiting.ts';
import { type QueueOptions, timeoutOf, type SyncQueueOptions, waitingOf } from './options.ts';
import { Queue } from './queue.ts';

/**
 * A queue that knows which of its items are done with: who gets one says so by `taskDone()`, and `join()` waits until all are.
 * Python: `multiprocessing.JoinableQueue`.
 *
 * @example
 * ```ts
 * import { JoinableQueue } from 'manycore';
 * const q = new JoinableQueue<string>();
 * await q.put('work');
 * console.log(await q.get());
 * q.taskDone();
 * await q.join();
 * ```
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  protected override get counts(): boolean {
    return true;
  }

  /**
   * An item that was got is done with.
   *
   * @throws QueueTaskError when all that were put are done with already.
   */
  taskDone(): void {
    if (this.ring.finish() === undefined)
      throw new QueueTaskError('taskDone() was called more often than there were items.');
  }

  /** How many items were put and are not done with. */
  unfinished(): number {
    return this.ring.ring.unfinished;
  }

  /**
   * Waits, without blocking, until every item is done with; false when it was not within `timeout` milliseconds.
   *
   * @throws QueueTaskError when who had got an item has died without `taskDone()`: in Python it would wait for ever.
   */
  async join(options?: QueueOptions): Promise<boolean> {
    return (await this.ring.joins.wait((isDead) => this.#isDone(isDead), waitingOf('join', options))) !== late;
  }

  /** `join` that blocks this thread. */
  joinSync(options?: SyncQueueOptions): boolean {
    return this.ring.joins.waitSync((isDead) => this.#isDone(isDead), timeoutOf('joinSync', options)) !== late;
  }

  #isDone(isDead: IsDead): true | typeof blocked {
    const { ring } = this;
    const unfinished = ring.ring.unfinished;
    if (unfinished === 0) return true;
    const lost = ring.bereft(isDead);
    if (lost > 0)
      throw new QueueTaskError(
        `${lost} of ${unfinished} unfinished items died with the process that had got them: it ended before taskDone().`,
      );
    return blocked;
  }
}
