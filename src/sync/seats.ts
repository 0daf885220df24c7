import { idOf, type Parties } from './parties.ts';

const ENTERED = 0;
const LAST = 1;
const TOP = 2;
const FIRST = 4;

/** The words of a seat. */
const PARTY = 0;
const STATE = 1;
const TICKET = 2;
const COUNT = 3;
const seatWords = 4;

/** What a seat's party does. */
const idle = 0;
const waiting = 1;
const woken = 2;

/** In a seat's first word while its party moves in. */
const movingIn = 1 << 30;

const seats = 64;

/**
 * The parties that wait for one thing, in shared memory; nothing else is known here. All changes are single steps, so a party may die
 * between any two of them.
 *
 *     word 0   entered: counts how often somebody began to wait
 *     word 1   last: the number of one that entered lately; 0 when nobody waits
 *     word 2   top: seats above were never taken
 *     from 4   seats of four words: party, state, ticket, a count for the object's own use
 *
 *     idle ──enter──▶ waiting ──wake (by others)──▶ woken
 *       ▲                │  ◀──────enter──────────────│
 *       └─────leave──────┴──────────leave─────────────┘
 *
 * A party keeps its seat until it has died and another one needs it. With all seats taken a party waits without one: it has to look
 * again by itself from time to time.
 */
export class Seats {
  static readonly words: number = FIRST + seats * seatWords;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #parties: Parties;
  /** Of this thread: the place of its first word. */
  #mine = 0;

  constructor(words: Int32Array, at: number, parties: Parties) {
    this.#words = words;
    this.#at = at;
    this.#parties = parties;
  }

