import { ownLife, startOf, type Life } from './life.ts';

/** The main thread of the program at the root of all our workers, as a worker is told. It outlives them all. */
const root = Symbol.for('manycore.root');

/** Who the root is: named things belong to it, so that they outlive the worker that has made them. */
export function rootLife(): Life {
  const told: unknown = Reflect.get(globalThis, root);
  return told === undefined ? mainLife() : (told as Life);
}

/** The main thread of this process: a thread that the program has made by itself ends before that. */
function mainLife(): Life {
  const { pid, tid } = ownLife();
  if (pid === tid) return ownLife();
  return { pid, tid: pid, start: startOf(pid, pid) ?? 0 };
}

/** For a worker at its start. */
export function setRoot(life: Life | undefined): void {
  if (life !== undefined) Reflect.set(globalThis, root, life);
}

/** What a worker is told; undefined where shared memory has no names. */
export function toldRoot(): Life | undefined {
  return process.platform === 'linux' ? rootLife() : undefined;
}
