import type { Failure } from '../engine/task.ts';
import type { WireJob } from '../engine/lease-writer.ts';
import { EncodedMessage } from '../wire/encoded-message.ts';
import type { Call } from './call.ts';
import { explain, type Place } from './explain-failure.ts';
import type { CallOptions } from './options.ts';
import { wantsRetry } from './retries.ts';
import type { Submissions } from './submissions.ts';

/** What a series does with the results that its callers hold: `AsyncResult`s or `Future`s. */
export interface SeriesResults<R> {
  /** The result is that of item `index`. */
  join(result: R, series: Series<R>, index: number): void;
  succeed(result: R, value: unknown): void;
  fail(result: R, error: Error, cancelled: boolean): void;
}

/** Single calls of one function that follow each other: together they are one job, as cheap as a map. */
export class Series<R = unknown> implements WireJob {
  readonly terms: Call;
  readonly firstTaskId: number;
  /** The options of all its calls. */
  readonly options: CallOptions | undefined;
  readonly #pool: Submissions;
  readonly #kind: SeriesResults<R>;
  readonly #args: unknown[] = [];
  readonly #results: (R | undefined)[] = [];
  /** Called when all that was added is settled. */
  onSettled: (() => void) | undefined;
  #open = 0;

  constructor(pool: Submissions, call: Call, kind: SeriesResults<R>, options?: CallOptions) {
    this.#pool = pool;
    this.options = options;
    this.terms = call;
    this.#kind = kind;
    this.firstTaskId = pool.taskIds(1);
  }

  get length(): number {
    return this.#args.length;
  }

  /** Adds a call; `arg` is its only argument, or the list of all when the series spreads. Returns its index. */
  add(arg: unknown, result: R): number {
    this.#args.push(arg);
    if (arg instanceof EncodedMessage) arg.use();
    this.#open++;
    const index = this.#results.push(result) - 1;
    this.#kind.join(result, this, index);
    return index;
  }

  /** Whether this kind of results is the one of the series. */
  isOf<Q>(kind: SeriesResults<Q>): this is Series<Q> {
    return (this.#kind as unknown) === kind;
  }

  /** Whether a worker is at this item. */
  isRunning(index: number): boolean {
    return this.#pool.backend.engine.isRunning(this, index);
  }

  /** Gives up an item that has not begun, with `force` also one that has. Returns whether it did. */
  cancel(index: number, force: boolean): boolean {
    const cancelled = this.#pool.backend.engine.cancel(this, index, force);
    this.#pool.dispatchSoon();
    return cancelled;
  }

  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number } {
    return { values: this.#args, offset: from };
  }

  succeed(from: number, values: readonly unknown[]): void {
    for (let i = 0; i < values.length; i++) this.#kind.succeed(this.#take(from + i), values[i]);
    this.#settled(values.length);
  }

  fail(index: number, failure: Failure): void {
    const place = this.#place(index);
    this.#kind.fail(this.#take(index), explain(failure, place), failure.kind === 'cancelled');
    this.#settled(1);
  }

  accepts(index: number, failure: Failure): boolean {
    return wantsRetry(failure, this.#place(index));
  }

  #place(index: number): Place {
    const input = this.#args[index];
    return {
      call: this.terms,
      taskId: this.firstTaskId + index,
      index: undefined,
      input: input instanceof EncodedMessage ? '...' : input,
    };
  }

  progressed(index: number, done: number, total: number | undefined): void {
    const { name, report } = this.terms;
    report({ id: this.firstTaskId + index, name, index: undefined, done, total });
  }

  #take(index: number): R {
    const result = this.#results[index]!;
    const arg = this.#args[index];
    this.#results[index] = undefined;
    this.#args[index] = undefined;
    if (arg instanceof EncodedMessage) arg.done();
    return result;
  }

  #settled(count: number): void {
    this.#open -= count;
    if (this.#open > 0) return;
    const { onSettled } = this;
    this.onSettled = undefined;
    onSettled?.();
  }
}
