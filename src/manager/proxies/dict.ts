import { iterationChunk } from '../../limits.ts';
import { BaseProxy, standFor, updateRemotely } from './base.ts';

/** What a dict can be made of. */
export type DictEntries<K, V> =
  | ReadonlyMap<K, V>
  | Iterable<readonly [K, V]>
  | (K extends string ? Readonly<Record<string, V>> : never);

/**
 * A Map in a manager's server. Keys are data and told by their contents; the order is that of insertion. Python: `DictProxy`.
 *
 * A value that was got is a copy: to change it, `set` it again, `update` it, or store a proxy.
 */
export class DictProxy<K = unknown, V = unknown> extends BaseProxy {
  /** The value of a key; `fallback` (default: undefined) when there is none. */
  get(key: K): Promise<V | undefined>;
  get<F>(key: K, fallback: F): Promise<V | F>;
  get(key: K, fallback?: unknown): Promise<unknown> {
    return this.callMethod('get', fallback === undefined ? [key] : [key, fallback]);
  }

  /** Stores a value. Python: `d[key] = value`. */
  set(key: K, value: V): Promise<void> {
    return this.callMethod('set', [key, value]) as Promise<void>;
  }

  /** Whether there is such a key. Python: `key in d`. */
  has(key: K): Promise<boolean> {
    return this.callMethod('has', [key]) as Promise<boolean>;
  }

  /** Removes a key; whether it was there. Python: `del d[key]`. */
  delete(key: K): Promise<boolean> {
    return this.callMethod('delete', [key]) as Promise<boolean>;
  }

  /**
   * Changes a value in one step, whoever else changes it, and gives the new one. With one argument: takes over all items of
   * another dict (Python: `d.update(other)`).
   *
   * The function runs in the server if that takes code, as one that this program has started does; else here, and again when
   * somebody else was faster. So it should do nothing but compute.
   *
   * @example
   * ```ts
   * import { Manager } from 'manycore';
   * await using manager = new Manager();
   * const seen = manager.dict<string, number>();
   * await seen.update('a', (n = 0) => n + 1);
   * ```
   */
  update(entries: DictEntries<K, V>): Promise<void>;
  update<R extends V>(key: K, fn: (value: V | undefined) => R | Promise<R>): Promise<R>;
  update(first: unknown, fn?: (value: V | undefined) => unknown): Promise<unknown> {
    if (fn !== undefined) return updateRemotely(this, [first], fn);
    return this.callMethod('assign', [plainEntries(first)]);
  }

  /** Adds to a number, in one step; a missing one counts as 0. Gives the sum. */
  incr(key: K, by?: V): Promise<V> {
    return this.callMethod('incr', [key, by]) as Promise<V>;
  }

  /** Removes a key and gives its value. @throws ArgumentRangeError when it is missing and there is no `fallback`. */
  pop(key: K): Promise<V>;
  pop<F>(key: K, fallback: F): Promise<V | F>;
  pop(key: K, ...fallback: unknown[]): Promise<unknown> {
    return this.callMethod('pop', [key, ...fallback]);
  }

  /** Removes the item that came last. @throws ArgumentRangeError when the dict is empty. */
  popItem(): Promise<[K, V]> {
    return this.callMethod('popItem') as Promise<[K, V]>;
  }

  /** The value of a key, which is stored first when there is none. */
  setDefault(key: K, value: V): Promise<V> {
    return this.callMethod('setDefault', [key, value]) as Promise<V>;
  }

  keys(): Promise<K[]> {
    return this.callMethod('keys') as Promise<K[]>;
  }

  values(): Promise<V[]> {
    return this.callMethod('values') as Promise<V[]>;
  }

  /** Pairs of key and value. Python: `items`. */
  items(): Promise<[K, V][]> {
    return this.callMethod('items') as Promise<[K, V][]>;
  }

  clear(): Promise<void> {
    return this.callMethod('clear') as Promise<void>;
  }

  /** How many keys there are. Python: `len(d)`. */
  size(): Promise<number> {
    return this.callMethod('size') as Promise<number>;
  }

  /** A copy with the items of another dict, as a Map. Python: `d | other`. */
  union(other: DictEntries<K, V>): Promise<Map<K, V>> {
    return this.callMethod('union', [plainEntries(other)]) as Promise<Map<K, V>>;
  }

  /** A copy, as a Map; shared objects in it are proxies. Python: `d.copy()`, `d._getvalue()`. */
  value(): Promise<Map<K, V>> {
    return this.callMethod('value') as Promise<Map<K, V>>;
  }

  /** Pairs of key and value, in order. @throws InvalidStateError when keys come or go meanwhile. */
  async *[Symbol.asyncIterator](): AsyncGenerator<[K, V], void, undefined> {
    let shape: number | undefined;
    for (let at = 0; ; at += iterationChunk) {
      const [now, ...items] = (await this.callMethod('page', [at, iterationChunk, shape])) as [number, ...[K, V][]];
      shape = now;
      yield* items;
      if (items.length === 0) return;
    }
  }
}

/** What travels as data: an iterable is gone through here. The server says what it cannot make items of. */
export function plainEntries(entries: unknown): unknown {
  if (entries instanceof Map || typeof entries !== 'object' || entries === null) return entries;
  return Symbol.iterator in entries ? [...(entries as Iterable<unknown>)] : entries;
}

/** Values under names. Python: `Namespace`, whose attributes cannot be awaited here. */
export class NamespaceProxy<T extends object = Record<string, unknown>> extends BaseProxy {
  get<N extends keyof T & string>(name: N): Promise<T[N]> {
    return this.callMethod('get', [name]) as Promise<T[N]>;
  }

  set<N extends keyof T & string>(name: N, value: T[N]): Promise<void> {
    return this.callMethod('set', [name, value]) as Promise<void>;
  }

  has(name: string): Promise<boolean> {
    return this.callMethod('has', [name]) as Promise<boolean>;
  }

  delete(name: keyof T & string): Promise<boolean> {
    return this.callMethod('delete', [name]) as Promise<boolean>;
  }

  /** Changes a value in one step: see `DictProxy.update`. */
  update<N extends keyof T & string>(name: N, fn: (value: T[N]) => T[N] | Promise<T[N]>): Promise<T[N]> {
    return updateRemotely(this, [name], fn) as Promise<T[N]>;
  }

  incr<N extends keyof T & string>(name: N, by?: T[N]): Promise<T[N]> {
    return this.callMethod('incr', [name, by]) as Promise<T[N]>;
  }

  /** A copy, as an object. */
  async value(): Promise<T> {
    return Object.fromEntries((await this.callMethod('items')) as [string, unknown][]) as T;
  }
}

standFor('dict', DictProxy);
standFor('Namespace', NamespaceProxy);
