/** manycore/managers: objects in a server process, used by all through proxies. Python: multiprocessing.managers. */
export type { Address, TcpAddress, TlsOption, TlsOptions } from './manager/address.ts';
export { Manager, type StartOptions } from './manager/manager.ts';
export type { ConnectOptions, ManagerOptions, RegisterOptions } from './manager/options.ts';
export { PythonManager, type PythonManagerOptions } from './manager/python/python-manager.ts';
export {
  AcquirableProxy,
  ArrayProxy,
  AsyncResultProxy,
  BarrierProxy,
  BaseProxy,
  ConditionProxy,
  type DictEntries,
  DictProxy,
  EventProxy,
  IteratorProxy,
  JoinableQueueProxy,
  ListProxy,
  type GrantOptions,
  LockGrant,
  LockProxy,
  NamespaceProxy,
  type NumberArray,
  PoolProxy,
  QueueProxy,
  type Remote,
  RemoteProxy,
  RLockProxy,
  SemaphoreProxy,
  SetProxy,
  type SortOptions,
  ValueProxy,
  type WaitOptions,
} from './manager/proxies/index.ts';
export { Server, type ServerStatistics } from './manager/server.ts';
