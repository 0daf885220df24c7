import { availableParallelism } from 'node:os';
import type { Home } from '../memory/home.ts';
import { monotonicMs } from '../monotonic.ts';
import { programEnd } from '../program/index.ts';
import { blocked, checkSignal, late, Waiter, type Waiting, type WaitingPlace } from '../waiting.ts';
import { addMember, idOf, membersOf, partyWords } from './members.ts';

/** Whether a party is dead, as far as it is looked for: to ask the system takes longer than to wait for most things. */
export type IsDead = (party: number) => boolean;

/** Tries once. */
export type Attempt<R> = (isDead: IsDead) => R | typeof blocked;

/** Nobody looks. */
export const unknown: IsDead = () => false;

const At = { latch: 0, waiting: 16, parties: 32 } as const;
/** Words of a gate, whole cache lines. */
export const gateWords: number = At.parties + 32;

/** A waiter looks again after this long: what tells it of a death is asynchronous, and it blocks its thread. */
const sliceMs = 50;
const lingerMs = 250;
const spinMs = 0.05;
/** As long as one takes that has to be woken first. */
const searchMs = 0.15;
/** After so many spins in vain one wait in 32 begins with one. */
const mostFailures = 5;
const spins: boolean = availableParallelism() > 1;

/** What a call waits for. */
interface Wish {
  readonly attempt: Attempt<unknown>;
  /** Throws when it must wait no longer. */
  readonly check: (() => void) | undefined;
}

type Turn = Waiter<Wish, unknown>;

/**
 * One side of a ring: a latch that its one user at a time holds for a microsecond, and those who wait for something on that side
 * to change. The latch's word is 0 or the party that holds it; when that is dead the next one takes it over.
 *
 * Who waits registers, tries once more, and sleeps; who changes something calls `notify`. Whoever is killed in between has
 * others hear of its death, upon which they try again.
 */
