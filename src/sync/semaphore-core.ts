import { LockStateError } from '../errors.ts';
import { Brief } from './brief.ts';
import type { Core, Place } from './shared-object.ts';
import { type How, Waiters, type Wish } from './waiters.ts';
import { blocked } from '../waiting.ts';

const LATCH = 0;
const VALUE = 1;
const TOTAL = 2;
const HEIR = 3;
const HOLDERS = 16;
const holders = 64;
const WAITERS: number = HOLDERS + holders * 2;
export const semaphoreWords: number = WAITERS + Waiters.words;

/** Semaphores count up to here, as Python's. */
export const maxSemaphoreValue: number = 2 ** 31 - 1;

/**
 * Permits, and who has how many of them. All is changed under a brief latch, and each change is one step:
 *
 *     word 0   the latch
 *     word 1   the value: permits to be had. Always total - what all parties hold; who takes the latch over from a dead party
 *              works it out anew
 *     word 2   total
 *     word 3   the heir: one that has waited for too long; the last permit is for it
 *     from 16  the holders: party and how many it has
 *     then     seats of those that wait
 *
 * Any party may release a permit, also one that another party has acquired. What a party has when it dies is restored, by who waits for
 * it.
 */
export class SemaphoreCore implements Core, Wish<boolean> {
  readonly place: Place;
  readonly waiters: Waiters;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #me: number;
  readonly #latch: Brief;
  readonly #robust: boolean;
  /** The place of this party among the holders. */
  #mine = 0;

  constructor(place: Place, robust: boolean) {
    const { words, at, members, parties } = place;
    this.place = place;
    this.#words = words;
    this.#at = at;
    this.#me = parties.me;
    this.#robust = robust;
    this.#latch = new Brief(words, at + LATCH, parties, () => this.#recount());
    this.waiters = new Waiters({ words, at: at + WAITERS, members, parties, forgo: () => this.#forgo() });
  }

  /** For a new one. */
  fill(value: number): void {
    this.#words[this.#at + VALUE] = value;
    this.#words[this.#at + TOTAL] = value;
  }

  get value(): number {
    return Atomics.load(this.#words, this.#at + VALUE);
  }

  /** Takes a permit; whether it was one of a dead party. */
  try({ overdue, isDead, isGone }: How): boolean | typeof blocked {
    if (this.#take(overdue, isGone)) return false;
    // The permits of the dead are looked for when there are no others.
    return this.#restore(isDead) && this.#take(overdue, isGone) ? true : blocked;
  }

  #take(overdue: boolean, isGone: How['isGone']): boolean {
    const words = this.#words;
    const at = this.#at;
    const seen = Atomics.load(words, at + HEIR);
    const isDue = seen === 0 || seen === this.#me || isGone(seen);
    if (!overdue && Atomics.load(words, at + VALUE) <= (isDue ? 0 : 1)) return false;
    this.#latch.enter();
    const heir = Atomics.load(words, at + HEIR);
    const forOthers = heir === 0 || (heir === seen && isDue) ? 0 : 1;
    const value = words[at + VALUE]!;
    const taken = value > forOthers;
    if (taken) {
      if (this.#robust && this.#holder() !== 0) words[this.#mine + 1]!++;
      else words[at + TOTAL]!--;
      Atomics.store(words, at + VALUE, value - 1);
      if (heir !== 0 && forOthers === 0) Atomics.store(words, at + HEIR, 0);
    } else if (overdue && forOthers === 0) {
      Atomics.store(words, at + HEIR, this.#me);
    }
    this.#latch.leave();
    return taken;
  }

  /**
   * Gives a permit back: one of this party, else one that another one has, else a new one.
   *
   * @throws LockStateError when there were more than `bound` then.
   */
  release(bound: number): void {
    const words = this.#words;
    const at = this.#at;
    this.#latch.enter();
    const value = words[at + VALUE]!;
    if (value >= bound) {
      this.#latch.leave();
      throw new LockStateError(
        `Cannot release a semaphore above ${bound}: it was released more often than it was acquired.`,
      );
    }
    const holder = this.#mine !== 0 && words[this.#mine + 1]! > 0 ? this.#mine : this.#anyHolder();
    if (holder === 0) words[at + TOTAL]!++;
    else words[holder + 1]!--;
    Atomics.store(words, at + VALUE, value + 1);
    this.#latch.leave();
    const heir = Atomics.load(words, at + HEIR);
    if (heir !== 0 && !this.waiters.notifyParty(heir)) Atomics.compareExchange(words, at + HEIR, heir, 0);
    // What is there beside the permit for the heir is for the others.
    if (value > 0 || Atomics.load(words, at + HEIR) === 0) this.waiters.notify();
  }

  /** The place of this party. */
  #holder(): number {
    if (this.#mine !== 0) return this.#mine;
    const words = this.#words;
    let free = 0;
    for (const place of this.#places()) {
      if (words[place] === this.#me) return (this.#mine = place);
      if (words[place] === 0 && free === 0) free = place;
    }
    // With all places taken its permits are not restored when it dies.
    if (free === 0) return 0;
    words[free + 1] = 0;
    Atomics.store(words, free, this.#me);
    return (this.#mine = free);
  }

  #anyHolder(): number {
    for (const place of this.#places()) if (this.#words[place] !== 0 && this.#words[place + 1]! > 0) return place;
    return 0;
  }

  *#places(): Generator<number> {
    const first = this.#at + HOLDERS;
    for (let place = first; place < first + holders * 2; place += 2) yield place;
  }

  /** Whether there were any to restore. */
  #restore(isDead: How['isDead']): boolean {
    const words = this.#words;
    const dead = new Set<number>();
    for (const place of this.#places()) {
      const party = Atomics.load(words, place);
      if (party !== 0 && party !== this.#me && isDead(party)) dead.add(party);
    }
    if (dead.size === 0) return false;
    let restored = 0;
    this.#latch.enter();
    for (const place of this.#places()) {
      if (!dead.has(words[place]!)) continue;
      restored += words[place + 1]!;
      Atomics.store(words, place, 0);
    }
    this.#recount();
    this.#latch.leave();
    // One is taken by who has found them.
    for (let i = 1; i < restored; i++) this.waiters.notify();
    return restored > 0;
  }

  #recount(): void {
    const words = this.#words;
    let value = words[this.#at + TOTAL]!;
    for (const place of this.#places()) if (words[place] !== 0) value -= words[place + 1]!;
    Atomics.store(words, this.#at + VALUE, value);
  }

  /** Nobody of this thread waits any more: it is not the heir. */
  #forgo(): void {
    const { words, at } = this.place;
    if (Atomics.load(words, at + HEIR) !== this.#me) return;
    if (Atomics.compareExchange(words, at + HEIR, this.#me, 0) === this.#me && this.value > 0) this.waiters.notify();
  }
}
