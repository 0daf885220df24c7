import { BrokenBarrierError } from '../errors.ts';
import { Brief } from './brief.ts';
import type { Core, Place } from './shared-object.ts';
import { type How, Waiters, type Wish } from './waiters.ts';
import { blocked } from '../waiting.ts';

const LATCH = 0;
const PHASE = 1;
const ACTOR = 2;
const ARRIVED = 3;
/** The rounds that were broken last. */
const BROKEN = 4;
const remembered = 8;
const WAITERS = 16;
export const barrierWords: number = WAITERS + Waiters.words;

/** In the phase, below the number of the round. */
const filling = 0;
const acting = 1;
const broken = 2;
const stateMask = 3;
const rounds = 2 ** 16;

/** What the count of arrivals can hold. */
export const maxBarrierParties: number = 2 ** 15 - 1;

interface Phase {
  readonly round: number;
  readonly state: number;
}

/** That somebody has arrived, and as which one of the round. */
export interface Arrival {
  readonly round: number;
  readonly index: number;
  readonly isLast: boolean;
}

/**
 * A barrier goes through rounds. All changes are made under a brief latch.
 *
 *     word 0  the latch
 *     word 1  the phase: round and state
 *     word 2  who runs the action
 *     word 3  how many have arrived, and in which round. More than the living make up: one of them has died
 *     from 4  the rounds that were broken, the last eight
 *     from 16 seats: each counts how many of its party have arrived, and in which round. What it says of an earlier round is void,
 *             so the next round begins by one store of the phase.
 *
 *     filling ──the last arrives──▶ acting ──▶ filling of the next round
 *        │                             │
 *        └─timeout, abort, a death─────┴──the action throws─▶ broken ──reset──▶ filling of the next round
 */
export class BarrierCore implements Core {
  readonly place: Place;
  readonly waiters: Waiters;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #latch: Brief;
  readonly #parties: number;

  constructor(place: Place, parties: number) {
    const { words, at, members, parties: home } = place;
    this.place = place;
    this.#words = words;
    this.#at = at;
    this.#parties = parties;
    this.#latch = new Brief(words, at + LATCH, home, () => this.#repair());
    this.waiters = new Waiters({ words, at: at + WAITERS, members, parties: home });
  }

  /** How many wait. */
  get waiting(): number {
    const { round, state } = this.#phase;
    return state === filling ? countIn(this.#words[this.#at + ARRIVED]!, round) : 0;
  }

  get isBroken(): boolean {
    return this.#phase.state === broken;
  }

  get #phase(): Phase {
    const phase = Atomics.load(this.#words, this.#at + PHASE);
    return { round: phase >> 2, state: phase & stateMask };
  }

  #locked<R>(body: (phase: Phase) => R): R {
    this.#latch.enter();
    try {
      return body(this.#phase);
    } finally {
      this.#latch.leave();
    }
  }

  #setPhase(round: number, state: number): void {
    Atomics.store(this.#words, this.#at + PHASE, ((round % rounds) << 2) | state);
  }

  #beginAfter(round: number): void {
    const next = (round + 1) % rounds;
    // One of this number may have been broken when the numbers were used before.
    this.#forget(next);
    this.#setPhase(next, filling);
  }

