import { LockStateError } from '../../errors.ts';
import { type Call, checkDelay, checkWhole, type Holder, type Leased, Line } from './call.ts';
import { Front } from './front.ts';

/** What a client gets with a lock: the token is larger than all before it; whether the owner before died with it. */
export type Grant = readonly [token: number, ownerDied: boolean];

// Larger than those of a server before this one at the same address.
let tokens = Date.now() * 1_000;

interface Granted {
  readonly holder: Holder;
  /** The token that the holder was told: while it waited for a condition it gave up what it has again by another one. */
  readonly known: number;
}

/** Locks and semaphores: permits, each of which is somebody's. Those of a client that is gone are free again. */
export class Permits implements Leased {
  readonly #kind: string;
  readonly #limit: number;
  #free: number;
  /** Who has which, by tokens, in the order in which they were given. */
  readonly #granted = new Map<number, Granted>();
  readonly #oldest = new Front(this.#granted);
  readonly #held = new Map<Holder, Set<number>>();
  /** The token that was told -> that by which its holder has it now. */
  readonly #renewed = new Map<number, number>();
  readonly #line = new Line<Grant | undefined>();
  #ownerDied = false;

  constructor(kind: string, count: number, limit: number = Infinity) {
    this.#kind = kind;
    this.#free = count;
    this.#limit = limit;
  }

  acquire(call: Call, timeout?: unknown): Grant | undefined | Promise<Grant | undefined> {
    if (call.holder.isGone) return undefined;
    if (this.#free > 0 && this.#line.length === 0) return this.#grant(call.holder);
    const timeoutMs = checkDelay(timeout);
    return timeoutMs === 0 ? undefined : this.#line.wait(call, timeoutMs, undefined);
  }

  #grant(holder: Holder): Grant {
    this.#free--;
    const token = ++tokens;
    this.#granted.set(token, { holder, known: token });
    let held = this.#held.get(holder);
    if (held === undefined) this.#held.set(holder, (held = new Set()));
    held.add(token);
    holder.leases.add(this);
    const grant = [token, this.#ownerDied] as const;
    this.#ownerDied = false;
    return grant;
  }

  /** Ends a grant; false when it has ended before. */
  #end(token: number): boolean {
    const granted = this.#granted.get(token);
    if (granted === undefined) return false;
    const { holder, known } = granted;
    this.#granted.delete(token);
    if (known !== token) this.#renewed.delete(known);
    const held = this.#held.get(holder)!;
    held.delete(token);
    if (held.size === 0) this.#held.delete(holder);
    return true;
  }

  /**
   * Gives a permit back: that of a token, or else one of the caller's, or else the oldest of anybody's.
   *
   * @throws LockStateError for a token that is not valid any more, and for more than were given.
   */
  release(call: Call, token?: unknown, count: unknown = 1): void {
    if (token !== undefined && token !== null) {
      if (!this.#end(this.#current(token)))
        throw new LockStateError(
          `Cannot release the ${this.#kind}: this grant has ended. It was released, or its holder was taken for dead.`,
        );
      return this.#returned();
    }
    for (let i = checkWhole('count', count, 1, 1_000_000); i > 0; i--) {
      const some = this.#mine(call.holder) ?? this.#oldest.get();
      if (some !== undefined) this.#end(some);
      else if (this.#free >= this.#limit)
        throw new LockStateError(`Cannot release the ${this.#kind}: nobody has acquired it.`);
      this.#returned();
    }
  }

  #mine(holder: Holder): number | undefined {
    for (const token of this.#held.get(holder) ?? []) return token;
    return undefined;
  }

  #returned(): void {
    this.#free++;
    const { first } = this.#line;
    if (first !== undefined) this.#line.next(this.#grant(first.holder));
  }

  locked(): boolean {
    return this.#free === 0;
  }

  /** Whether a grant is still valid. */
  valid(_call: Call, token: unknown): boolean {
    return this.#granted.has(this.#current(token));
  }

  #current(token: unknown): number {
    return this.#renewed.get(token as number) ?? (token as number);
  }

