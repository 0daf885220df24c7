import { AsyncLocalStorage } from 'node:async_hooks';

interface Storages {
  readonly ids: WeakMap<AsyncLocalStorage<unknown>, string>;
  readonly byId: Map<string, WeakRef<AsyncLocalStorage<unknown>>>;
  readonly origin: string;
}

// One per thread, however many copies of this package are loaded in it.
const key: unique symbol = Symbol.for('manycore.storages') as never;
const holder = globalThis as { [key]?: Storages };
const storages: Storages = (holder[key] ??= {
  ids: new WeakMap(),
  byId: new Map(),
  origin: Math.random().toString(36).slice(2),
});

/** An AsyncLocalStorage goes as its identity: each thread has one of its own for it, and what is in it stays behind. */
export function storageId(storage: AsyncLocalStorage<unknown>): string {
  const known = storages.ids.get(storage);
  return known ?? enter(`${storages.origin}-${storages.byId.size}`, storage);
}

export function storageOf(id: string): AsyncLocalStorage<unknown> {
  const known = storages.byId.get(id)?.deref();
  if (known !== undefined) return known;
  const storage = new AsyncLocalStorage<unknown>();
  enter(id, storage);
  return storage;
}

function enter(id: string, storage: AsyncLocalStorage<unknown>): string {
  storages.ids.set(storage, id);
  storages.byId.set(id, new WeakRef(storage));
  return id;
}
