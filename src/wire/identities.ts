import type { AsyncLocalStorage } from 'node:async_hooks';

/** What travels as its identity and nothing else: each thread has one of its own for it, the same each time. */
class Identities<T extends WeakKey> {
  readonly #ids = new WeakMap<T, string>();
  readonly #byId = new Map<string, WeakRef<T>>();
  readonly #collected = new FinalizationRegistry<string>((id) => {
    if (this.#byId.get(id)?.deref() === undefined) this.#byId.delete(id);
  });
  readonly #origin = Math.random().toString(36).slice(2);
  #count = 0;

  idOf(thing: T): string {
    return this.#ids.get(thing) ?? this.#enter(`${this.#origin}-${this.#count++}`, thing);
  }

  /** The one with this identity; made if there is none yet. */
  find(id: string, make: () => T): T {
    const known = this.#byId.get(id)?.deref();
    if (known !== undefined) return known;
    const thing = make();
    this.#enter(id, thing);
    return thing;
  }

  #enter(id: string, thing: T): string {
    this.#ids.set(thing, id);
    this.#byId.set(id, new WeakRef(thing));
    this.#collected.register(thing, id);
    return id;
  }
}

interface Known {
  /** What is in them stays behind. */
  readonly storages: Identities<AsyncLocalStorage<unknown>>;
  /** Those that are neither registered nor well-known. */
  readonly symbols: Identities<symbol>;
}

// One per thread, however many copies of this package are loaded in it.
const key: unique symbol = Symbol.for('manycore.identities') as never;
const holder = globalThis as { [key]?: Known };

const known: Known = (holder[key] ??= { storages: new Identities(), symbols: new Identities() });

export const storages: Known['storages'] = known.storages;
export const symbols: Known['symbols'] = known.symbols;
