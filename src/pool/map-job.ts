import type { Failure } from '../engine/task.ts';
import type { WireJob } from '../engine/link.ts';
import type { Call } from './call.ts';
import { explain } from './explain-failure.ts';

export interface MapOutcome {
  readonly values: unknown[];
  /** The first error to arrive. */
  readonly error: Error | undefined;
}

export interface MapHandlers {
  /** What a failed item leaves among the values. */
  readonly failed: (error: Error) => unknown;
  readonly succeeded?: (value: unknown) => unknown;
  /** All items are settled and no more will come. */
  readonly done: (outcome: MapOutcome) => void;
  readonly counters: { done: number; failed: number; total: number | undefined };
}

/** One function over many items, whose results are wanted all together and in order. */
export class MapJob implements WireJob {
  readonly terms: Call;
  readonly firstTaskId: number;
  readonly #handlers: MapHandlers;
  readonly #items: unknown[];
  readonly #values: unknown[];
  #open: number;
  #complete: boolean;
  #error: Error | undefined;

  /** `complete`: no items will be added. */
  constructor(call: Call, firstTaskId: number, items: unknown[], complete: boolean, handlers: MapHandlers) {
    this.terms = call;
    this.firstTaskId = firstTaskId;
    this.#handlers = handlers;
    this.#items = items;
    this.#values = complete ? new Array<unknown>(items.length) : [];
    this.#open = items.length;
    this.#complete = complete;
  }

  /** Adds an item; returns its index. */
  add(item: unknown): number {
    this.#open++;
    return this.#items.push(item) - 1;
  }

  /** No more items come; `error` is why, when reading them failed. */
  complete(error?: Error): void {
    this.#complete = true;
    this.#error ??= error;
    if (this.#open === 0) this.#finish();
  }

  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number } {
    return { values: this.#items, offset: from };
  }

  succeed(from: number, values: readonly unknown[]): void {
    const { succeeded, counters } = this.#handlers;
    const all = this.#values;
    const { length } = values;
    if (succeeded === undefined) for (let i = 0; i < length; i++) all[from + i] = values[i];
    else for (let i = 0; i < length; i++) all[from + i] = succeeded(values[i]);
    counters.done += length;
    this.#settled(length);
  }

  fail(index: number, failure: Failure): void {
    const { failed, counters } = this.#handlers;
    const error = explain(failure, {
      call: this.terms,
      taskId: this.firstTaskId + index,
      index,
      input: this.#items[index],
    });
    this.#error ??= error;
    this.#values[index] = failed(error);
    counters.done++;
    counters.failed++;
    this.#settled(1);
  }

  #settled(count: number): void {
    this.#open -= count;
    if (this.#open === 0 && this.#complete) this.#finish();
  }

  #finish(): void {
    this.#handlers.done({ values: this.#values, error: this.#error });
  }
}
