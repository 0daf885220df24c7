import { monotonicMs } from './monotonic.ts';

/** How many calls pass between two looks at the clock. */
const callsPerLook = 16;
/** For so long one may go on without a turn of the event loop. */
const patienceMs = 1;

let calls = 0;
/** When it was looked first since the last turn. */
let sinceMs: number | undefined;

/**
 * For an asynchronous call that did not have to wait. A program that awaits one such call after the other would let no timer, signal or
 * socket have its turn: now and then the outcome is told after a turn of the event loop. It has been decided by then.
 */
export function inTurn<T>(outcome: T): T | Promise<T> {
  return ++calls % callsPerLook === 0 && isOverdue() ? nextTurn().then(() => outcome) : outcome;
}

function isOverdue(): boolean {
  const now = monotonicMs();
  if (sinceMs !== undefined) return now - sinceMs >= patienceMs;
  sinceMs = now;
  void nextTurn().then(() => (sinceMs = undefined));
  return false;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
