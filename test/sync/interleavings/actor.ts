// An actor: a thread that runs the real code, and waits for its turn before each access to shared memory.
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Parties } from '#internal/sync/parties.js';
import type { Place } from '#internal/sync/shared-object.js';
import type { Actor } from './scenes.ts';
import { Doing, type Stage, stageBytes, stageOf, Turn, wordOf } from './stage.ts';

const real = { ...pick() };
let stage: Stage | undefined;

// On one core nobody spins: to spin is to take many steps that do nothing.
os.availableParallelism = () => 1;
syncBuiltinESMExports();
// The director's clock.
process.hrtime = Object.assign((): [number, number] => {
  const ms = stage === undefined ? 0 : real.load(stage.clock, 0);
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1e6];
}, process.hrtime);
// Nobody may need the clock: what looks by it would only hide that somebody was not woken.
const later = setTimeout;
globalThis.setTimeout = ((): NodeJS.Timeout => later(() => undefined, 2 ** 31 - 1).unref()) as never;
const { Members } = await import('#internal/sync/members.js');
const { queueScenes } = await import('./queue-scenes.ts');
const scenes = { ...(await import('./scenes.ts')).scenes, ...queueScenes };

const me = workerData as number;

function pick(): Pick<
  typeof Atomics,
  'load' | 'store' | 'add' | 'and' | 'or' | 'exchange' | 'compareExchange' | 'wait' | 'notify'
> {
  const { load, store, add, and, or, exchange, compareExchange, wait, notify } = Atomics;
  return { load, store, add, and, or, exchange, compareExchange, wait, notify };
}

/** Thrown where this actor has died, or its play is over: nothing more is done. */
class Dead extends Error {
  readonly at: Stage | undefined;

  constructor(at?: Stage) {
    super('dead');
    this.at = at;
  }
}

/** While an actor is made ready, which is no part of the play. */
let frozen = false;
let isOver = false;
/** How often it has stopped. */
let halts = 0;

/** Stops here until it is this actor's turn. */
function halt(at: Stage, doing: number): void {
  // What is left of a play that is over must not stop here: nobody would give it a turn.
  if (isOver || at !== stage) throw new Dead(at);
  halts++;
  real.store(at.turn, me, Turn.none);
  real.store(at.doing, me, doing);
  real.notify(at.doing, me);
  while (real.load(at.turn, me) === Turn.none) real.wait(at.turn, me, Turn.none);
  if (real.load(at.turn, me) !== Turn.end) return;
  isOver = true;
  throw new Dead(at);
}

/** Before each access: it may be that there is no after. */
function step(words: unknown): void {
  const { buffer } = words as Int32Array;
  if (buffer.byteLength !== stageBytes || frozen) return;
  if (buffer !== stage?.words.buffer) throw new Dead();
  halt(stage, Doing.ready);
}

for (const name of ['load', 'store', 'add', 'and', 'or', 'exchange', 'compareExchange'] as const) {
  const original = real[name] as (...args: unknown[]) => unknown;
  Reflect.set(Atomics, name, (...args: unknown[]) => {
    step(args[0]);
    return original(...args);
  });
}

/** Those that take part in one play, as this actor sees them. */
class Cast implements Parties {
  readonly me: number = wordOf(me);
  readonly listeners = new Set<() => void>();
  readonly mourners = new Map<() => void, number>();
  readonly #stage: Stage;

  constructor(at: Stage) {
    this.#stage = at;
  }

  occupant(id: number): number {
    return wordOf(id - 1);
  }

  isDead(word: number): boolean {
    return real.load(this.#stage.dead, (word & 1023) - 1) === 1;
  }

  wake(word: number): void {
    // A step of its own: who dies before it has woken nobody.
    halt(this.#stage, Doing.ready);
    real.add(this.#stage.rings, (word & 1023) - 1, 1);
  }

  get rings(): number {
    return real.load(this.#stage.rings, me);
  }

  sleep(rings: number): void {
    real.store(this.#stage.seen, me, rings);
    halt(this.#stage, Doing.asleep);
  }

  onWake(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onDeath(word: number, callback: () => void): () => void {
    const call = (): void => callback();
    this.mourners.set(call, word);
    return () => this.mourners.delete(call);
  }
}

/** The event loop: it turns while there is something to do, and is idle otherwise. */
async function turnUntil(done: Promise<unknown>, at: Stage, parties: Cast): Promise<void> {
  const { listeners, mourners } = parties;
  let isDone = false;
  void done.finally(() => (isDone = true)).catch(() => undefined);
  for (;;) {
    await nextTurn();
    if (isDone) return;
    for (const [call, word] of mourners) {
      if (!parties.isDead(word)) continue;
      mourners.delete(call);
      call();
    }
    // What comes from here on has it turn once more.
    const rings = real.load(at.rings, me);
    listeners.forEach((listener) => listener());
    // Some wait for a turn only, to let others have theirs.
    const before = halts;
    await nextTurn();
    await nextTurn();
    if (isDone) return;
    if (halts !== before) continue;
    if ([...mourners.values()].some((word) => parties.isDead(word))) continue;
    real.store(at.seen, me, rings);
    halt(at, Doing.idle);
  }
}

async function play(buffer: SharedArrayBuffer, scene: string, actors: number): Promise<void> {
  const at = stageOf(buffer);
  stage = at;
  isOver = false;
  const parties = new Cast(at);
  try {
    frozen = true;
    const members = new Members(at.words, 0, parties);
    for (let other = 0; other < actors; other++) real.or(at.words, 1 + (other >> 5), 1 << ((other + 1) & 31));
    const place = { words: at.words, at: 64, members, parties } as unknown as Place;
    const actor: Actor = { me, actors, notes: at.notes, dead: (other) => real.load(at.dead, other) === 1 };
    const run = scenes[scene]!(place, actor);
    frozen = false;
    halt(at, Doing.ready);
    const result = run();
    if (result instanceof Promise) await Promise.all([result, turnUntil(result, at, parties)]);
    frozen = true;
    real.store(at.doing, me, Doing.done);
  } catch (error) {
    if (!isOver && stage === at) console.error(scene, error);
    real.store(at.doing, me, Doing.failed);
  }
  real.notify(at.doing, me);
}

// What it does in a microtask nobody catches.
process.on('uncaughtException', (error) => {
  if (error instanceof Dead && error.at !== stage) return;
  if (!isOver) console.error(error);
  real.store(stage!.doing, me, Doing.failed);
  real.notify(stage!.doing, me);
});

parentPort!.on('message', ({ buffer, scene, actors }: { buffer: SharedArrayBuffer; scene: string; actors: number }) => {
  void play(buffer, scene, actors);
});
parentPort!.postMessage('ready');
