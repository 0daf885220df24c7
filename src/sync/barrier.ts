import { checkCount, checkFunction, checkKeys, checkTimeout } from '../arguments.ts';
import type { BlockReference } from '../memory/block.ts';
import { monotonicMs } from '../monotonic.ts';
import { travelsAs } from '../wire/shared.ts';
import { BarrierCore, barrierWords, maxBarrierParties } from './barrier-core.ts';
import { type SyncWaitOptions, syncWaitKeys, waitingOf, waitKeys, type WaitOptions } from './options.ts';
import { attach, create, type Place } from './shared-object.ts';
import { showAs } from '../inspection.ts';
import { glance } from './waiters.ts';
import { blocked, checkSignal, late } from '../waiting.ts';

/** Options of a `Barrier`. */
export interface BarrierOptions {
  /** Called by one of them when all have arrived, before any goes on. */
  readonly action?: () => unknown;
  /** For each `wait` that has none of its own, in milliseconds. */
  readonly timeout?: number;
}

interface BarrierState extends BarrierOptions {
  readonly block: BlockReference;
  readonly parties: number;
}

/**
 * A point at which processes and threads wait until a number of them have arrived; then all go on, and the next round begins. When one that has arrived
 * dies, gives up or waits for too long, the barrier is broken for all, until `reset`. Python: `multiprocessing.Barrier`.
 *
 * @example
 * ```ts
 * import { Barrier, Pool } from 'manycore';
 * await using pool = new Pool(2);
 * const barrier = new Barrier(2);
 * const meet = (at: Barrier): Promise<number> => at.wait();
 * console.log((await Promise.all([pool.apply(meet, [barrier]), pool.apply(meet, [barrier])])).toSorted()); // [ 0, 1 ]
 * ```
 */
export class Barrier {
  /** How many have to arrive. */
  readonly parties: number;
  readonly #core: BarrierCore;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number | undefined;

  /**
   * @param parties - How many have to arrive: at least 1.
   * @throws SharedMemoryError where shared memory cannot be had.
   */
  constructor(parties: number, options?: BarrierOptions);
  /** @internal */
  constructor(parties: number, options: BarrierOptions, core: BarrierCore);
  constructor(
    parties: number,
    options: BarrierOptions = {},
    core: BarrierCore = create(barrierWords, (place) => new BarrierCore(place, parties)),
  ) {
    checkCount('the parties of a barrier', parties, 1, maxBarrierParties);
    checkKeys('Barrier', options, ['action', 'timeout']);
    if (options.action !== undefined) checkFunction('the action of a barrier', options.action);
    this.parties = parties;
    this.#action = options.action;
    this.#timeout = checkTimeout(options.timeout);
    this.#core = core;
  }

  /** @internal */
  get core(): BarrierCore {
    return this.#core;
  }

  /** @internal */
  refer(): BarrierState {
    const action = this.#action;
    const timeout = this.#timeout;
    return {
      block: this.#core.place.block.refer(),
      parties: this.parties,
      ...(action !== undefined && { action }),
      ...(timeout !== undefined && { timeout }),
    };
  }

  /**
   * Waits until all have arrived, without blocking the event loop.
   *
   * @param options - `timeout` in milliseconds, `signal` to give up: both break the barrier.
   * @returns As which one it has arrived, from 0 to `parties - 1`; each number once.
   * @throws BrokenBarrierError when it is broken; AbortError when the signal was aborted; what the action throws, where it was called.
   */
  async wait(options?: WaitOptions): Promise<number> {
    const core = this.#core;
    const { timeout = this.#timeout, signal } = waitingOf('wait', options, waitKeys);
    const endMs = monotonicMs() + (timeout ?? Infinity);
    checkSignal(signal);
    // Not behind those of this thread that have arrived: they wait for this one.
    const first = core.arrival.try(glance);
    const arrival = first === blocked ? await core.waiters.wait(core.arrival, { timeout, signal }) : first;
    if (arrival === late) throw core.giveUp(timeout!);
    const { round, index, isLast } = arrival;
    try {
      if (isLast) {
        await this.#action?.();
        core.finish(round);
      } else if ((await core.waiters.wait(core.passing(round), { timeout: endMs - monotonicMs(), signal })) === late) {
        const broken = core.expire(round, timeout!);
        if (broken !== undefined) throw broken;
        await core.waiters.wait(core.passing(round), {});
      }
    } catch (error) {
      core.break(round);
      throw error;
    }
    return index;
  }

  /** `wait` that blocks this thread; the action must not be asynchronous. */
  waitSync(options?: SyncWaitOptions): number {
    const core = this.#core;
    const { timeout = this.#timeout } = waitingOf('waitSync', options, syncWaitKeys);
    const endMs = monotonicMs() + (timeout ?? Infinity);
    const arrival = core.waiters.waitSync(core.arrival, timeout);
    if (arrival === late) throw core.giveUp(timeout!);
    const { round, index, isLast } = arrival;
    try {
      if (isLast) {
        this.#action?.();
        core.finish(round);
      } else if (core.waiters.waitSync(core.passing(round), endMs - monotonicMs()) === late) {
        const broken = core.expire(round, timeout!);
        if (broken !== undefined) throw broken;
        core.waiters.waitSync(core.passing(round));
      }
    } catch (error) {
      core.break(round);
      throw error;
    }
    return index;
  }

  /** Breaks the barrier: those that wait, and those that come, get a `BrokenBarrierError`, until `reset`. */
  abort(): void {
    this.#core.break();
  }

  /** Makes it as new. Those that wait get a `BrokenBarrierError`. */
  reset(): void {
    this.#core.reset();
  }

  /** How many wait. Python: `n_waiting`. */
  get nWaiting(): number {
    return this.#core.waiting;
  }

  /** Another word for `nWaiting`. */
  get waiting(): number {
    return this.nWaiting;
  }

  get broken(): boolean {
    return this.#core.isBroken;
  }
}

showAs(Barrier, (barrier) => ` ${barrier.broken ? 'broken' : `waiting=${barrier.waiting}`} parties=${barrier.parties}`);

travelsAs<Barrier, BarrierState>(Barrier, {
  stateOf: (barrier) => barrier.refer(),
  attach(constructor, { block, parties, ...options }) {
    const core = attach(block, (place: Place) => new BarrierCore(place, parties));
    return Reflect.construct(Barrier, [parties, options, core], constructor);
  },
});
