import { BaseProxy, standFor, type WaitOptions, waitOf } from './base.ts';

/** A queue in a manager's server. Who waits is served in order. Python: the proxy of `queue.Queue`. */
export class QueueProxy<T = unknown> extends BaseProxy {
  /** Puts an item, waiting for room. @throws QueueFullError when there is none within `timeout`. */
  put(item: T, options?: WaitOptions): Promise<void> {
    const { timeout, signal } = waitOf('put', options);
    return this.callMethod('put', timeout === undefined ? [item] : [item, timeout], signal) as Promise<void>;
  }

  /** Takes an item, waiting for one. @throws QueueEmptyError when none comes within `timeout`. */
  get(options?: WaitOptions): Promise<T> {
    const { timeout, signal } = waitOf('get', options);
    return this.callMethod('get', [timeout], signal) as Promise<T>;
  }

  /** @throws QueueFullError when there is no room. */
  putNowait(item: T): Promise<void> {
    return this.callMethod('put', [item, 0]) as Promise<void>;
  }

  /** @throws QueueEmptyError when nothing is there. */
  getNowait(): Promise<T> {
    return this.callMethod('get', [0]) as Promise<T>;
  }

  /** How many items there are; exact. */
  qsize(): Promise<number> {
    return this.callMethod('qsize') as Promise<number>;
  }

  empty(): Promise<boolean> {
    return this.callMethod('empty') as Promise<boolean>;
  }

  full(): Promise<boolean> {
    return this.callMethod('full') as Promise<boolean>;
  }

  /** Item after item, without end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) yield await this.get();
  }
}

/** A queue that knows when all its items are done. Python: `JoinableQueue`. */
export class JoinableQueueProxy<T = unknown> extends QueueProxy<T> {
  /** An item that was taken is done. @throws QueueTaskError when it is called more often than there were items. */
  taskDone(): Promise<void> {
    return this.callMethod('taskDone') as Promise<void>;
  }

  /** Waits until all items are done; whether they were within `timeout`. */
  join(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOf('join', options);
    return this.callMethod('join', [timeout], signal) as Promise<boolean>;
  }
}

standFor('Queue', QueueProxy);
standFor('JoinableQueue', JoinableQueueProxy);
