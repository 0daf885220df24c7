import { AbortError, Barrier, BrokenBarrierError, Condition, Lock, RLock, Semaphore } from 'manycore';
import { BarrierCore } from '#internal/sync/barrier-core.js';
import { ConditionCore } from '#internal/sync/condition-core.js';
import { LockCore } from '#internal/sync/lock.js';
import { RLockCore } from '#internal/sync/r-lock.js';
import { SemaphoreCore } from '#internal/sync/semaphore-core.js';
import type { Place } from '#internal/sync/shared-object.js';
import { EventCore, SharedEvent } from '#internal/sync/shared-event.js';

export interface Actor {
  readonly me: number;
  readonly actors: number;
  /** Words that all see, and that are no steps. */
  readonly notes: Int32Array;
  readonly dead: (actor: number) => boolean;
}

export type Scene = (place: Place, actor: Actor) => () => Promise<void> | void;

const rounds = 3;

/** The notes of the scenes with locks. */
export const Note = { inside: 0, entries: 1, told: 2, most: 3, value: 4 } as const;

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Between acquire and release: alone, unless who is inside has died, which is told then. */
function enter({ me, notes, dead }: Actor, ownerDied: boolean): void {
  const inside = notes[Note.inside]!;
  check(inside === 0 || dead(inside - 1), `two are inside: ${me + 1} and ${inside}`);
  check(inside === 0 || ownerDied, 'the death of the owner was not told');
  if (ownerDied) notes[Note.told]!++;
  notes[Note.inside] = me + 1;
  notes[Note.entries]!++;
}

function leave({ me, notes }: Actor): void {
  check(notes[Note.inside] === me + 1, 'somebody else came inside');
  notes[Note.inside] = 0;
}

const locks: Record<string, (place: Place) => Lock | RLock> = {
  lock: (place) => new (Lock as unknown as new (core: LockCore) => Lock)(new LockCore(place)),
  rLock: (place) => new (RLock as unknown as new (core: RLockCore) => RLock)(new RLockCore(place)),
};

function syncLock(kind: string): Scene {
  return (place, actor) => {
    const lock = locks[kind]!(place);
    return () => {
      for (let i = 0; i < rounds; i++) {
        const guard = lock.acquireSync();
        enter(actor, guard.ownerDied);
        if (i === 1 && kind === 'rLock') lock.acquireSync().release();
        leave(actor);
        guard.release();
      }
    };
  };
}

function asyncLock(kind: string): Scene {
  return (place, actor) => {
    const lock = locks[kind]!(place);
    const round = async (): Promise<void> => {
      const guard = await lock.acquire();
      enter(actor, guard.ownerDied);
      await Promise.resolve();
      leave(actor);
      guard.release();
    };
    return async () => {
      if (kind === 'rLock') for (let i = 0; i < rounds; i++) await round();
      else await Promise.all(Array.from({ length: rounds }, round));
    };
  };
}

function givenUp(error: unknown): undefined {
  if (!(error instanceof AbortError)) throw error;
}

/** Gives up again and again. */
function impatient(kind: string, isSync: boolean): Scene {
  return (place, actor) => {
    const lock = locks[kind]!(place);
    return async () => {
      for (let i = 0; i < rounds;) {
        const controller = new AbortController();
        const stop = place.parties.onWake(() => controller.abort());
        const { signal } = controller;
        const guard = isSync ? lock.acquireSync({ timeout: 1 }) : await lock.acquire({ signal }).catch(givenUp);
        stop();
        i++;
        // It does not come back at the end: a wake that was spent on it must be another's.
        if (guard === undefined) continue;
        enter(actor, guard.ownerDied);
        if (!isSync) await Promise.resolve();
        leave(actor);
        guard.release();
      }
    };
  };
}