  getValue(): number {
    return this.#free;
  }

  /** Whether a client has one. */
  isHeldBy(holder: Holder): boolean {
    return this.#held.has(holder);
  }

  /** For a condition: gives up what a client has, and says how it is to be had again, by the token that it was told. */
  yield(call: Call): (again: Call) => Promise<Grant | undefined> {
    const mine = this.#mine(call.holder);
    if (mine === undefined) throw new LockStateError(`Cannot wait: the ${this.#kind} is not acquired.`);
    const { known } = this.#granted.get(mine)!;
    this.#end(mine);
    this.#returned();
    return async (again) => {
      const grant = await this.acquire(again);
      // It may have been lost meanwhile, with its holder.
      if (grant === undefined || !this.#granted.has(grant[0])) return undefined;
      this.#granted.set(grant[0], { holder: again.holder, known });
      this.#renewed.set(known, grant[0]);
      return grant;
    };
  }

  abandonedBy(holder: Holder): void {
    for (const token of Array.from(this.#held.get(holder) ?? [])) {
      this.#end(token);
      this.#ownerDied = true;
      this.#returned();
    }
  }

  toString(): string {
    return `${this.#kind}(free=${this.#free})`;
  }
}

/** A lock that its owner, a client, may acquire again. */
export class Reentrant implements Leased {
  readonly #lock = new Permits('RLock', 1, 1);
  #owner: Holder | undefined;
  #grant: Grant | undefined;
  /** By which tokens the owner knows it: after it has waited for a condition, by that from before too. */
  readonly #known = new Set<number>();
  #depth = 0;

  acquire(call: Call, timeout?: unknown): Grant | undefined | Promise<Grant | undefined> {
    if (this.#owner === call.holder) {
      this.#depth++;
      return this.#grant;
    }
    const grant = this.#lock.acquire(call, timeout);
    return grant instanceof Promise
      ? grant.then((came) => this.#own(call.holder, came))
      : this.#own(call.holder, grant);
  }

  #own(holder: Holder, grant: Grant | undefined): Grant | undefined {
    // Between the grant and this turn its holder may have died, and lost it.
    if (grant === undefined || !this.#lock.isHeldBy(holder)) return undefined;
    this.#owner = holder;
    this.#grant = grant;
    this.#known.add(grant[0]);
    this.#depth = 1;
    holder.leases.add(this);
    return grant;
  }

  release(call: Call, token?: unknown): void {
    if (this.#owner !== call.holder || this.#grant === undefined)
      throw new LockStateError('Cannot release the RLock: it is not owned by this client.');
    if (token !== undefined && token !== null && !this.#known.has(token as number))
      throw new LockStateError('Cannot release the RLock: this grant has ended.');
    if (--this.#depth === 0) this.#free(call);
  }

  #free(call: Call): void {
    const [token] = this.#grant!;
    this.#forget();
    this.#lock.release(call, token);
  }

  #forget(): void {
    this.#owner = this.#grant = undefined;
    this.#known.clear();
    this.#depth = 0;
  }

  locked(): boolean {
    return this.#owner !== undefined;
  }

  valid(_call: Call, token: unknown): boolean {
    return this.#known.has(token as number);
  }

  isHeldBy(holder: Holder): boolean {
    return this.#owner === holder;
  }

  yield(call: Call): (again: Call) => Promise<Grant | undefined> {
    if (this.#owner !== call.holder) throw new LockStateError('Cannot wait: the RLock is not acquired.');
    const depth = this.#depth;
    const known = [...this.#known];
    this.#free(call);
    return async (again) => {
      const grant = await this.acquire(again);
      if (grant === undefined || this.#owner !== again.holder) return undefined;
      for (const token of known) this.#known.add(token);
      this.#depth += depth - 1;
      return grant;
    };
  }

  abandonedBy(holder: Holder): void {
    if (this.#owner !== holder) return;
    this.#forget();
    this.#lock.abandonedBy(holder);
  }

  toString(): string {
    return `RLock(depth=${this.#depth})`;
  }
}
