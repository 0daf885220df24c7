import { toList } from '../arguments.ts';
import type { PoolOptions } from '../pool/options.ts';
import { type DictEntries, type DictProxy, type NamespaceProxy, plainEntries } from './proxies/dict.ts';
import type {
  ArrayProxy,
  BarrierProxy,
  BaseProxy,
  ConditionProxy,
  EventProxy,
  JoinableQueueProxy,
  ListProxy,
  LockProxy,
  PoolProxy,
  QueueProxy,
  Remote,
  RLockProxy,
  SemaphoreProxy,
  SetProxy,
  ValueProxy,
} from './proxies/index.ts';

/** The types that every manager has, each by a method of its name. Python: `SyncManager`, as it extends `BaseManager`. */
export abstract class BuiltinTypes {
  /** An object of a registered type. Python: `manager.TYPEID(...)`. */
  abstract create<T extends object = Record<string, (...args: unknown[]) => unknown>>(
    type: string,
    ...args: readonly unknown[]
  ): T extends BaseProxy ? T : Remote<T>;

  /** A list. */
  list<T = unknown>(items: Iterable<T> = []): ListProxy<T> {
    return this.create('list', toList('the items of a list', items));
  }

  /** A dict: a Map. */
  dict<K = string, V = unknown>(entries?: DictEntries<K, V>): DictProxy<K, V> {
    return entries === undefined ? this.create('dict') : this.create('dict', plainEntries(entries));
  }

  /** A set. */
  set<T = unknown>(items: Iterable<T> = []): SetProxy<T> {
    return this.create('set', toList('the members of a set', items));
  }

  /** Values under names. */
  Namespace<T extends object = Record<string, unknown>>(values: Partial<T> = {}): NamespaceProxy<T> {
    return this.create('Namespace', { ...values });
  }

  /** One value. The type code is only shown. */
  Value<T = number>(typecode: string, value: T): ValueProxy<T> {
    return this.create('Value', typecode, value);
  }

  /** Numbers of one type, such as `i32` or Python's `i`: as many as are given, or so many zeros. */
  Array(typecode: string, init: number | Iterable<number>): ArrayProxy {
    return this.create('Array', typecode, typeof init === 'number' ? init : toList('the numbers of an Array', init));
  }

  /** A queue; with `maxSize` its `put` waits for room. */
  Queue<T = unknown>(maxSize = 0): QueueProxy<T> {
    return this.create('Queue', maxSize);
  }

  /** A queue that knows when all its items are done. */
  JoinableQueue<T = unknown>(maxSize = 0): JoinableQueueProxy<T> {
    return this.create('JoinableQueue', maxSize);
  }

  /** A lock. */
  Lock(): LockProxy {
    return this.create('Lock');
  }

  /** A lock that its holder can acquire again. */
  RLock(): RLockProxy {
    return this.create('RLock');
  }

  /** So many holders at a time. */
  Semaphore(count = 1): SemaphoreProxy {
    return this.create('Semaphore', count);
  }

  /** The same, which cannot be released more often than it was acquired. */
  BoundedSemaphore(count = 1): SemaphoreProxy {
    return this.create('BoundedSemaphore', count);
  }

  /** A condition, on a lock of this manager or on one of its own. */
  Condition(lock?: LockProxy | RLockProxy): ConditionProxy {
    return lock === undefined ? this.create('Condition') : this.create('Condition', lock);
  }

  /** An event. */
  Event(): EventProxy {
    return this.create('Event');
  }

  /** A barrier for so many; the last one that comes has `action` run in the server. `timeout` is the usual one, in milliseconds. */
  Barrier(parties: number, action?: () => unknown, { timeout }: { readonly timeout?: number } = {}): BarrierProxy {
    return this.create('Barrier', parties, action, timeout);
  }

  /** A pool whose workers are children of the server. */
  Pool(workers?: number, options: PoolOptions = {}): PoolProxy {
    return this.create('Pool', workers, options);
  }
}
