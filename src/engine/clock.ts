import { monotonicMs } from '../monotonic.ts';

/** Time as the engine sees it: monotonic milliseconds and timers that do not keep the program alive. */
export interface Clock {
  now(): number;
  /** Calls back after `ms`; the function returned cancels that. */
  after(ms: number, callback: () => void): () => void;
}

export const realClock: Clock = {
  now: monotonicMs,
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
