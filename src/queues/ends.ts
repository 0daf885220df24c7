import { SharedMemoryError } from '../errors.ts';
import { maxEndParties, maxEndTickets } from '../limits.ts';
import type { Home } from '../memory/home.ts';
import type { IsDead } from './gate.ts';

/**
 * The table of one end, in words. Each pair changes as one: who, in the upper word; in the lower one how many connections that
 * party has, or which of its tickets it is.
 */
const headerWords = 16;
const entriesAt = headerWords;
const ticketsAt = entriesAt + maxEndParties * 2;
/** Words of the table of one end. */
export const endWords: number = ticketsAt + maxEndTickets * 2;
/** Counts the tickets that were redeemed. */
const REDEEMED = 0;
const COUNT = 0;
const PARTY = 1;

/** That a connection was sent. */
export interface Ticket {
  readonly slot: number;
  /** What its slot says for as long as the connection is on its way. */
  readonly word: bigint;
}

type Parties = Pick<Home, 'me' | 'isDead'>;

let serial = 0;

/**
 * Who holds one end of a pipe: for each party how many connections, and a ticket for each that is on its way, which counts for
 * who has sent it; so there is no moment at which nobody has it. See the README for the states.
 */
export class End {
  readonly #words: Int32Array;
  readonly #pairs: BigInt64Array;
  readonly #home: Parties;
  /** This party's entry, once it has one: it keeps it. */
  #own: number | undefined;

  /** @param at - The first of its words. */
  constructor(words: Int32Array, at: number, home: Parties) {
    this.#words = words.subarray(at, at + endWords);
    this.#pairs = new BigInt64Array(words.buffer, words.byteOffset + at * 4, endWords / 2);
    this.#home = home;
  }

  /** One more, or one less, that this thread has. */
  hold(count: 1 | -1): void {
    // Nobody else changes it.
    Atomics.add(this.#words, (this.#own ??= this.#claim()) + COUNT, count);
  }

  /** One that is about to be sent; undefined when so many are on their way that no more can be told apart. */
  issue(): Ticket | undefined {
    serial = (serial + 1) | 0;
    const word = (BigInt(this.#home.me) << 32n) | BigInt(serial >>> 0);
    const slot = this.#take(ticketsAt, maxEndTickets, word);
    return slot === undefined ? undefined : { slot, word };
  }

  /**
   * Takes a ticket out: whoever does it first. Who has got the connection holds it by now; else it will not arrive any more.
   * Returns whether it was this one.
   */
  redeem({ slot, word }: Ticket): boolean {
    if (!(slot >= ticketsAt && slot < endWords)) return false;
    // Before the slot is free: who looks for holders may have been at this thread's entry before it held the end.
    Atomics.add(this.#words, REDEEMED, 1);
    return this.#replace(slot, word, 0n);
  }

  /** Whether anybody has it, or has sent it, who is not dead. */
  isHeld(isDead: IsDead): boolean {
    for (;;) {
      const redeemed = Atomics.load(this.#words, REDEEMED);
      if (this.#isFound(isDead)) return true;
      if (Atomics.load(this.#words, REDEEMED) === redeemed) return false;
    }
  }

  #isFound(isDead: IsDead): boolean {
    const words = this.#words;
    for (let at = entriesAt; at < ticketsAt;) {
      const party = Atomics.load(words, at + PARTY);
      // The first free entries are taken first.
      if (party === 0) break;
      const count = Atomics.load(words, at + COUNT);
      // It is another's by now.
      if (Atomics.load(words, at + PARTY) !== party) continue;
      if (count > 0 && !isDead(party)) return true;
      at += 2;
    }
    for (let at = ticketsAt; at < endWords; at += 2) {
      const party = Atomics.load(words, at + PARTY);
      if (party !== 0 && !isDead(party)) return true;
    }
    return false;
  }

  #claim(): number {
    const { me } = this.#home;
    const entry = this.#find(me) ?? this.#take(entriesAt, maxEndParties, BigInt(me) << 32n);
    if (entry !== undefined) return entry;
    throw new SharedMemoryError(`More than ${maxEndParties} processes and threads hold the same end of a pipe.`);
  }

  /** From the time before the pipe was collected in this thread and came once more. */
  #find(me: number): number | undefined {
    for (let at = entriesAt; at < ticketsAt; at += 2) {
      const party = Atomics.load(this.#words, at + PARTY);
      if (party === me) return at;
      if (party === 0) return undefined;
    }
    return undefined;
  }

  /** Puts `word` into the first free pair, else into the first of a dead party: in one step, its count or ticket included. */
  #take(from: number, count: number, word: bigint): number | undefined {
    for (let at = from; at < from + count * 2; at += 2) {
      if (Atomics.load(this.#words, at + PARTY) === 0 && this.#replace(at, 0n, word)) return at;
    }
    // To ask takes long, and most are of the same few.
    const alive = new Set<number>();
    for (let at = from; at < from + count * 2; at += 2) {
      const pair = Atomics.load(this.#pairs, at >> 1);
      const party = Number(pair >> 32n);
      if (alive.has(party)) continue;
      if (!this.#home.isDead(party)) alive.add(party);
      else if (this.#replace(at, pair, word)) return at;
    }
    return undefined;
  }

  #replace(at: number, before: bigint, after: bigint): boolean {
    return Atomics.compareExchange(this.#pairs, at >> 1, before, after) === before;
  }
}

export function noTickets(): SharedMemoryError {
  return new SharedMemoryError(`More than ${maxEndTickets} connections to the same end of a pipe are on their way.`);
}
