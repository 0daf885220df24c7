import { AsyncLocalStorage } from 'node:async_hooks';

/** A call of `run`, and what it was made in. */
export interface Flow {
  readonly outer: Flow | undefined;
}

// An AsyncLocalStorage makes every promise dearer, so there is none until it is needed.
let storage: AsyncLocalStorage<Flow> | undefined;

/** Where we are; undefined outside of all of them. */
export function currentFlow(): Flow | undefined {
  return storage?.getStore();
}

/** Whether `flow` is `outer` or within it. */
export function isWithin(flow: Flow | undefined, outer: Flow | undefined): boolean {
  for (let at = flow; at !== outer; at = at.outer) if (at === undefined) return false;
  return true;
}

export function runInFlow<R>(fn: () => R): R {
  storage ??= new AsyncLocalStorage();
  return storage.run({ outer: storage.getStore() }, fn);
}
