/**
 * The memory by which a director has actors go step by step. Each actor is a thread that runs the real code; before each access to shared
 * memory, it waits until it is its turn. So an order of steps can be repeated, and an actor can die between any two of them.
 */
export const actorsMost = 8;

/** What an actor does. */
export const Doing = {
  starting: 0,
  /** It waits for its turn. */
  ready: 1,
  running: 2,
  /** Blocked, until it is woken or its time is over. */
  asleep: 3,
  /** In its event loop, with nothing to do until it is woken. */
  idle: 4,
  done: 5,
  failed: 6,
} as const;

/** What the director tells an actor: to go on; that the play is over. */
export const Turn = { none: 0, go: 1, end: 2 } as const;

export interface Stage {
  /** For each actor: what it does. */
  readonly doing: Int32Array;
  /** For each actor: what it is told. */
  readonly turn: Int32Array;
  /** For each actor: how often it was woken. */
  readonly rings: Int32Array;
  /** For each actor: how often it was woken when it went to sleep. */
  readonly seen: Int32Array;
  /** For each actor: 1 when it is dead. */
  readonly dead: Int32Array;
  /** Milliseconds. */
  readonly clock: Int32Array;
  /** What the actors keep about what they do. */
  readonly notes: Int32Array;
  /** The object that they share. */
  readonly words: Int32Array;
}

export function stageOf(buffer: SharedArrayBuffer): Stage {
  const words = (index: number, length: number): Int32Array => new Int32Array(buffer, index * 4, length);
  const part = (index: number): Int32Array => words(index * actorsMost, actorsMost);
  return {
    doing: part(0),
    turn: part(1),
    rings: part(2),
    seen: part(3),
    dead: part(4),
    clock: part(5),
    notes: words(6 * actorsMost, 16),
    words: words(6 * actorsMost + 16, 4096),
  };
}

export const stageBytes: number = (6 * actorsMost + 16 + 4096) * 4;

/** The word of an actor: numbers of parties begin with 1. */
export function wordOf(actor: number): number {
  return (5 << 10) | (actor + 1);
}

/** How many a seeded generator gives, from 0 to 1. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
