import { checkTimeout, show } from '../arguments.ts';
import type { Clock } from '../engine/clock.ts';
import { ArgumentTypeError } from '../errors.ts';
import { Timeline } from './timeline.ts';

/**
 * A clock that a test moves. A pool with the option `clock` has simulated workers, which run their tasks in this thread, and
 * everything that it does by time it does by this clock: timeouts, growing and shrinking, restarts and their delays.
 *
 * @example
 * ```ts
 * import { Pool, TaskTimeoutError } from 'manycore';
 * import { virtualClock } from 'manycore/testing';
 * const clock = virtualClock();
 * await using pool = new Pool({ workers: 2, clock });
 * const slow = pool.apply(() => clock.sleep(60_000), [], { timeout: 30_000 });
 * await clock.pass(30_000); // takes no time
 * console.log((await slow.catch((error) => error)) instanceof TaskTimeoutError); // true
 * ```
 */
export function virtualClock(): VirtualClock {
  return new VirtualClock();
}

/** What `virtualClock()` returns. */
export class VirtualClock implements Clock {
  readonly #timeline = new Timeline();
  /** Work of simulated workers that takes no time, but has not been done yet. */
  #soon = 0;

  /** Milliseconds since the clock was made. */
  now(): number {
    return this.#timeline.now;
  }

  /** Calls back when `ms` have passed; the function returned cancels that. */
  after(ms: number, callback: () => void): () => void {
    return this.#timeline.after(ms, callback);
  }

  /** Resolves when `ms` have passed: for tasks of simulated workers, in the place of `setTimeout`. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /**
   * Lets `ms` pass. What is due happens in order; in between all that takes no time is done.
   *
   * @throws ArgumentTypeError, ArgumentRangeError for what are no milliseconds.
   */
  async pass(ms: number): Promise<void> {
    if (ms === undefined) throw new ArgumentTypeError(`Cannot use ms ${show(ms)}: expected milliseconds.`);
    checkTimeout(ms, 'ms');
    const untilMs = this.#timeline.now + ms;
    await this.#settled();
    while (this.#timeline.step(untilMs)) await this.#settled();
    this.#timeline.pass(untilMs - this.#timeline.now);
  }

  /** Part of `Clock`: calls back in a later turn of the event loop, at the same time of this clock. */
  soon(callback: () => void): void {
    this.#soon++;
    setImmediate(() => {
      this.#soon--;
      callback();
    });
  }

  /** A turn of the event loop has all promises that can be settled settled, which may start more. */
  async #settled(): Promise<void> {
    do await new Promise<void>((resolve) => void setImmediate(resolve));
    while (this.#soon > 0);
  }
}
