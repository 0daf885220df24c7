import type { Failure } from '../engine/task.ts';
import type { WireJob } from '../engine/link.ts';
import { EncodedMessage } from '../wire/encoded-message.ts';
import { settler, type AsyncResult } from './async-result.ts';
import type { Call } from './call.ts';
import { explain } from './explain-failure.ts';

/** Single calls of one function that follow each other: together they are one job, as cheap as a map. */
export class Series implements WireJob {
  readonly terms: Call;
  readonly firstTaskId: number;
  readonly #args: unknown[] = [];
  readonly #results: (AsyncResult<unknown> | undefined)[] = [];
  /** Called when all that was added is settled. */
  onSettled: (() => void) | undefined;
  #open = 0;

  constructor(call: Call, firstTaskId: number) {
    this.terms = call;
    this.firstTaskId = firstTaskId;
  }

  get length(): number {
    return this.#args.length;
  }

  /** Adds a call; `arg` is its only argument, or the list of all when the series spreads. Returns its index. */
  add(arg: unknown, result: AsyncResult<unknown>): number {
    this.#args.push(arg);
    this.#open++;
    return this.#results.push(result) - 1;
  }

  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number } {
    return { values: this.#args, offset: from };
  }

  succeed(from: number, values: readonly unknown[]): void {
    for (let i = 0; i < values.length; i++) settler.succeed(this.#take(from + i), values[i]);
    this.#settled(values.length);
  }

  fail(index: number, failure: Failure): void {
    const input = this.#args[index];
    const place = {
      call: this.terms,
      taskId: this.firstTaskId + index,
      index: undefined,
      input: input instanceof EncodedMessage ? '...' : input,
    };
    settler.fail(this.#take(index), explain(failure, place));
    this.#settled(1);
  }

  progressed(index: number, done: number, total: number | undefined): void {
    const { name, report } = this.terms;
    report({ id: this.firstTaskId + index, name, index: undefined, done, total });
  }

  #take(index: number): AsyncResult<unknown> {
    const result = this.#results[index]!;
    this.#results[index] = undefined;
    this.#args[index] = undefined;
    return result;
  }

  #settled(count: number): void {
    this.#open -= count;
    if (this.#open === 0) this.onSettled?.();
  }
}
