import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Doing, random, type Stage, stageBytes, stageOf, Turn } from './stage.ts';

export interface Play {
  readonly seed: number;
  /** What each actor does: names of scenes. */
  readonly scenes: readonly string[];
  /** Whether one of them is killed at some step. */
  readonly kills: boolean;
}

export interface Outcome {
  readonly steps: number;
  /** How often a sleeper had to be woken by the clock: never, unless somebody died. */
  readonly timeouts: number;
  readonly killed: number | undefined;
  readonly notes: Int32Array;
}

const stepsMost = 20_000;

/** Threads that play one play after the other. */
export class Director {
  readonly #workers: Worker[];

  private constructor(workers: Worker[]) {
    this.#workers = workers;
  }

  static async open(actors: number): Promise<Director> {
    const script = new URL('./actor.js', import.meta.url);
    const workers = Array.from({ length: actors }, (_, actor) => new Worker(script, { workerData: actor }));
    // A thread does not start while this one is blocked.
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    return new Director(workers);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** Plays one order of steps to its end. Throws when it comes to none. */
  play(play: Play): Outcome {
    const buffer = new SharedArrayBuffer(stageBytes);
    const stage = stageOf(buffer);
    try {
      return this.#direct(play, buffer, stage);
    } finally {
      for (const actor of play.scenes.keys()) {
        if (stage.doing[actor] !== Doing.done && stage.doing[actor] !== Doing.failed) give(stage, actor, Turn.end);
      }
    }
  }

  #direct({ seed, scenes, kills }: Play, buffer: SharedArrayBuffer, stage: Stage): Outcome {
    const next = random(seed);
    const length = 20 + Math.floor(next() * 150);
    const victim = kills ? Math.floor(next() * scenes.length) : -1;
    let killAt = kills ? Math.floor(next() * length) : -1;
    for (const [actor, scene] of scenes.entries())
      this.#workers[actor]!.postMessage({ buffer, scene, actors: scenes.length });
    const actors = scenes.map((_, actor) => actor);
    for (const actor of actors) settle(stage, actor);
    let killed: number | undefined;
    let timeouts = 0;
    let favourite = 0;
    for (let step = 0; step < stepsMost; step++) {
      const living = actors.filter((actor) => stage.dead[actor] === 0);
      const failed = actors.find((actor) => stage.doing[actor] === Doing.failed);
      if (failed !== undefined) throw new Error(`actor ${failed} failed`);
      const open = living.filter((actor) => stage.doing[actor] !== Doing.done);
      if (open.length === 0) return { steps: step, timeouts, killed, notes: stage.notes };
      if (killAt-- === 0 && stage.doing[victim] !== Doing.done) {
        killed = victim;
        stage.dead[victim] = 1;
        // Whoever is in his event loop hears of it.
        for (const actor of actors) if (stage.doing[actor] === Doing.idle) stage.rings[actor]!++;
        continue;
      }
      // An impatient one has its time run out, or gives up, whenever it may.
      for (const actor of open) if (scenes[actor]!.endsWith('Impatient') && next() < 0.05) disturb(stage, actor);
      const able = open.filter((actor) => isAble(stage, actor));
      stage.clock[0]! += next() < 0.05 ? 1 : 0;
      if (able.length === 0) {
        const asleep = open.filter((actor) => stage.doing[actor] === Doing.asleep);
        if (asleep.length === 0) throw new Error(`nobody can go on: ${describe(stage, actors)}`);
        timeouts++;
        stage.clock[0]! += 50;
        give(stage, asleep[Math.floor(next() * asleep.length)]!, Turn.go);
        continue;
      }
      // Mostly one goes on for a while: most faults need few changes of turns at the right places.
      if (!able.includes(favourite) || next() < 0.3) favourite = able[Math.floor(next() * able.length)]!;
      give(stage, favourite, Turn.go);
    }
    throw new Error(`no end after ${stepsMost} steps: ${describe(stage, actors)}`);
  }
}

function isAble(stage: Stage, actor: number): boolean {
  const doing = stage.doing[actor];
  return doing === Doing.ready || (doing !== Doing.done && stage.rings[actor] !== stage.seen[actor]);
}

function disturb(stage: Stage, actor: number): void {
  if (stage.doing[actor] !== Doing.asleep && stage.doing[actor] !== Doing.idle) return;
  stage.clock[0]! += 1;
  stage.rings[actor]!++;
}

function give(stage: Stage, actor: number, turn: number): void {
  Atomics.store(stage.doing, actor, Doing.running);
  Atomics.store(stage.turn, actor, turn);
  Atomics.notify(stage.turn, actor);
  settle(stage, actor);
}

/** Waits until an actor has done its step. */
function settle(stage: Stage, actor: number): void {
  for (;;) {
    const doing = Atomics.load(stage.doing, actor);
    if (doing !== Doing.starting && doing !== Doing.running) return;
    if (Atomics.wait(stage.doing, actor, doing, 5_000) === 'timed-out')
      throw new Error(`actor ${actor} does not answer`);
  }
}

function describe(stage: Stage, actors: readonly number[]): string {
  const names = Object.keys(Doing);
  return actors.map((actor) => `${names[stage.doing[actor]!]}${stage.dead[actor] === 1 ? ' (dead)' : ''}`).join(', ');
}
