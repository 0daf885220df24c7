/**
 * How the threads that a host has started wake it while it is blocked: one for each host thread, in shared memory.
 *
 *     word 0  rung     counts; the host sleeps on it
 *     word 1  blocked  1 while the host sleeps or is about to: without it nobody rings
 */
export type Bell = Int32Array;

const RUNG = 0;
const BLOCKED = 1;

export const bell: Bell = new Int32Array(new SharedArrayBuffer(8));

/** Says whether the host is blocked. What was sent before it is there when the host looks next; what is sent after it rings. */
export function setBlocked(blocked: boolean): void {
  Atomics.store(bell, BLOCKED, blocked ? 1 : 0);
}

export function heard(): number {
  return Atomics.load(bell, RUNG);
}

/** Sleeps until somebody rings, unless that was since `before`. */
export function sleep(before: number, ms: number): void {
  Atomics.wait(bell, RUNG, before, ms);
}

/** For a thread, after each message to its host. */
export function ring(hostBell: Bell): void {
  if (Atomics.load(hostBell, BLOCKED) === 0) return;
  Atomics.add(hostBell, RUNG, 1);
  Atomics.notify(hostBell, RUNG);
}
