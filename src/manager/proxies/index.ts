/** All proxies: to load this is to have them all. */
export { BaseProxy, type WaitOptions } from './base.ts';
export { DictProxy, type DictEntries, NamespaceProxy } from './dict.ts';
export { ListProxy, SetProxy, type SortOptions } from './list.ts';
export {
  AcquirableProxy,
  BarrierProxy,
  ConditionProxy,
  EventProxy,
  type GrantOptions,
  LockGrant,
  LockProxy,
  RLockProxy,
  SemaphoreProxy,
} from './locks.ts';
export { JoinableQueueProxy, QueueProxy } from './queue.ts';
export { AsyncResultProxy, IteratorProxy, PoolProxy, type Remote, RemoteProxy } from './remote.ts';
export { ArrayProxy, type NumberArray, ValueProxy } from './value.ts';
