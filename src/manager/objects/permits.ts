import { LockStateError } from '../../errors.ts';
import { type Call, checkDelay, checkWhole, type Holder, type Leased, Line } from './call.ts';

/** What a client gets with a lock: the token is larger than all before it; whether the owner before died with it. */
export type Grant = readonly [token: number, ownerDied: boolean];

// Larger than those of a server before this one at the same address.
let tokens = Date.now() * 1_000;

/** Locks and semaphores: permits, each of which is somebody's. Those of a client that is gone are free again. */
export class Permits implements Leased {
  readonly #kind: string;
  readonly #limit: number;
  #free: number;
  /** Who has which, in the order in which they were given. */
  readonly #granted = new Map<number, Holder>();
  readonly #line = new Line<Grant | undefined>();
  /** Grants that were given up for a while and are had again, by another token. */
  readonly #renewed = new Map<number, number>();
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
    this.#granted.set(token, holder);
    holder.leases.add(this);
    const grant = [token, this.#ownerDied] as const;
    this.#ownerDied = false;
    return grant;
  }

  /**
   * Gives a permit back: that of a token, or else one of the caller's, or else the oldest of anybody's.
   *
   * @throws LockStateError for a token that is not valid any more, and for more than were given.
   */
  release(call: Call, token?: unknown, count: unknown = 1): void {
    if (token !== undefined && token !== null) {
      if (!this.#granted.delete(this.#current(token)))
        throw new LockStateError(
          `Cannot release the ${this.#kind}: this grant has ended. It was released, or its holder was taken for dead.`,
        );
      return this.#returned();
    }
    for (let i = checkWhole('count', count, 1, 1_000_000); i > 0; i--) {
      const mine = [...this.#granted].find(([, holder]) => holder === call.holder) ?? [...this.#granted][0];
      if (mine !== undefined) this.#granted.delete(mine[0]);
      else if (this.#free >= this.#limit)
        throw new LockStateError(`Cannot release the ${this.#kind}: nobody has acquired it.`);
      this.#returned();
    }
  }

  #returned(): void {
    this.#free++;
    if (this.#granted.size === 0) this.#renewed.clear();
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
    const renewed = this.#renewed.get(token as number);
    return renewed === undefined ? (token as number) : this.#current(renewed);
  }

  getValue(): number {
    return this.#free;
  }

  /** Whether a client has one. */
  isHeldBy(holder: Holder): boolean {
    for (const owner of this.#granted.values()) if (owner === holder) return true;
    return false;
  }

  /** For a condition: gives up what a client has, and says how it is to be had again. */
  yield(call: Call): (again: Call) => Promise<Grant | undefined> {
    const mine = [...this.#granted].find(([, holder]) => holder === call.holder);
    if (mine === undefined) throw new LockStateError(`Cannot wait: the ${this.#kind} is not acquired.`);
    const [token] = mine;
    this.release(call, token);
    return async (again) => {
      const grant = await this.acquire(again);
      if (grant !== undefined) this.#renewed.set(token, grant[0]);
      return grant;
    };
  }

  abandonedBy(holder: Holder): void {
    this.#renewed.clear();
    for (const [token, owner] of Array.from(this.#granted)) {
      if (owner !== holder) continue;
      this.#granted.delete(token);
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
  #depth = 0;

  async acquire(call: Call, timeout?: unknown): Promise<Grant | undefined> {
    if (this.#owner === call.holder) {
      this.#depth++;
      return this.#grant;
    }
    const grant = await this.#lock.acquire(call, timeout);
    // Several calls of one client may have waited.
    if (grant !== undefined) this.#own(call.holder, grant, 1);
    return grant;
  }

  #own(holder: Holder, grant: Grant, depth: number): void {
    this.#owner = holder;
    this.#grant = grant;
    this.#depth = depth;
    holder.leases.add(this);
  }

  release(call: Call): void {
    if (this.#owner !== call.holder || this.#grant === undefined)
      throw new LockStateError('Cannot release the RLock: it is not owned by this client.');
    if (--this.#depth > 0) return;
    this.#free(call);
  }

  #free(call: Call): void {
    const [token] = this.#grant!;
    this.#owner = this.#grant = undefined;
    this.#depth = 0;
    this.#lock.release(call, token);
  }

  locked(): boolean {
    return this.#owner !== undefined;
  }

  valid(_call: Call, token: unknown): boolean {
    return this.#grant?.[0] === token;
  }

  isHeldBy(holder: Holder): boolean {
    return this.#owner === holder;
  }

  yield(call: Call): (again: Call) => Promise<Grant | undefined> {
    if (this.#owner !== call.holder) throw new LockStateError('Cannot wait: the RLock is not acquired.');
    const depth = this.#depth;
    this.#free(call);
    return async (again) => {
      const grant = await this.acquire(again);
      this.#depth += depth - 1;
      return grant;
    };
  }

  abandonedBy(holder: Holder): void {
    if (this.#owner !== holder) return;
    this.#owner = this.#grant = undefined;
    this.#depth = 0;
    this.#lock.abandonedBy(holder);
  }

  toString(): string {
    return `RLock(depth=${this.#depth})`;
  }
}