  /** Whether anybody may wait. */
  get taken(): boolean {
    return Atomics.load(this.#words, this.#at + LAST) !== 0;
  }

  /** This party waits from now on. False: there is no seat for it. */
  enter(): boolean {
    const seat = this.#seat();
    if (seat === 0) return false;
    const words = this.#words;
    const state = Atomics.exchange(words, seat + STATE, waiting);
    if (state === waiting) return true;
    const ticket = Atomics.add(words, this.#at + ENTERED, 1);
    // In this order: who clears it has read it before it looked at the seats, and no number comes twice.
    Atomics.store(words, this.#at + LAST, ticket + 1 || 1);
    // One that was woken for nothing keeps its turn.
    if (state === idle) Atomics.store(words, seat + TICKET, ticket);
    return true;
  }

  /** The others that were woken and have not looked yet. */
  woken(): Set<number> {
    const parties = new Set<number>();
    for (const { party, state } of this.#occupied())
      if (state === woken && party !== this.#parties.me) parties.add(party);
    return parties;
  }

  /** Behind all the others: its turn was used for one of several that wait in this thread. */
  requeue(): void {
    if (this.#mine !== 0)
      Atomics.store(this.#words, this.#mine + TICKET, Atomics.add(this.#words, this.#at + ENTERED, 1));
  }

  /** Whether a wake was spent on this party since it entered. */
  get isWoken(): boolean {
    return this.#mine !== 0 && Atomics.load(this.#words, this.#mine + STATE) === woken;
  }

  /** This party waits no more. Whether a wake was spent on it since it entered. */
  leave(): boolean {
    return this.#mine !== 0 && Atomics.exchange(this.#words, this.#mine + STATE, idle) === woken;
  }

  /**
   * Wakes the one that waits longest. Returns its word; 0 when nobody waits. This party is not woken: it has to look by itself.
   *
   * @param alone - Not when one was woken before and has not looked yet.
   */
  wakeOne(alone: boolean): number {
    const words = this.#words;
    for (;;) {
      const last = Atomics.load(words, this.#at + LAST);
      const end = this.#end();
      let first = 0;
      for (let seat = this.#at + FIRST; seat < end; seat += seatWords) {
        const state = Atomics.load(words, seat + STATE);
        if (state === idle || this.#isVacant(seat)) continue;
        if (state === woken) {
          if (alone) return 0;
          continue;
        }
        if (first === 0 || ((words[seat + TICKET]! - words[first + TICKET]!) | 0) < 0) first = seat;
      }
      if (first === 0) {
        Atomics.compareExchange(words, this.#at + LAST, last, 0);
        return 0;
      }
      const party = this.#wake(first);
      if (party !== 0) return party;
    }
  }

  /** Wakes all that wait. Whether this party is one of them. */
  wakeAll(): boolean {
    const words = this.#words;
    const { me } = this.#parties;
    const last = Atomics.load(words, this.#at + LAST);
    const end = this.#end();
    let isMe = false;
    for (let seat = this.#at + FIRST; seat < end; seat += seatWords) {
      if (Atomics.load(words, seat + STATE) === waiting && !this.#isVacant(seat) && this.#wake(seat) === me)
        isMe = true;
    }
    Atomics.compareExchange(words, this.#at + LAST, last, 0);
    return isMe;
  }

  /** Wakes one party, if it waits. Whether it does, or was woken before. */
  wakeParty(party: number): boolean {
    const words = this.#words;
    const end = this.#end();
    for (let seat = this.#at + FIRST; seat < end; seat += seatWords) {
      if (Atomics.load(words, seat + PARTY) !== party) continue;
      return Atomics.load(words, seat + STATE) === woken || this.#wake(seat) !== 0;
    }
    return false;
  }

  #wake(seat: number): number {
    const words = this.#words;
    if (Atomics.compareExchange(words, seat + STATE, waiting, woken) !== waiting) return 0;
    const party = Atomics.load(words, seat + PARTY);
    // Another one is moving in: it will look before it sleeps.
    if (party === 0 || (party & movingIn) !== 0) return 0;
    if (this.#parties.occupant(idOf(party)) !== party) {
      Atomics.compareExchange(words, seat + PARTY, party, 0);
      return 0;
    }
    if (party !== this.#parties.me) this.#parties.wake(party);
    return party;
  }

  /** Rings all that wait; they stay so. */
  ring(): void {
    for (const { party, state } of this.#occupied())
      if (state === waiting && party !== this.#parties.me) this.#parties.wake(party);
  }

  *#occupied(): Generator<{ readonly party: number; readonly state: number; readonly seat: number }> {
    const end = this.#end();
    for (let seat = this.#at + FIRST; seat < end; seat += seatWords) {
      const party = Atomics.load(this.#words, seat + PARTY);
      if (party !== 0 && (party & movingIn) === 0)
        yield { party, state: Atomics.load(this.#words, seat + STATE), seat };
    }
  }

  #isVacant(seat: number): boolean {
    const party = Atomics.load(this.#words, seat + PARTY);
    return party === 0 || (party & movingIn) !== 0;
  }

  #end(): number {
    return this.#at + FIRST + Atomics.load(this.#words, this.#at + TOP) * seatWords;
  }

  /** Empties the seats of those that were woken and have died: one that will never look must not keep others from being woken. */
  removeDead(): void {
    const end = this.#end();
    for (let seat = this.#at + FIRST; seat < end; seat += seatWords)
      if (Atomics.load(this.#words, seat + STATE) === woken) this.#removeIfDead(seat);
  }

  /** Empties the seat of one that has died. */
  remove(party: number): void {
    const end = this.#end();
    for (let seat = this.#at + FIRST; seat < end; seat += seatWords)
      Atomics.compareExchange(this.#words, seat + PARTY, party, 0);
  }

  #removeIfDead(seat: number): boolean {
    const party = Atomics.load(this.#words, seat + PARTY);
    if (party === 0) return true;
    const word = party & ~movingIn;
    if (word === this.#parties.me || !this.#parties.isDead(word)) return false;
    // The other words are left to the next one: another cleaner may come late.
    return Atomics.compareExchange(this.#words, seat + PARTY, party, 0) === party;
  }

  #seat(): number {
    if (this.#mine === 0) this.#mine = this.#find();
    if (this.#mine === 0) this.#mine = this.#take((seat) => Atomics.load(this.#words, seat + PARTY) === 0);
    // Only now: it takes a look at each of them.
    if (this.#mine === 0) this.#mine = this.#take((seat) => this.#removeIfDead(seat));
    return this.#mine;
  }

  /** From the time before the object was collected in this thread and came once more. */
  #find(): number {
    const end = this.#end();
    for (let seat = this.#at + FIRST; seat < end; seat += seatWords)
      if (Atomics.load(this.#words, seat + PARTY) === this.#parties.me) return seat;
    return 0;
  }

  #take(isFree: (seat: number) => boolean): number {
    const words = this.#words;
    const { me } = this.#parties;
    for (let i = 0; i < seats; i++) {
      const seat = this.#at + FIRST + i * seatWords;
      if (!isFree(seat) || Atomics.compareExchange(words, seat + PARTY, 0, me | movingIn) !== 0) continue;
      Atomics.store(words, seat + STATE, idle);
      Atomics.store(words, seat + COUNT, 0);
      let top = Atomics.load(words, this.#at + TOP);
      while (top <= i) top = Atomics.compareExchange(words, this.#at + TOP, top, i + 1);
      Atomics.store(words, seat + PARTY, me);
      return seat;
    }
    return 0;
  }

  /** Of this party, for the object's own use: the place of its count; 0 without a seat. */
  get count(): number {
    const seat = this.#seat();
    return seat === 0 ? 0 : seat + COUNT;
  }

  /** All parties and the places of their counts, those first that wait longest. */
  counts(): { readonly party: number; readonly count: number }[] {
    const ticket = ({ seat }: { readonly seat: number }): number => Atomics.load(this.#words, seat + TICKET);
    return [...this.#occupied()]
      .toSorted((a, b) => (ticket(a) - ticket(b)) | 0)
      .map(({ party, seat }) => ({ party, count: seat + COUNT }));
  }
}
