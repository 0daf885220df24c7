import type { AsyncLocalStorage } from 'node:async_hooks';
import type { AnyFunction } from '../engine/functions.ts';

/** `fn` with what the storages hold now: it travels as what the function has captured. */
export function carrying(fn: AnyFunction, storages: readonly AsyncLocalStorage<unknown>[]): AnyFunction {
  const stores = storages.map((storage) => storage.getStore());
  const run = (level: number, args: never[]): unknown => {
    const storage = storages[level];
    return storage === undefined ? fn(...args) : storage.run(stores[level], () => run(level + 1, args));
  };
  return (...args: never[]) => run(0, args);
}
