import { longestTimerMs } from '../limits.ts';
import { later, soon } from '../blocking/later.ts';
import { withoutStops } from '../program/stops.ts';

/** Time as the engine sees it: monotonic milliseconds and timers that do not keep the program alive. It stands still while the program is stopped. */
export interface Clock {
  now(): number;
  /** Calls back after `ms`; the function returned cancels that. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back in a later turn of the event loop. */
  soon(callback: () => void): void;
}

/** Node's timers may be early by a fraction of a millisecond. */
const earlyMs = 1;

export const realClock: Clock = {
  now: withoutStops,
  after(ms, callback) {
    const dueMs = withoutStops() + ms;
    // Time that the program was stopped counts for Node's timers.
    const ring = (): void => {
      const leftMs = dueMs - withoutStops();
      if (leftMs > earlyMs) start(leftMs);
      else callback();
    };
    let cancel: () => void;
    const start = (leftMs: number): void => void (cancel = later(Math.min(leftMs, longestTimerMs), ring));
    start(ms);
    return () => cancel();
  },
  soon,
};
