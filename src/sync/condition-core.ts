import { SharedMemoryError } from '../errors.ts';
import type { Core, Place } from './shared-object.ts';
import { Waiters, type Wish } from './waiters.ts';
import { blocked } from '../waiting.ts';

/** Those that found no seat; they look from time to time. */
const CROWD = 0;
const WAITERS = 16;
export const conditionWords: number = WAITERS + Waiters.words;

/** In a count: those that wait, above those that were notified and have not gone on yet. */
const one = 1 << 15;
const notifiedMask: number = one - 1;
/** What either of them can count to. */
const most = notifiedMask;

/**
 * Who waits for a notification. The seat of each party counts how many wait there and how many of those were notified; both are in one word,
 * so that each change is one step.
 *
 *     (waiting, notified)   wait: (w + 1, n)   notify: (w - 1, n + 1)   go on: (w, n - 1)   give up: (w - 1, n)
 *
 * A party that is dead is not notified.
 */
export class ConditionCore implements Core {
  readonly place: Place;
  readonly waiters: Waiters;
  readonly #words: Int32Array;

  constructor(place: Place) {
    const { words, at, members, parties } = place;
    this.place = place;
    this.#words = words;
    this.waiters = new Waiters({ words, at: at + WAITERS, members, parties });
  }

  /**
   * Begins to wait.
   *
   * @throws SharedMemoryError when more wait in this thread than can be counted.
   */
  begin(): Wait {
    const { count } = this.waiters.seats;
    return new Wait(this.#words, count === 0 ? this.place.at + CROWD : count);
  }

  /** Notifies `limit` of those that wait, at most, in turns. */
  notify(limit: number): void {
    const crowd = { party: 0, count: this.place.at + CROWD };
    const waiting = [...this.waiters.seats.counts(), crowd].filter(({ count }) => this.#waiting(count) > 0);
    const living = waiting.filter(({ party }) => !this.#hasDied(party));
    const notified = new Set<number>();
    let left = limit;
    for (let before = left + 1; left > 0 && left < before;) {
      before = left;
      for (const { party, count } of living) {
        if (left === 0 || !this.#grant(count)) continue;
        left--;
        notified.add(party);
      }
    }
    for (const party of notified) if (party !== 0) this.waiters.notifyParty(party);
  }

  /** A notification is for one of the living. */
  #hasDied(party: number): boolean {
    const { parties } = this.place;
    if (party === 0 || party === parties.me || !parties.isDead(party)) return false;
    this.waiters.seats.remove(party);
    return true;
  }

  #grant(count: number): boolean {
    for (;;) {
      const seen = Atomics.load(this.#words, count);
      if (seen < one) return false;
      if (Atomics.compareExchange(this.#words, count, seen, seen - one + 1) === seen) return true;
    }
  }

  #waiting(count: number): number {
    return Atomics.load(this.#words, count) >> 15;
  }

  /** How many wait. */
  get waiting(): number {
    const places = [this.place.at + CROWD, ...this.waiters.seats.counts().map(({ count }) => count)];
    return places.reduce((sum, count) => sum + this.#waiting(count), 0);
  }
}

/** One that waits. */
class Wait implements Wish<true> {
  readonly #words: Int32Array;
  readonly #count: number;

  constructor(words: Int32Array, count: number) {
    this.#words = words;
    this.#count = count;
    let before = Atomics.load(words, count);
    for (let seen = -1; seen !== before;) {
      if ((before >> 15) + (before & notifiedMask) >= most)
        throw new SharedMemoryError(`Cannot wait for a condition: ${most} calls of this thread do.`);
      seen = before;
      before = Atomics.compareExchange(words, count, seen, seen + one);
    }
  }

  /** Goes on, if one of this thread was notified. */
  try(): true | typeof blocked {
    for (;;) {
      const seen = Atomics.load(this.#words, this.#count);
      if ((seen & notifiedMask) === 0) return blocked;
      if (Atomics.compareExchange(this.#words, this.#count, seen, seen - 1) === seen) return true;
    }
  }

  /** Waits no more. Whether it was notified nevertheless: when all that wait in this thread were, it was one of them. */
  giveUp(): boolean {
    for (;;) {
      const seen = Atomics.load(this.#words, this.#count);
      const notified = seen < one;
      const next = notified ? seen - 1 : seen - one;
      if (Atomics.compareExchange(this.#words, this.#count, seen, next) === seen) return notified;
    }
  }
}

export type { Wait };
