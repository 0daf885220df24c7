import { availableParallelism } from 'node:os';
import { blockedSliceMs } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';
import { programEnd } from '../program/index.ts';
import { inTurn } from '../turns.ts';
import { blocked, checkSignal, late, Waiter, type Waiting, type WaitingPlace } from '../waiting.ts';
import type { Members } from './members.ts';
import type { Parties } from './parties.ts';
import { Seats } from './seats.ts';
import { type Sleeper, Vigil } from './vigil.ts';

/** What is waited for. */
export interface Wish<R> {
  /** Tries once, without waiting. */
  try(how: How): R | typeof blocked;
}

export interface How {
  /** It waits for longer than is fair. */
  readonly overdue: boolean;
  /** Something may have happened that wakes nobody, such as a death. */
  readonly thorough: boolean;
  /** Whether a party is known to be dead. To find that out takes a while, so it is not always tried. */
  readonly isDead: (party: number) => boolean;
  /** Whether what is kept for a party is another's: it is dead, or was woken a while ago and does not look. */
  readonly isGone: (party: number) => boolean;
}

/** Who has waited this long gets a turn before those that come again and again. */
const fairMs = 1;
/** Without a seat nobody wakes it. */
const unseatedPollMs = 5;
/** Who was woken at two looks this far apart is away: its event loop is busy, or it is stopped. */
const awayMs = { least: 40, most: 2_000 } as const;
/** So often does one look by the clock that has waited for a while, and has seen nobody away. */
const calmLookMs = 1_000;
const spinMsLimits = { least: 0.002, most: 0.05 } as const;
const spins: boolean = availableParallelism() > 1;

const never = (): boolean => false;
/** A try that looks at nothing but the state. */
export const glance: How = { overdue: false, thorough: false, isDead: never, isGone: never };

const nobody: ReadonlySet<number> = new Set();

/** What one of this thread waits for, and since when. */
interface Wanted {
  readonly wish: Wish<unknown>;
  readonly sinceMs: number;
}

type Turn = Waiter<Wanted, unknown>;

interface Place {
  readonly words: Int32Array;
  /** Where its seats are. */
  readonly at: number;
  readonly members: Members;
  readonly parties: Parties;
  /** At most one of those woken may be under way: a second one would find nothing. */
  readonly alone?: boolean;
  /** Where what is free may be kept for one party: nobody of this thread waits any more, so nothing is kept for it. */
  readonly forgo?: () => void;
}

/**
 * Those that wait for one thing, in this thread and in others. Who waits takes a seat, tries once more, and sleeps until it is woken;
 * who changes something calls `notify` afterwards. So no change is missed. Those of one thread share its seat and have their turns in the order
 * in which they came; a thousand of them cost no more than one.
 */
