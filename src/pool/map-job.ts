import type { Failure } from '../engine/task.ts';
import type { WireJob } from '../engine/lease-writer.ts';
import type { Call } from './call.ts';
import { explain, type Place } from './explain-failure.ts';
import { wantsRetry } from './retries.ts';
import { Fractions } from './fractions.ts';

export interface MapOutcome {
  readonly values: unknown[];
  /** The first error of an item to arrive. */
  readonly error: Error | undefined;
  /** Why there are no more items, when reading them failed. */
  readonly inputError: Error | undefined;
}

export interface MapHandlers {
  /** Outcomes are wanted, as of `Promise.allSettled`, instead of values. */
  readonly settled: boolean;
  /** All items are settled and no more will come. */
  readonly done: (outcome: MapOutcome) => void;
  readonly counters: { done: number; failed: number };
  readonly bar: { fraction: number };
}

/** One function over many items, whose results are wanted all together and in order. */
export class MapJob implements WireJob {
  readonly terms: Call;
  readonly firstTaskId: number;
  readonly #handlers: MapHandlers;
  readonly #fractions: Fractions;
  readonly #items: unknown[];
  readonly #values: unknown[];
  #open: number;
  #complete: boolean;
  #error: Error | undefined;
  #inputError: Error | undefined;

  /** `items` undefined: they will be added one by one. */
  constructor(call: Call, firstTaskId: number, items: unknown[] | undefined, handlers: MapHandlers) {
    this.terms = call;
    this.firstTaskId = firstTaskId;
    this.#handlers = handlers;
    this.#fractions = new Fractions(handlers.bar);
    this.#items = items ?? [];
    this.#values = new Array<unknown>(this.#items.length);
    this.#open = this.#items.length;
    this.#complete = items !== undefined;
  }

  get length(): number {
    return this.#items.length;
  }

  /** No more items come. */
  get isComplete(): boolean {
    return this.#complete;
  }

  /** The first error of an item to arrive. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Adds an item; returns its index. */
  add(item: unknown): number {
    this.#open++;
    return this.#items.push(item) - 1;
  }

  /** No more items come; `error` is why, when reading them failed. */
  complete(error?: Error): void {
    this.#complete = true;
    this.#inputError = error;
    if (this.#open === 0) this.#finish();
  }

  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number } {
    return { values: this.#items, offset: from };
  }

  succeed(from: number, values: readonly unknown[]): void {
    const { settled, counters } = this.#handlers;
    const all = this.#values;
    const { length } = values;
    if (settled) for (let i = 0; i < length; i++) all[from + i] = { status: 'fulfilled', value: values[i] };
    else for (let i = 0; i < length; i++) all[from + i] = values[i];
    if (this.#fractions.size > 0) for (let i = 0; i < length; i++) this.#fractions.settle(from + i);
    counters.done += length;
    this.#settled(length);
  }

  fail(index: number, failure: Failure): void {
    const { settled, counters } = this.#handlers;
    const reason = explain(failure, this.#place(index));
    this.#error ??= reason;
    this.#values[index] = settled ? { status: 'rejected', reason } : undefined;
    this.#fractions.settle(index);
    counters.done++;
    counters.failed++;
    this.#settled(1);
  }

  accepts(index: number, failure: Failure): boolean {
    return wantsRetry(failure, this.#place(index));
  }

  #place(index: number): Place {
    return { call: this.terms, taskId: this.firstTaskId + index, index, input: this.#items[index] };
  }

  progressed(index: number, done: number, total: number | undefined): void {
    const { name, report } = this.terms;
    this.#fractions.report(index, done, total);
    report({ id: this.firstTaskId + index, name, index, done, total });
  }

  #settled(count: number): void {
    this.#open -= count;
    if (this.#open === 0 && this.#complete) this.#finish();
  }

  #finish(): void {
    this.#handlers.done({ values: this.#values, error: this.#error, inputError: this.#inputError });
  }
}
