import { monotonicMs } from '../monotonic.ts';
import { deliver } from './delivery.ts';

/** What the event loop would call, and a blocked thread calls by itself. Timers do not keep the program alive. */

interface Timer {
  readonly dueMs: number;
  readonly ring: () => void;
}

const timers = new Set<Timer>();
/** To be called in this turn or in the next one. */
const turns = new Set<() => void>();

/** Calls back after `ms`; the function returned cancels that. */
export function later(ms: number, callback: () => void): () => void {
  const cancel = (): void => {
    clearTimeout(handle);
    timers.delete(timer);
  };
  const ring = (): void => {
    cancel();
    deliver(callback);
  };
  const timer = { dueMs: monotonicMs() + ms, ring };
  const handle = setTimeout(ring, ms).unref();
  timers.add(timer);
  return cancel;
}

/** Calls back in a later turn of the event loop. */
export function soon(callback: () => void): void {
  setImmediate(once(callback));
}

/** Calls back at the end of the present tick. */
export function afterTick(callback: () => void): void {
  queueMicrotask(once(callback));
}

function once(callback: () => void): () => void {
  const run = (): void => {
    if (turns.delete(run)) callback();
  };
  turns.add(run);
  return run;
}

/** Calls all whose time has come. */
export function runDue(): void {
  // A copy: what they add comes next time.
  for (const turn of Array.from(turns)) turn();
  const now = monotonicMs();
  for (const timer of timers) if (timer.dueMs <= now) timer.ring();
}

/** When there is something to call; `Infinity` when nothing is to come. */
export function nextDueMs(): number {
  if (turns.size > 0) return -Infinity;
  let nextMs = Infinity;
  for (const { dueMs } of timers) nextMs = Math.min(nextMs, dueMs);
  return nextMs;
}
