import { poisonDeaths } from '../limits.ts';
import type { Failure, Job } from './task.ts';

/** A failure of one attempt, behind which there may be another. */
export type Attempted = Extract<Failure, { readonly kind: 'error' | 'lost' | 'timeout' }>;

export type Decision =
  /** `leastMs` is enough when this attempt has ended by then. */
  | { readonly again: true; readonly delayMs: number; readonly leastMs: number }
  /** The item has failed, in this way. */
  | { readonly again: false; readonly failure: Failure };

/** Decides whether an item that failed is tried again. */
export class Retries {
  /** The workers that an item has ended: by those with retries, and by those that they died of reading. */
  readonly #deaths = new WeakMap<Job, Map<number, number>>();

  /** Asks the job, which may ask the user: who calls must be ready for anything to have changed. */
  decide(job: Job, index: number, failure: Attempted): Decision {
    const { retries, pinned, retryDelayMs, graceMs } = job.terms;
    const { attempt } = failure;
    if (attempt > retries || pinned !== undefined) return { again: false, failure };
    if (failure.kind === 'lost') {
      const deaths = this.died(job, index);
      if (deaths >= poisonDeaths) return { again: false, failure: { ...failure, kind: 'poison', deaths } };
    }
    try {
      const accepted = job.accepts === undefined ? failure.kind === 'lost' : job.accepts(index, failure);
      if (!accepted) return { again: false, failure };
      const leastMs = retryDelayMs?.(attempt) ?? 0;
      // One that ran too long may still run: by the end of its grace it does not.
      return { again: true, leastMs, delayMs: failure.kind === 'timeout' ? Math.max(leastMs, graceMs) : leastMs };
    } catch (error) {
      return { again: false, failure: { kind: 'refused', error: error as Error } };
    }
  }

  /** One more worker that an item has ended: how many it were. */
  died(job: Job, index: number): number {
    const counts = this.#deaths.get(job) ?? new Map<number, number>();
    this.#deaths.set(job, counts);
    const deaths = (counts.get(index) ?? 0) + 1;
    counts.set(index, deaths);
    return deaths;
  }
}
