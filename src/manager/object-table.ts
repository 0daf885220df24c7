import { randomBytes } from 'node:crypto';
import { ObjectGoneError } from '../errors.ts';
import { bootTimeoutMs, lingerReferenceMs } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { Managed } from './managed.ts';
import { idBytes } from './protocol.ts';
import type { ObjectType } from './types.ts';

/**
 * The shared objects of a server. Those that clients refer to, or were just passed on, are held. Those that lie in other
 * shared objects live as long as these: they can be found, and the garbage collector counts.
 */
export class ObjectTable {
  readonly #held = new Map<string, Managed>();
  readonly #stored = new Map<string, WeakRef<Managed>>();
  readonly #collected = new FinalizationRegistry<string>((id) => this.#stored.delete(id));
  readonly #byTarget = new WeakMap<object, Managed>();
  /** Those who ask for an object whose maker has not come yet. */
  readonly #awaited = new Map<string, Set<(managed: Managed) => void>>();
  readonly #lingerMs: number;
  /** How many of the names under which objects are held are not their own. */
  #aliases = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(lingerMs: number = lingerReferenceMs) {
    this.#lingerMs = lingerMs;
  }

  /** How many are held. */
  get size(): number {
    return this.#held.size - this.#aliases;
  }

  /** [type, how many] of those that are held. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { type } of new Set(this.#held.values())) counts.set(type.name, (counts.get(type.name) ?? 0) + 1);
    return counts;
  }

  /** The shared object that `target` is; the same for the same target. */
  add(target: object, type: ObjectType, id: string = randomBytes(idBytes).toString('hex')): Managed {
    const known = this.#byTarget.get(target);
    const managed = known?.type === type ? known : new Managed(id, type, target);
    if (known === undefined) this.#byTarget.set(target, managed);
    if (managed.id !== id && !this.#held.has(id)) {
      managed.aliases.set(id, 0);
      this.#aliases++;
      this.#held.set(id, managed);
    }
    const awaited = this.#awaited.get(id);
    this.#awaited.delete(id);
    for (const resolve of awaited ?? []) resolve(managed);
    return managed;
  }

  has(id: string): boolean {
    return this.#held.has(id) || this.#stored.has(id);
  }

  /** A client gets it, by one of its names. */
  hold(managed: Managed, name: string = managed.id): void {
    if (managed.references++ === 0) this.#held.set(managed.id, managed);
    const times = managed.aliases.get(name);
    if (times !== undefined) managed.aliases.set(name, times + 1);
  }

  /** A client gives it back, `count` times. */
  release(managed: Managed, count: number, name: string = managed.id): void {
    managed.references -= count;
    const times = managed.aliases.get(name);
    if (times !== undefined) {
      managed.aliases.set(name, times - count);
      this.#settleAlias(managed, name);
    }
    if (managed.references <= 0) this.#settle(managed);
  }

  /** Who was told of it by a name that nobody uses any more may still come. */
  #settleAlias(managed: Managed, name: string): void {
    if (managed.aliases.get(name) !== 0) return;
    if (managed.keptUntilMs > monotonicMs()) return this.#sweepLater();
    this.#forget(managed, name);
  }

  #forget(managed: Managed, name: string): void {
    managed.aliases.delete(name);
    if (this.#held.delete(name)) this.#aliases--;
  }

  #settle(managed: Managed): void {
    if (managed.keptUntilMs > monotonicMs()) return this.#sweepLater();
    this.#held.delete(managed.id);
    for (const alias of Array.from(managed.aliases.keys())) this.#forget(managed, alias);
    if (!managed.stored) managed.type.gone?.(managed.target);
    if (!managed.stored || this.#stored.has(managed.id)) return;
    this.#stored.set(managed.id, new WeakRef(managed));
    this.#collected.register(managed, managed.id);
  }

  /** It was passed on: whoever gets it has some time to come for it. */
  travel(managed: Managed): void {
    managed.keptUntilMs = monotonicMs() + this.#lingerMs;
  }

  #sweepLater(): void {
    if (this.#timer !== undefined) return;
    const sweep = (): void => {
      this.#timer = undefined;
      const now = monotonicMs();
      let more = false;
      for (const [name, managed] of this.#held) {
        const isAlias = name !== managed.id;
        if (isAlias ? managed.aliases.get(name) !== 0 : managed.references > 0) continue;
        if (managed.keptUntilMs > now) more = true;
        else if (isAlias) this.#forget(managed, name);
        else this.#settle(managed);
      }
      if (more) this.#sweepLater();
    };
    this.#timer = setTimeout(sweep, Math.max(10, Math.min(this.#lingerMs, 5_000)));
    this.#timer.unref();
  }

  /**
   * The object of a name. When its maker may still come, a promise, and in `onGone` what ends the waiting.
   *
   * @throws ObjectGoneError when there is none.
   */
  find(id: string, onGone?: Set<() => void>): Managed | Promise<Managed> {
    const managed = this.#held.get(id) ?? this.#stored.get(id)?.deref();
    if (managed !== undefined) return managed;
    const error = new ObjectGoneError(
      'The shared object does not exist any more: whoever had it has let go of it, or its server was started anew.',
    );
    if (onGone === undefined) throw error;
    return new Promise((resolve, reject) => {
      const awaited = this.#awaited.get(id) ?? new Set();
      this.#awaited.set(id, awaited);
      const came = (found: Managed): void => {
        clearTimeout(timer);
        onGone.delete(gone);
        resolve(found);
      };
      const gone = (): void => {
        clearTimeout(timer);
        onGone.delete(gone);
        awaited.delete(came);
        if (awaited.size === 0) this.#awaited.delete(id);
        reject(error);
      };
      const timer = setTimeout(gone, bootTimeoutMs);
      timer.unref();
      onGone.add(gone);
      awaited.add(came);
    });
  }
}
