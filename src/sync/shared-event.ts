import type { BlockReference } from '../memory/block.ts';
import { travelsAs } from '../wire/shared.ts';
import { type SyncWaitOptions, syncWaitKeys, waitingOf, waitKeys, type WaitOptions } from './options.ts';
import { attach, checkCore, type Core, create, type Place } from './shared-object.ts';
import { showAs } from '../inspection.ts';
import { Waiters, type Wish } from './waiters.ts';
import { blocked, late } from '../waiting.ts';

const FLAG = 0;
/** How often it was set: those that wait pass then, also when it is cleared before they look. */
const SETS = 1;
const WAITERS = 16;

export class EventCore implements Core {
  readonly place: Place;
  readonly waiters: Waiters;

  constructor(place: Place) {
    const { words, at, members, parties } = place;
    this.place = place;
    this.waiters = new Waiters({ words, at: at + WAITERS, members, parties });
  }

  get isSet(): boolean {
    return Atomics.load(this.place.words, this.place.at + FLAG) === 1;
  }

  set(): void {
    const { words, at } = this.place;
    // Who is killed here has set it: others hear of the death, and look.
    Atomics.store(words, at + FLAG, 1);
    Atomics.add(words, at + SETS, 1);
    this.waiters.notifyAll();
  }

  clear(): void {
    Atomics.store(this.place.words, this.place.at + FLAG, 0);
  }

  /** To be made when the wait begins. */
  wish(): Wish<true> {
    const { words, at } = this.place;
    const sets = Atomics.load(words, at + SETS);
    return { try: () => (this.isSet || Atomics.load(words, at + SETS) !== sets ? true : blocked) };
  }
}

const make = (place: Place): EventCore => new EventCore(place);

/**
 * A flag that processes and threads can wait for. Python: `multiprocessing.Event`.
 *
 * @example
 * ```ts
 * import { Pool, SharedEvent } from 'manycore';
 * await using pool = new Pool(1);
 * const go = new SharedEvent();
 * const done = pool.apply((event: SharedEvent) => event.wait(), [go]);
 * go.set();
 * console.log(await done); // true
 * ```
 */
export class SharedEvent {
  readonly #core: EventCore;

  /** @throws SharedMemoryError where shared memory cannot be had. */
  constructor();
  /** @internal */
  constructor(core: EventCore);
  constructor(core: EventCore = create(WAITERS + Waiters.words, make)) {
    checkCore('SharedEvent', core, EventCore);
    this.#core = core;
  }

  /** @internal */
  get core(): EventCore {
    return this.#core;
  }

  /** Lets all pass that wait, and those that come until it is cleared. */
  set(): void {
    this.#core.set();
  }

  clear(): void {
    this.#core.clear();
  }

  isSet(): boolean {
    return this.#core.isSet;
  }

  /**
   * Waits until it is set, without blocking the event loop.
   *
   * @param options - `timeout` in milliseconds, `signal` to give up.
   * @returns True, or false when it was not set in time.
   * @throws AbortError when the signal was aborted.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    return (await this.#core.waiters.wait(this.#core.wish(), waitingOf('wait', options, waitKeys))) !== late;
  }

  /** `wait` that blocks this thread. */
  waitSync(options?: SyncWaitOptions): boolean {
    const { timeout } = waitingOf('waitSync', options, syncWaitKeys);
    return this.#core.waiters.waitSync(this.#core.wish(), timeout) !== late;
  }
}

showAs(SharedEvent, (event) => ` ${event.isSet() ? 'set' : 'unset'}`);

travelsAs<SharedEvent, BlockReference>(SharedEvent, {
  stateOf: ({ core }) => core.place.block.refer(),
  attach: (constructor, reference) => Reflect.construct(SharedEvent, [attach(reference, make)], constructor),
});
