/**
 * Those who may hold a shared object or wait for it: threads, each with a word that no other one ever has. What `Home` of memory/
 * does; tests have parties of their own, which die at a chosen step.
 */
export interface Parties {
  /** This thread's word: 29 bits, never 0. */
  readonly me: number;
  /** The word of the party that has a number now; 0 when there is none. */
  occupant(id: number): number;
  isDead(word: number): boolean;
  /** Has a party look at what it waits for: it returns from `sleep`, and its listeners are called. */
  wake(word: number): void;
  readonly rings: number;
  /** Blocks this thread until it is woken, if it was not since `rings`, for `ms` at most. */
  sleep(rings: number, ms: number): void;
  onWake(listener: () => void): () => void;
  onDeath(word: number, callback: () => void): () => void;
}

/** The number of a party in its table. */
export function idOf(word: number): number {
  return word & 1023;
}
