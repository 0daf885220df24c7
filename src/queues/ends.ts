import { SharedMemoryError } from '../errors.ts';
import { maxEndParties } from '../limits.ts';
import type { Home } from '../memory/home.ts';
import type { IsDead } from './gate.ts';

/** An entry: the party, how many connections it has, how many it has sent that have not arrived. */
const entryWords = 4;
const At = { party: 0, held: 1, sent: 2 } as const;
/** Words of the table of one end. */
export const endWords: number = maxEndParties * entryWords;

/** That a connection was sent: whose count it is in. */
export interface Ticket {
  readonly place: number;
  readonly party: number;
  /** By which it is known when its message is read more than once. */
  readonly id: number;
}

/** The tickets that came to this thread, as far as they may come again. */
const arrived = new Set<number>();
const rememberedTickets = 10_000;

/**
 * Who holds one end of a pipe: for each party how many connections. One that is on its way counts for who has sent it, until it
 * has arrived or the sender has died; so there is no moment at which nobody has it.
 */
export class End {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #home: Home;
  /** This party's entry, once it has one: it keeps it. */
  #own: number | undefined;

  constructor(words: Int32Array, at: number, home: Home) {
    this.#words = words;
    this.#at = at;
    this.#home = home;
  }

  /** One more, or one less, that this thread has. */
  hold(count: 1 | -1): void {
    Atomics.add(this.#words, this.#entry() + At.held, count);
  }

  /** One that is about to be sent. */
  send(): Ticket {
    const entry = this.#entry();
    Atomics.add(this.#words, entry + At.sent, 1);
    return { place: entry - this.#at, party: this.#home.me, id: Math.floor(Math.random() * 2 ** 48) };
  }

  /** One that was sent has arrived; this thread has it by now. */
  arrive({ place, party, id }: Ticket): void {
    if (arrived.has(id)) return;
    arrived.add(id);
    if (arrived.size > rememberedTickets) arrived.delete(arrived.values().next().value!);
    const words = this.#words;
    const entry = this.#at + place;
    for (;;) {
      const sent = Atomics.load(words, entry + At.sent);
      if (sent <= 0 || Atomics.load(words, entry + At.party) !== party) return;
      if (Atomics.compareExchange(words, entry + At.sent, sent, sent - 1) === sent) return;
    }
  }

  /** Whether anybody has it, or has sent it, who is not dead. */
  isHeld(isDead: IsDead): boolean {
    const words = this.#words;
    for (let entry = this.#at; entry < this.#at + endWords; entry += entryWords) {
      const party = Atomics.load(words, entry + At.party);
      if (party === 0) return false;
      if (Atomics.load(words, entry + At.held) + Atomics.load(words, entry + At.sent) > 0 && !isDead(party))
        return true;
    }
    return false;
  }

  #entry(): number {
    return (this.#own ??= this.#claim(() => false) ?? this.#claim((party) => this.#home.isDead(party)) ?? full());
  }

  /** The first free entries are taken first, so that who looks can stop at one that never was anybody's. */
  #claim(isFree: (party: number) => boolean): number | undefined {
    const words = this.#words;
    const { me } = this.#home;
    for (let entry = this.#at; entry < this.#at + endWords; entry += entryWords) {
      const party = Atomics.load(words, entry + At.party);
      if (party !== 0 && !isFree(party)) continue;
      if (Atomics.compareExchange(words, entry + At.party, party, me) !== party) continue;
      Atomics.store(words, entry + At.held, 0);
      Atomics.store(words, entry + At.sent, 0);
      return entry;
    }
    return undefined;
  }
}

function full(): never {
  throw new SharedMemoryError(`More than ${maxEndParties} processes and threads hold the same end of a pipe.`);
}