export class Gate {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #home: Home;
  readonly #me: number;
  readonly #holders: () => readonly number[];
  #failures = 0;
  #skipped = 0;
  /** Those of this thread, in the order in which they came. */
  readonly #waiters: Turn[] = [];
  readonly #place: WaitingPlace<Turn> = {
    expire: (waiter) => this.#expire(waiter),
    remove: (waiter) => this.#remove(waiter),
  };
  readonly #watched = new Map<number, () => void>();
  /** Those of the watched that have died. */
  readonly #dead = new Set<number>();
  readonly #isDead: IsDead = (party) => party !== this.#me && this.#home.isDead(party);
  /** Without asking the system: it has been heard of, or its number is another's by now. */
  readonly #isKnownDead: IsDead = (party) => this.#dead.has(party) || this.#home.occupant(idOf(party)) !== party;
  #stopListening: (() => void) | undefined;
  #resting: NodeJS.Timeout | undefined;

  constructor(words: Int32Array, at: number, home: Home, holders: () => readonly number[]) {
    this.#words = words;
    this.#at = at;
    this.#home = home;
    this.#me = home.me;
    this.#holders = holders;
  }

  enter(isDead: IsDead): boolean {
    const owner = Atomics.compareExchange(this.#words, this.#at, 0, this.#me);
    if (owner === 0) return true;
    return isDead(owner) && Atomics.compareExchange(this.#words, this.#at, owner, this.#me) === owner;
  }

  /** Whether somebody who lives is changing something now. */
  isHeld(isDead: IsDead): boolean {
    const owner = Atomics.load(this.#words, this.#at);
    return owner !== 0 && !isDead(owner);
  }

  leave(): void {
    Atomics.store(this.#words, this.#at, 0);
    if (Atomics.load(this.#words, this.#at + At.waiting) !== 0) this.#wakeOthers();
  }

  /** Has those who wait try again. */
  notify(): void {
    if (Atomics.load(this.#words, this.#at + At.waiting) !== 0) this.#wakeAll();
  }

  #wakeAll(): void {
    const words = this.#words;
    const first = this.#at + At.parties;
    Atomics.store(words, this.#at + At.waiting, 0);
    for (let word = 0; word < partyWords; word++) {
      if (Atomics.load(words, first + word) === 0) continue;
      this.#wakeThose(word, Atomics.exchange(words, first + word, 0));
    }
  }

  /**
   * Those who may have found the latch taken. Nobody of this thread has; who tries here stays registered, since what changes after
   * it has looked must be told.
   */
  #wakeOthers(): void {
    const words = this.#words;
    const first = this.#at + At.parties;
    const id = idOf(this.#me);
    const own = 1 << (id & 31);
    if ((Atomics.load(words, first + (id >> 5)) & own) === 0) Atomics.store(words, this.#at + At.waiting, 0);
    for (let word = 0; word < partyWords; word++) {
      if (Atomics.load(words, first + word) === 0) continue;
      const kept = word === id >> 5 ? own : 0;
      this.#wakeThose(word, Atomics.and(words, first + word, kept) & ~kept);
    }
  }

  #wakeThose(word: number, bits: number): void {
    for (const id of membersOf(word, bits)) {
      if (id === idOf(this.#me)) queueMicrotask(this.#look);
      else {
        const party = this.#home.occupant(id);
        if (party !== 0) this.#home.wake(party);
      }
    }
  }

  #register(): void {
    addMember(this.#words, this.#at + At.parties, this.#me);
    Atomics.store(this.#words, this.#at + At.waiting, 1);
  }

  /**
   * Tries for a moment: to sleep and to be woken takes longer than most that is waited for. The more often it was in vain, the
   * fewer waits begin with it; never none, as otherwise two who wake each other would go on so for ever.
   */
  #spin<R>(attempt: Attempt<R>): R | typeof blocked {
    let result = attempt(unknown);
    if (result !== blocked || !spins) return result;
    if (++this.#skipped < 2 ** this.#failures) return result;
    this.#skipped = 0;
    const end = monotonicMs() + (this.#failures === 0 ? spinMs : searchMs);
    do {
      for (let i = 0; i < 32; i++) {
        result = attempt(unknown);
        if (result !== blocked) {
          this.#failures = 0;
          return result;
        }
      }
    } while (monotonicMs() < end);
    this.#failures = Math.min(mostFailures, this.#failures + 1);
    return result;
  }

  /** Blocks this thread until the attempt succeeds; `late` when it does not within `timeout` milliseconds. */
  waitSync<R>(attempt: Attempt<R>, timeout: number | undefined): R | typeof late {
    if (timeout !== undefined && timeout <= 0) return this.#once(attempt);
    const result = this.#spin(attempt);
    // Ctrl-C ends a program that is blocked, also while it has pools.
    return result === blocked ? programEnd.undisturbed(() => this.#sleep(attempt, timeout)) : result;
  }

  #sleep<R>(attempt: Attempt<R>, timeout: number = Infinity): R | typeof late {
    const start = monotonicMs();
    const end = start + timeout;
    let inquiry = start + sliceMs;
    for (;;) {
      const { rings } = this.#home;
      this.#register();
      let result = attempt(unknown);
      if (result !== blocked) return result;
      this.#home.sleep(rings, Math.max(0, Math.min(end, inquiry) - monotonicMs()));
      result = attempt(unknown);
      if (result !== blocked) return result;
      const now = monotonicMs();
      if (now < end && now < inquiry) continue;
      // Nobody may have called because who would is dead.
      result = attempt(this.#isDead);
      if (result !== blocked) return result;
      if (now >= end) return late;
      inquiry = now + sliceMs;
    }
  }

  #once<R>(attempt: Attempt<R>): R | typeof late {
    let result = attempt(unknown);
    if (result === blocked) result = attempt(this.#isDead);
    return result === blocked ? late : result;
  }

  /** Whether a call may try before it waits: none of this thread waits before it, and it was not given up. */
  isFree({ signal }: Waiting): boolean {
    return this.#waiters.length === 0 && signal?.aborted !== true;
  }

  /**
   * The same without blocking anything. Those of one thread have their turns in the order in which they came; `check` is asked at
   * each `review`, and throws when this one must wait no longer.
   */
  wait<R>(attempt: Attempt<R>, waiting: Waiting, check?: () => void): R | typeof late | Promise<R | typeof late> {
    const { timeout, signal } = waiting;
    checkSignal(signal);
    if (timeout !== undefined && timeout <= 0) return this.#once(attempt);
    if (this.#waiters.length === 0) {
      const result = this.#spin(attempt);
      if (result !== blocked) return result;
    }
    const waiter: Turn = new Waiter({ attempt, check }, waiting, this.#place);
    this.#waiters.push(waiter);
    if (this.#waiters.length === 1) {
      this.#stopListening = this.#home.onWake(this.#look);
      this.#look();
    }
    return waiter.promise as Promise<R | typeof late>;
  }

  #expire(waiter: Turn): void {
    // What came at the last moment is taken; what others wait for before us is not ours.
    if (this.#waiters[0] === waiter) this.#look();
    if (this.#remove(waiter)) waiter.settle(late);
  }

  /** Has each in turn try again, until one has to go on waiting. */
  readonly #look = (): void => {
    const waiters = this.#waiters;
    while (waiters.length > 0) {
      const waiter = waiters[0]!;
      try {
        let result = waiter.wanted.attempt(this.#isKnownDead);
        if (result === blocked) {
          this.#register();
          this.#watch();
          result = waiter.wanted.attempt(this.#isKnownDead);
          if (result === blocked) return;
        }
        waiters.shift();
        waiter.settle(result);
      } catch (error) {
        waiters.shift();
        waiter.fail(error);
      }
    }
    this.#rest();
  };

  /** Something of this thread was closed: those that wait by way of it do not wait for their turn to hear of that. */
  review(): void {
    for (const waiter of Array.from(this.#waiters)) {
      try {
        waiter.wanted.check?.();
      } catch (error) {
        if (this.#remove(waiter)) waiter.fail(error);
      }
    }
  }

  #remove(waiter: Turn): boolean {
    const place = this.#waiters.indexOf(waiter);
    if (place < 0) return false;
    this.#waiters.splice(place, 1);
    if (this.#waiters.length === 0) this.#rest();
    else if (place === 0) queueMicrotask(this.#look);
    return true;
  }

  /** Who has it now can die with the latch, or with something changed of which it has told nobody. */
  #watch(): void {
    const holders = new Set(this.#holders());
    for (const [party, stop] of this.#watched) {
      if (holders.has(party)) continue;
      stop();
      this.#watched.delete(party);
    }
    for (const party of this.#dead) if (!holders.has(party)) this.#dead.delete(party);
    for (const party of holders) {
      if (party !== this.#me && !this.#watched.has(party) && !this.#dead.has(party))
        this.#watched.set(
          party,
          this.#home.onDeath(party, () => this.#mourn(party)),
        );
    }
  }

  #mourn(party: number): void {
    this.#watched.delete(party);
    this.#dead.add(party);
    this.#look();
  }

  #rest(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    if (this.#watched.size === 0) return;
    // To watch takes a descriptor for each party: it is kept for a while, as the next wait comes soon or never.
    this.#resting ??= setTimeout(() => this.#unwatch(), lingerMs).unref();
    this.#resting.refresh();
  }

  #unwatch(): void {
    if (this.#waiters.length > 0) return;
    for (const stop of this.#watched.values()) stop();
    this.#watched.clear();
  }
}