export class Waiters implements Sleeper {
  static readonly words: number = Seats.words;
  readonly seats: Seats;
  readonly #place: Place;
  readonly #parties: Parties;
  readonly #vigil: Vigil;
  readonly #local = new Set<Turn>();
  readonly #turns: WaitingPlace<Turn> = {
    expire: (turn) => this.#expire(turn),
    remove: (turn) => this.#remove(turn),
  };
  #spinMs: number = spins ? spinMsLimits.most : 0;
  /** Of the members and of the vigil, at the last look. */
  #arrivals = -1;
  #epoch = -1;
  #clock: NodeJS.Timeout | undefined;
  #clockMs: number = blockedSliceMs;
  /** Those that were woken and had not looked, when that was asked last; and those of them that had not at the time before either. */
  #woken: ReadonlySet<number> = nobody;
  #away: ReadonlySet<number> = nobody;
  #askedMs = 0;
  #looksSoon = false;
  /** While this thread is blocked it hears of no death: it asks the system. */
  readonly #isDead = (party: number): boolean => party !== this.#parties.me && this.#parties.isDead(party);
  /** Otherwise it will hear of the death of those that it looks out for. */
  readonly #isKnownDead = (party: number): boolean => !this.#vigil.watches(party) && this.#isDead(party);

  constructor(place: Place) {
    this.#place = place;
    this.#parties = place.parties;
    this.#vigil = Vigil.of(place.parties);
    this.seats = new Seats(place.words, place.at, place.parties);
  }

  #how(isDead: How['isDead'], sinceMs: number): How {
    const overdue = monotonicMs() - sinceMs >= fairMs;
    const thorough = isDead !== glance.isDead;
    const away = this.#away;
    if (!thorough && !overdue && away.size === 0) return glance;
    return {
      overdue,
      thorough,
      isDead,
      isGone: away.size === 0 ? isDead : (party) => away.has(party) || isDead(party),
    };
  }

  /** What was left to one that does not look would be kept from all others for as long. */
  #findAway(): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#askedMs < awayMs.least) return;
    // Also of the wait before: who waits for a moment, again and again, finds it out as well.
    const before = nowMs - this.#askedMs < awayMs.most ? this.#woken : nobody;
    this.#askedMs = nowMs;
    const woken = this.seats.woken();
    this.#woken = woken;
    this.#away = new Set([...woken].filter((party) => before.has(party)));
  }

  /** Something has changed for one of them. */
  notify(): void {
    if (this.seats.taken && this.seats.wakeOne(this.#place.alone === true) === this.#parties.me) this.#lookSoon();
  }

  /** Something has changed for all of them. */
  notifyAll(): void {
    if (this.seats.taken && this.seats.wakeAll()) this.#lookSoon();
  }

  /** Wakes one party, if it waits. */
  notifyParty(party: number): boolean {
    const waits = this.seats.wakeParty(party);
    if (waits && party === this.#parties.me) this.#lookSoon();
    return waits;
  }

  #lookSoon(): void {
    if (this.#looksSoon || this.#local.size === 0) return;
    this.#looksSoon = true;
    queueMicrotask(() => {
      this.#looksSoon = false;
      this.#look();
    });
  }

  /** Tries for a moment: to sleep and to be woken takes longer than most that is waited for. */
  #spin<R>(wish: Wish<R>): R | typeof blocked {
    let result = wish.try(glance);
    if (result !== blocked || this.#spinMs === 0) return result;
    const end = monotonicMs() + this.#spinMs;
    do {
      for (let i = 0; i < 16; i++) {
        result = wish.try(glance);
        if (result === blocked) continue;
        this.#spinMs = Math.min(spinMsLimits.most, this.#spinMs * 2);
        return result;
      }
    } while (monotonicMs() < end);
    // Nothing comes that soon: less of it next time.
    this.#spinMs = Math.max(spinMsLimits.least, this.#spinMs / 2);
    return result;
  }

  /** Blocks this thread until the wish is granted; `late` when it is not within `timeout` milliseconds. */
  waitSync<R>(wish: Wish<R>, timeout: number = Infinity): R | typeof late {
    if (timeout <= 0) {
      const isDead = this.#isDead;
      const result = wish.try({ overdue: false, thorough: true, isDead, isGone: isDead });
      return result === blocked ? late : result;
    }
    const sinceMs = monotonicMs();
    const result = this.#spin(wish);
    // Ctrl-C ends a program that is blocked, also while it has pools.
    return result === blocked ? programEnd.undisturbed(() => this.#sleep(wish, timeout, sinceMs)) : result;
  }

  #sleep<R>(wish: Wish<R>, timeout: number, sinceMs: number): R | typeof late {
    let result: R | typeof blocked = blocked;
    let spent = false;
    try {
      for (;;) {
        const { rings } = this.#parties;
        const seated = this.seats.enter();
        spent = false;
        result = wish.try(this.#how(glance.isDead, sinceMs));
        if (result !== blocked) return result;
        const leftMs = sinceMs + timeout - monotonicMs();
        if (leftMs <= 0) return late;
        this.#parties.sleep(rings, Math.min(leftMs, seated ? blockedSliceMs : unseatedPollMs));
        spent = this.seats.isWoken;
        if (!spent) {
          this.seats.removeDead();
          this.#findAway();
        }
        result = wish.try(this.#how(spent ? glance.isDead : this.#isDead, sinceMs));
        if (result !== blocked) return result;
      }
    } finally {
      this.#leave(spent && result !== blocked);
    }
  }

  /** The same without blocking anything; what needs no wait is told at once. */
  wait<R>(wish: Wish<R>, { timeout = Infinity, signal }: Waiting): R | typeof late | Promise<R | typeof late> {
    checkSignal(signal);
    if (timeout <= 0) return inTurn(this.waitSync(wish, 0));
    if (this.#local.size === 0) {
      const result = wish.try(glance);
      if (result !== blocked) return inTurn(result);
    }
    const wanted = { wish, sinceMs: monotonicMs() };
    const turn: Turn = new Waiter(wanted, { timeout, signal }, this.#turns);
    this.#local.add(turn);
    if (this.#local.size === 1) {
      this.#vigil.add(this);
      this.#look();
    }
    return turn.promise as Promise<R | typeof late>;
  }

  #expire(turn: Turn): void {
    // What came at the last moment is taken.
    this.#findAway();
    this.#look();
    if (this.#remove(turn)) turn.settle(late);
  }

  /** Somebody has joined: those that wait look out for it from now on. */
  introduce(): void {
    this.seats.ring();
  }

  rung(): void {
    if (this.seats.isWoken || this.#place.members.arrivals !== this.#arrivals) this.#look();
  }

  mourn(party: number): void {
    this.#place.members.remove(party);
    this.seats.remove(party);
    this.#look();
  }

  /** Has each in turn try again, until one has to go on waiting. */
  #look(): void {
    if (this.#local.size === 0) return;
    let spent = false;
    for (const turn of this.#local) {
      let result: unknown;
      try {
        spent = this.seats.isWoken;
        result = turn.wanted.wish.try(this.#how(glance.isDead, turn.wanted.sinceMs));
        if (result === blocked) {
          spent = false;
          const seated = this.seats.enter();
          // In this order: who joins looks then for those that have entered.
          this.#watch();
          if (!seated || this.#place.forgo !== undefined) this.#lookByClock(seated);
          result = turn.wanted.wish.try(this.#how(this.#isKnownDead, turn.wanted.sinceMs));
          if (result === blocked) return;
        }
        this.#local.delete(turn);
        turn.settle(result);
      } catch (error) {
        this.#local.delete(turn);
        turn.fail(error);
      }
      if (this.#local.size > 0) this.seats.requeue();
    }
    this.#rest(spent);
  }

  #watch(): void {
    const { members } = this.#place;
    const { arrivals } = members;
    if (arrivals === this.#arrivals && this.#vigil.epoch === this.#epoch) return;
    this.#epoch = this.#vigil.epoch;
    this.#vigil.watch(members);
    this.#arrivals = arrivals;
  }

  /** One that was woken instead of it may never look. While there is none it looks ever more rarely. */
  #lookByClock(seated: boolean): void {
    this.#clock ??= setTimeout(
      () => {
        this.#clock = undefined;
        this.#findAway();
        this.#clockMs = this.#woken.size > 0 ? blockedSliceMs : Math.min(calmLookMs, this.#clockMs * 2);
        // Not without need: the lock would be kept for who looks, and not for who has waited longest.
        if (!seated || this.#away.size > 0) this.#look();
        else this.#lookByClock(true);
      },
      seated ? this.#clockMs : unseatedPollMs,
    );
  }

  #remove(turn: Turn): boolean {
    if (!this.#local.delete(turn)) return false;
    if (this.#local.size === 0) this.#rest(false);
    else this.#lookSoon();
    return true;
  }

  #rest(spent: boolean): void {
    this.#vigil.remove(this);
    clearTimeout(this.#clock);
    this.#clock = undefined;
    this.#clockMs = blockedSliceMs;
    this.#leave(spent);
  }

  /** A wake that came too late for what was waited for is another's. */
  #leave(spent: boolean): void {
    if (this.#local.size > 0) {
      // The others of this thread wait on.
      this.seats.enter();
      this.#lookSoon();
      return;
    }
    const woken = this.seats.leave();
    this.#away = nobody;
    this.#place.forgo?.();
    if (woken && !spent) this.notify();
  }
}
