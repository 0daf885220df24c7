import type { Members } from './members.ts';
import type { Parties } from './parties.ts';

/** What waits in this thread without blocking it. */
export interface Sleeper {
  /** This thread was rung: perhaps for this one. */
  rung(): void;
  /** A party has died that has the object, or another one. */
  mourn(party: number): void;
}

/** To look out for a party takes a descriptor: it is kept for a while, for the next wait comes soon or never. */
const lingerMs = 250;

/**
 * Tells all that waits in this thread, of whatever object, when this thread is rung and when a party has died. Nothing is polled: rings and
 * deaths are both ends of pipes.
 */
export class Vigil {
  readonly #parties: Parties;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watched = new Map<number, () => void>();
  #stopListening: (() => void) | undefined;
  #resting: NodeJS.Timeout | undefined;
  /** How often it has let go of those it had looked out for. */
  #epoch = 0;

  private constructor(parties: Parties) {
    this.#parties = parties;
  }

  static of(parties: Parties): Vigil {
    let vigil = vigils.get(parties);
    if (vigil === undefined) vigils.set(parties, (vigil = new Vigil(parties)));
    return vigil;
  }

  get epoch(): number {
    return this.#epoch;
  }

  add(sleeper: Sleeper): void {
    this.#sleepers.add(sleeper);
    this.#stopListening ??= this.#parties.onWake(() => {
      for (const each of this.#sleepers) each.rung();
    });
  }

  remove(sleeper: Sleeper): void {
    if (!this.#sleepers.delete(sleeper) || this.#sleepers.size > 0) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
    if (this.#watched.size === 0) return;
    this.#resting ??= setTimeout(() => this.#unwatch(), lingerMs).unref();
    this.#resting.refresh();
  }

  /** Looks out for all members of an object from now on. */
  watch(members: Members): void {
    for (const party of members.list()) {
      if (party === this.#parties.me || this.#watched.has(party)) continue;
      this.#watched.set(
        party,
        this.#parties.onDeath(party, () => this.#mourn(party)),
      );
    }
  }

  /** Whether it will be told when this party dies. */
  watches(party: number): boolean {
    return this.#watched.has(party);
  }

  #mourn(party: number): void {
    this.#watched.delete(party);
    for (const each of this.#sleepers) each.mourn(party);
  }

  #unwatch(): void {
    if (this.#sleepers.size > 0) return;
    this.#epoch++;
    for (const stop of this.#watched.values()) stop();
    this.#watched.clear();
  }
}

const vigils = new WeakMap<Parties, Vigil>();
