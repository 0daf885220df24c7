import { refused } from './explain-failure.ts';
import { wrongArguments } from './items.ts';
import type { MapJob } from './map-job.ts';
import { abandon } from './source.ts';
import type { OpenCall, Submissions } from './submissions.ts';

/** Adds the items of an asynchronous iterable to a job as they come, until the call is aborted or the pool ends. */
export class Feed implements OpenCall {
  readonly #pool: Submissions;
  readonly #job: MapJob;
  readonly #items: AsyncIterable<unknown>;
  readonly #counters: { total: number | undefined };
  #ended: Error | undefined;
  /** Fails the wait for the next item: the iterable may never have one. */
  #endWait: (error: Error) => void = () => undefined;

  constructor(pool: Submissions, job: MapJob, items: AsyncIterable<unknown>, counters: { total: number | undefined }) {
    this.#pool = pool;
    this.#job = job;
    this.#items = items;
    this.#counters = counters;
  }

  async run(): Promise<void> {
    const release = this.#pool.backend.engine.hold();
    this.#pool.streams.add(this);
    let iterator: AsyncIterator<unknown> | undefined;
    try {
      iterator = this.#items[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await this.#next(iterator);
        if (done === true) break;
        const wrong = this.#wrong(value);
        if (wrong === undefined) this.#add(value);
        else this.abort(wrong);
      }
      this.#counters.total = this.#job.length;
      this.#job.complete();
    } catch (error) {
      if (this.#ended !== undefined && iterator !== undefined) abandon(iterator);
      this.#job.complete(error as Error);
    } finally {
      this.#pool.streams.delete(this);
      this.#pool.giveBackTaskIds(this.#job.firstTaskId, this.#job.length);
      release();
    }
  }

  #wrong(item: unknown): Error | undefined {
    const { terms, length } = this.#job;
    const error = terms.spread ? wrongArguments(terms.method, item, length) : undefined;
    return error && refused(error, terms.method, terms.name, terms.site);
  }

  #add(item: unknown): void {
    const index = this.#job.add(item);
    this.#pool.add(this.#job, index, index + 1);
  }

  #next(iterator: AsyncIterator<unknown>): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw this.#ended;
      this.#endWait = reject;
      iterator.next().then(resolve, reject);
    });
  }

  abort(error: Error): void {
    this.#ended ??= error;
    this.#endWait(this.#ended);
  }

  /** The same: a map has no results but all of them. */
  endInput(error: Error): void {
    this.abort(error);
  }
}