/** Two permits for all. */
function semaphore(isSync: boolean): Scene {
  return (place, { notes, actors, dead, me }) => {
    const core = new SemaphoreCore(place, true);
    const make = Semaphore as unknown as new (core: SemaphoreCore, state: object) => Semaphore;
    const shared = new make(core, { robust: true, bound: 2 });
    if (me === 0) core.fill(2);
    const inside = (change: number): void => {
      notes[8 + me]! += change;
      let sum = 0;
      for (let other = 0; other < actors; other++) if (!dead(other)) sum += notes[8 + other]!;
      check(sum <= 2, 'more are inside than there are permits');
    };
    return async () => {
      for (let i = 0; i < rounds; i++) {
        const guard = isSync ? shared.acquireSync() : await shared.acquire();
        inside(1);
        if (!isSync) await Promise.resolve();
        inside(-1);
        guard.release();
      }
      notes[Note.value] = core.value;
    };
  };
}

function event(role: 'set' | 'wait' | 'waitSync'): Scene {
  return (place) => {
    const shared = new (SharedEvent as unknown as new (core: EventCore) => SharedEvent)(new EventCore(place));
    if (role === 'set') {
      return () => {
        shared.set();
        // Who waits passes all the same.
        shared.clear();
        shared.set();
      };
    }
    return async () => check(role === 'wait' ? await shared.wait() : shared.waitSync(), 'the wait was late');
  };
}

/** One puts three things into a box for one; the others take them out. Each waits while it cannot. */
function condition(role: 'put' | 'take', isSync: boolean): Scene {
  return (place, { notes, actors }) => {
    const lockPlace = { ...place, at: place.at + 1024 };
    const lock = locks['lock']!(lockPlace);
    const make = Condition as unknown as new (lock: Lock | RLock, core: ConditionCore) => Condition;
    const changed = new make(lock, new ConditionCore(place));
    const wanted = role === 'put' ? 0 : 1;
    const change = (): void => {
      check(notes[Note.value] === wanted, 'it went on for nothing');
      notes[Note.value] = 1 - wanted;
      changed.notifyAll();
    };
    const times = role === 'put' ? 2 * (actors - 1) : 2;
    return async () => {
      for (let i = 0; i < times; i++) {
        if (isSync) {
          lock.runSync(() => {
            changed.waitForSync(() => notes[Note.value] === wanted);
            change();
          });
        } else {
          await lock.run(async () => {
            await changed.waitFor(() => notes[Note.value] === wanted);
            change();
          });
        }
      }
    };
  };
}

/** As many rounds as anybody gets through: one that dies breaks it for all, at the latest when their time is over. */
function barrier(isSync: boolean, timeout?: number): Scene {
  return (place, { notes, actors, me }) => {
    const make = Barrier as unknown as new (parties: number, options: object, core: BarrierCore) => Barrier;
    const shared = new make(actors, timeout === undefined ? {} : { timeout }, new BarrierCore(place, actors));
    return async () => {
      try {
        for (let i = 0; i < rounds; i++) {
          notes[8 + me] = i + 1;
          if (isSync) shared.waitSync();
          else await shared.wait();
          for (let other = 0; other < actors; other++) check(notes[8 + other]! > i, 'one was not waited for');
        }
      } catch (error) {
        if (!(error instanceof BrokenBarrierError)) throw error;
        notes[Note.told]!++;
      }
    };
  };
}

export const scenes: Readonly<Record<string, Scene>> = {
  lockSync: syncLock('lock'),
  lockAsync: asyncLock('lock'),
  lockSyncImpatient: impatient('lock', true),
  lockAsyncImpatient: impatient('lock', false),
  rLockSync: syncLock('rLock'),
  rLockAsync: asyncLock('rLock'),
  semaphoreSync: semaphore(true),
  semaphoreAsync: semaphore(false),
  eventSet: event('set'),
  eventWait: event('wait'),
  eventWaitSync: event('waitSync'),
  putSync: condition('put', true),
  putAsync: condition('put', false),
  takeSync: condition('take', true),
  takeAsync: condition('take', false),
  barrierSync: barrier(true),
  barrierTimed: barrier(true, 1_000),
  barrierAsync: barrier(false),
};
