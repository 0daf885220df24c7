import { LockStateError } from '../errors.ts';
import type { Members } from './members.ts';
import type { Parties } from './parties.ts';
import { type How, Waiters, type Wish } from './waiters.ts';
import { blocked, type late, type Waiting } from '../waiting.ts';

const OWNER = 0;
const HEIR = 1;
/** The seats are on a cache line of their own. */
const WAITERS = 16;

/** In the word of the owner: only the heir may take it. */
const reserved = 1 << 30;

/**
 * A lock whose owner may die. One step takes it and says who has it, so it is never unknown whose it is.
 *
 *     word 0   the owner's word, 0 when it is free; `reserved` besides when only the heir may take it
 *     word 1   the heir: one that has waited for too long
 *     from 16  seats of those that wait
 *
 *                      take: compare-and-swap 0 -> me
 *               ┌───────────────────────────────────────────┐
 *             free ◀── release ── held ── the owner dies ──▶ ownerless ── take over ──▶ held
 *                                  │ overdue: a waiter becomes the heir
 *                                  ▼
 *                             held, reserved ── release ──▶ free, reserved ── the heir takes it ──▶ held
 *
 * Whoever comes takes a free lock, also before those that wait: to wake one takes longer than most locks are held. Who has waited for a
 * millisecond becomes the heir, and the next release is for it.
 */
export class RobustLock implements Wish<boolean> {
  static readonly words: number = WAITERS + Waiters.words;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #me: number;
  readonly waiters: Waiters;
  /** Whether it was taken over when this thread took it last. */
  ownerDied = false;

  constructor(words: Int32Array, at: number, members: Members, parties: Parties) {
    this.#words = words;
    this.#at = at;
    this.#me = parties.me;
    const forgo = (): void => this.#forgo();
    this.waiters = new Waiters({ words, at: at + WAITERS, members, parties, alone: true, forgo });
  }

  /** The party that has it; 0 when it is free. */
  get owner(): number {
    return Atomics.load(this.#words, this.#at + OWNER) & ~reserved;
  }

  get isMine(): boolean {
    return this.owner === this.#me;
  }

  /** Takes it if it is free and nobody else is due. */
  tryTake(): boolean {
    if (Atomics.compareExchange(this.#words, this.#at + OWNER, 0, this.#me) !== 0) return false;
    this.ownerDied = false;
    return true;
  }

  /** Waits for it. Whether it was taken over from one that died; `late` when it was not to be had in time. */
  take(waiting: Waiting): boolean | typeof late | Promise<boolean | typeof late> {
    return this.waiters.wait(this, waiting);
  }

  takeSync(timeout?: number): boolean | typeof late {
    return this.tryTake() ? false : this.waiters.waitSync(this, timeout);
  }

  try({ isDead, isGone, overdue }: How): boolean | typeof blocked {
    const words = this.#words;
    const at = this.#at + OWNER;
    for (;;) {
      const seen = Atomics.load(words, at);
      const owner = seen & ~reserved;
      const ownerDied = owner !== 0 && owner !== this.#me && isDead(owner);
      if (ownerDied || (owner === 0 && this.#mayTake(seen, isGone))) {
        if (Atomics.compareExchange(words, at, seen, this.#me) !== seen) continue;
        if (seen !== 0) this.#succeed(isGone);
        this.ownerDied = ownerDied;
        return ownerDied;
      }
      if (!overdue || this.#reserve(seen, isGone)) return blocked;
    }
  }

  #mayTake(seen: number, isGone: How['isGone']): boolean {
    if (seen === 0) return true;
    const heir = Atomics.load(this.#words, this.#at + HEIR);
    return heir === 0 || heir === this.#me || isGone(heir);
  }

  /** The reservation ended with the taking. One who had it, or has died or gone away with it, is no heir any more. */
  #succeed(isGone: How['isGone']): void {
    const heir = Atomics.load(this.#words, this.#at + HEIR);
    if (heir === this.#me || (heir !== 0 && isGone(heir)))
      Atomics.compareExchange(this.#words, this.#at + HEIR, heir, 0);
  }

  /** Has the next release be for this party, unless somebody is the heir already. False: the lock has changed. */
  #reserve(seen: number, isGone: How['isGone']): boolean {
    const words = this.#words;
    const heir = Atomics.load(words, this.#at + HEIR);
    if (heir !== this.#me) {
      if (heir !== 0 && !isGone(heir)) return true;
      if (Atomics.compareExchange(words, this.#at + HEIR, heir, this.#me) !== heir) return true;
    }
    if ((seen & reserved) !== 0) return true;
    return Atomics.compareExchange(words, this.#at + OWNER, seen, seen | reserved) === seen;
  }

  /** Nobody of this thread waits any more: it is not the heir. */
  #forgo(): void {
    const words = this.#words;
    if (Atomics.load(words, this.#at + HEIR) !== this.#me) return;
    if (Atomics.compareExchange(words, this.#at + HEIR, this.#me, 0) !== this.#me) return;
    const seen = Atomics.and(words, this.#at + OWNER, ~reserved);
    if (seen === reserved) this.waiters.notify();
  }

  /**
   * Gives it back, whoever has it.
   *
   * @throws LockStateError when nobody has it.
   */
  release(): void {
    const words = this.#words;
    const at = this.#at + OWNER;
    let seen = Atomics.compareExchange(words, at, this.#me, 0);
    if (seen === this.#me) {
      this.waiters.notify();
      return;
    }
    for (;;) {
      if ((seen & ~reserved) === 0)
        throw new LockStateError(
          'Cannot release a lock that nobody holds: it was released more often than it was acquired.',
        );
      const next = Atomics.compareExchange(words, at, seen, seen & reserved);
      if (next === seen) break;
      seen = next;
    }
    if ((seen & reserved) === 0 || !this.#wakeHeir()) this.waiters.notify();
  }

  /** Whether there is one. */
  #wakeHeir(): boolean {
    const words = this.#words;
    const heir = Atomics.load(words, this.#at + HEIR);
    if (heir !== 0 && this.waiters.notifyParty(heir)) return true;
    // It has gone, or is about to: then it is for anybody.
    Atomics.and(words, this.#at + OWNER, ~reserved);
    return false;
  }
}
