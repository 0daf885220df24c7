/** The types of Python's SyncManager: name of the type -> class of its proxies in Python. The others have an AutoProxy. */
const proxyNames: ReadonlyMap<string, string> = new Map([
  ['list', 'ListProxy'],
  ['dict', 'DictProxy'],
  ['set', 'SetProxy'],
  ['Namespace', 'NamespaceProxy'],
  ['Value', 'ValueProxy'],
  ['Array', 'ArrayProxy'],
  ['Lock', 'AcquirerProxy'],
  ['RLock', 'AcquirerProxy'],
  ['Semaphore', 'AcquirerProxy'],
  ['BoundedSemaphore', 'AcquirerProxy'],
  ['Condition', 'ConditionProxy'],
  ['Event', 'EventProxy'],
  ['Barrier', 'BarrierProxy'],
  ['Iterator', 'IteratorProxy'],
]);

export const autoProxy = 'AutoProxy';

export function proxyNameOf(typeid: string): string {
  return proxyNames.get(typeid) ?? autoProxy;
}

/** All that a pickle of a proxy may name as its class. */
export const proxyClassNames: ReadonlySet<string> = new Set([
  ...proxyNames.values(),
  autoProxy,
  'BaseListProxy',
  'BaseProxy',
  'PoolProxy',
]);