  /** Arrives, as soon as the action of the round before is over. */
  readonly arrival: Wish<Arrival> = {
    try: (how) => {
      this.#breakIfActorDied(how);
      return this.#locked(({ round, state }) => {
        if (state === broken) throw brokenBarrier();
        if (state === acting) return blocked;
        const words = this.#words;
        const index = countIn(words[this.#at + ARRIVED]!, round);
        const { count } = this.waiters.seats;
        if (count === 0)
          throw new BrokenBarrierError('More processes and threads wait at this barrier than it has seats.');
        const mine = countIn(words[count]!, round);
        words[this.#at + ARRIVED] = inRound(round, index + 1);
        words[count] = inRound(round, mine + 1);
        if (index + 1 < this.#parties) return { round, index, isLast: false };
        words[this.#at + ACTOR] = this.place.parties.me;
        this.#setPhase(round, acting);
        return { round, index, isLast: true };
      });
    },
  };

  #breakIfActorDied({ isDead }: How): void {
    const { round, state } = this.#phase;
    if (state !== acting) return;
    // In this order: the actor is written before the phase, so this is the one of that round. If it is of a later one, that round is over.
    const actor = Atomics.load(this.#words, this.#at + ACTOR);
    if (actor !== this.place.parties.me && isDead(actor)) this.break(round);
  }

  /** Waits for the end of a round. */
  passing(round: number): Wish<true> {
    return {
      try: (how) => {
        this.#breakIfActorDied(how);
        if (how.thorough && this.#hasLost(round, how)) this.break(round);
        return this.#outcome(round);
      },
    };
  }

  #outcome(round: number): true | typeof blocked {
    const { round: now, state } = this.#phase;
    if (now === round && state !== broken) return blocked;
    if (Atomics.load(this.#words, this.#at + BROKEN + (round % remembered)) === round + 1) throw brokenBarrier();
    return true;
  }

  /** Whether one that has arrived is dead. */
  #hasLost(round: number, { isDead }: How): boolean {
    const { me } = this.place.parties;
    const words = this.#words;
    const arrived = this.waiters.seats.counts().filter(({ count }) => countIn(words[count]!, round) > 0);
    if (arrived.some(({ party }) => party !== me && isDead(party))) return true;
    return this.#locked((phase) => {
      if (phase.round !== round || phase.state === broken) return false;
      // One that was found dead by others has no seat any more.
      const living = this.waiters.seats.counts().reduce((sum, { count }) => sum + countIn(words[count]!, round), 0);
      return living < countIn(words[this.#at + ARRIVED]!, round);
    });
  }

  /**
   * Ends a round after its action.
   *
   * @throws BrokenBarrierError when it was broken meanwhile.
   */
  finish(round: number): void {
    this.#locked((phase) => {
      if (phase.round !== round || phase.state !== acting) throw brokenBarrier();
      this.#beginAfter(round);
    });
    this.waiters.notifyAll();
  }

  /**
   * The time of one that has arrived is over: it breaks the round, unless all have arrived. Returns what to throw; undefined when
   * it was not this one that broke it.
   */
  expire(round: number, afterMs: number): BrokenBarrierError | undefined {
    let arrived: number | undefined;
    this.#break((phase) => {
      const breaks = phase.round === round && phase.state === filling;
      if (breaks) arrived = countIn(this.#words[this.#at + ARRIVED]!, round);
      return breaks;
    });
    return arrived === undefined
      ? undefined
      : brokenBarrier(`${arrived} of ${this.#parties} had arrived after ${afterMs} ms`);
  }

  /** The time of one that has not arrived yet is over: breaks it for all. Returns what to throw. */
  giveUp(afterMs: number): BrokenBarrierError {
    this.break();
    return brokenBarrier(`the action of the round before had not ended after ${afterMs} ms`);
  }

  /** Breaks a round, or the present one. */
  break(round?: number): void {
    this.#break((phase) => round === undefined || phase.round === round);
  }

  #break(applies: (phase: Phase) => boolean): void {
    this.#locked((phase) => {
      if (!applies(phase) || phase.state === broken) return;
      this.#remember(phase.round);
      this.#setPhase(phase.round, broken);
    });
    this.waiters.notifyAll();
  }

  /** Begins a round anew; those that wait hear that theirs was broken. */
  reset(): void {
    this.#locked(({ round, state }) => {
      if (state === filling && countIn(this.#words[this.#at + ARRIVED]!, round) === 0) return;
      this.#remember(round);
      this.#beginAfter(round);
    });
    this.waiters.notifyAll();
  }

  #remember(round: number): void {
    Atomics.store(this.#words, this.#at + BROKEN + (round % remembered), round + 1);
  }

  /** One that died may have remembered a round as broken, and not broken it. */
  #repair(): void {
    const { round, state } = this.#phase;
    if (state !== broken) this.#forget(round);
  }

  #forget(round: number): void {
    Atomics.compareExchange(this.#words, this.#at + BROKEN + (round % remembered), round + 1, 0);
  }
}

/** A number that counts in one round only. */
function inRound(round: number, count: number): number {
  return (round << 15) | count;
}

function countIn(word: number, round: number): number {
  return word >>> 15 === round ? word & (2 ** 15 - 1) : 0;
}

function brokenBarrier(
  why = 'somebody waited for too long, gave up, died, or called abort() or reset()',
): BrokenBarrierError {
  return new BrokenBarrierError(`The barrier is broken: ${why}.`);
}
