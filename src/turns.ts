import { monotonicMs } from './monotonic.ts';

/** For so long one may go on without a turn of the event loop. */
const patienceMs = 4;
/** To look at the clock takes a tenth as long as a fast call: it is done some four times in this span, by what the last calls took. */
const lookMs = patienceMs / 4;
const mostPerLook = 64;

let perLook = 1;
let calls = 0;
let lookedMs = 0;
/** When it was looked first since the last turn. */
let sinceMs: number | undefined;

/**
 * For an asynchronous call that did not have to wait. A program that awaits one such call after the other would let no timer, signal or
 * socket have its turn: now and then the outcome is told after a turn of the event loop. It has been decided by then.
 */
export function inTurn<T>(outcome: T): T | Promise<T> {
  return ++calls >= perLook && isOverdue() ? nextTurn().then(() => outcome) : outcome;
}

function isOverdue(): boolean {
  const now = monotonicMs();
  perLook = now - lookedMs > lookMs ? Math.max(1, perLook >> 1) : Math.min(mostPerLook, perLook * 2);
  calls = 0;
  lookedMs = now;
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
