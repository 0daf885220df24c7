import { checkCount, checkKeys, checkTimeout, show } from '../arguments.ts';
import type { TaskFault, WorkerFaults } from '../engine/inline-link.ts';
import { ArgumentRangeError } from '../errors.ts';

/** Which task: the one that a worker runs as its n-th, from 1. A worker's number counts the starts of workers, from 1. */
interface Place {
  /** Default: any worker. */
  readonly worker?: number;
  /** Default: any task. */
  readonly task?: number;
}

/**
 * Faults that happen at a place of one's choice, each time the same: for the pool option `faults`.
 *
 * @example
 * ```ts
 * import { Pool, WorkerLostError } from 'manycore';
 * import { faults, virtualClock } from 'manycore/testing';
 * const clock = virtualClock();
 * await using pool = new Pool({ workers: 1, clock, faults: faults().kill({ worker: 1, task: 2 }) });
 * console.log(await pool.apply(() => 'first')); // first
 * console.log((await pool.apply(() => 'second').catch((error) => error)) instanceof WorkerLostError); // true
 * console.log(await pool.apply(() => 'third')); // third
 * ```
 */
export function faults(): Faults {
  return new Faults();
}

/**
 * What `faults()` returns. Its methods add a fault and return it, to be chained.
 *
 * @throws ArgumentTypeError, ArgumentRangeError for a place or a time that there is not.
 */
export class Faults implements WorkerFaults {
  readonly #starts: { readonly worker: number | undefined; readonly fault: ReturnType<WorkerFaults['start']> }[] = [];
  readonly #tasks: { readonly place: Place; readonly fault: TaskFault }[] = [];

  /** The worker dies, as of SIGKILL, when it begins the task; or `afterMs` later. */
  kill(place: Place & { readonly afterMs?: number }): this {
    checkKeys('kill', place, [...placeKeys, 'afterMs']);
    checkTimeout(place.afterMs, 'afterMs');
    return this.#at(place, { killMs: place.afterMs ?? 0 });
  }

  /** The task begins, but runs only after `ms`. */
  delay(place: Place & { readonly ms: number }): this {
    checkKeys('delay', place, [...placeKeys, 'ms']);
    checkMs(place.ms);
    return this.#at(place, { delayMs: place.ms });
  }

  /** The worker dies as it starts. */
  refuseToStart(place: Pick<Place, 'worker'> & { readonly error?: Error } = {}): this {
    checkKeys('refuseToStart', place, ['worker', 'error']);
    checkPlace(place);
    this.#starts.push({
      worker: place.worker,
      fault: { error: place.error ?? new Error('It was to refuse to start.') },
    });
    return this;
  }

  /** The worker takes `ms` to start. */
  delayStart(place: Pick<Place, 'worker'> & { readonly ms: number }): this {
    checkKeys('delayStart', place, ['worker', 'ms']);
    checkPlace(place);
    checkMs(place.ms);
    this.#starts.push({ worker: place.worker, fault: { delayMs: place.ms } });
    return this;
  }

  /** Asked by the pool when a worker starts. */
  start(worker: number): ReturnType<WorkerFaults['start']> {
    return this.#starts.find((each) => each.worker === undefined || each.worker === worker)?.fault;
  }

  /** Asked by the pool when a worker begins its n-th task. */
  task(worker: number, nth: number): TaskFault | undefined {
    return this.#tasks.find(
      ({ place }) =>
        (place.worker === undefined || place.worker === worker) && (place.task === undefined || place.task === nth),
    )?.fault;
  }

  #at(place: Place, fault: TaskFault): this {
    checkPlace(place);
    this.#tasks.push({ place, fault });
    return this;
  }
}

const placeKeys = ['worker', 'task'];

function checkPlace({ worker, task }: Place): void {
  if (worker !== undefined) checkCount('worker', worker, 1);
  if (task !== undefined) checkCount('task', task, 1);
}

function checkMs(ms: number): void {
  if (checkTimeout(ms, 'ms') === undefined)
    throw new ArgumentRangeError(`Cannot use ms ${show(ms)}: expected milliseconds, 24 days at most.`);
}
