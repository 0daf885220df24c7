import { UnpicklingError } from '../../errors.ts';
import { maxDataDepth, maxPickleValues } from '../../limits.ts';

/** Each level of what is nested opens one, or two where something is called. */
const mostMarks = 2 * maxDataDepth;

/** The memory of the machine that a pickle runs on: a stack with marks in it, and a memo. */
export class PickleStack {
  readonly #values: unknown[] = [];
  /** The sizes of the stack at the marks that are open. */
  readonly #marks: number[] = [];
  readonly #memo: unknown[] = [];
  #count = 0;

  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  /** Nothing below the last mark is touched. */
  get #base(): number {
    return this.#marks.at(-1) ?? 0;
  }

  push(value: unknown): void {
    if (++this.#count > maxPickleValues)
      throw new UnpicklingError(`The message has more than ${maxPickleValues} values.`);
    this.#values.push(value);
  }

  top(): unknown {
    this.#need(1);
    return this.#values.at(-1);
  }

  /** The last so many values. */
  take(count: number): unknown[] {
    this.#need(count);
    return this.#values.splice(this.#values.length - count);
  }

  #need(count: number): void {
    if (this.#values.length - this.#base < count)
      throw new UnpicklingError('The message takes more values than it has made.');
  }

  /** Takes the last value, or the last mark when there is none behind it. */
  drop(): void {
    if (this.#values.length === this.#base && this.#marks.length > 0) this.#marks.pop();
    else this.take(1);
  }

  mark(): void {
    if (this.#marks.length >= mostMarks) throw new UnpicklingError('The message is nested too deep.');
    this.#marks.push(this.#values.length);
  }

  /** All behind the last mark, which goes too. */
  takeToMark(): unknown[] {
    const base = this.#marks.pop();
    if (base === undefined) throw new UnpicklingError('The message takes what is behind a mark, and there is none.');
    return this.#values.splice(base);
  }

  /** Keeps the last value as the next in the memo. */
  memoize(): void {
    this.put(this.#memo.length);
  }

  /** Keeps the last value under a number; they come without gaps. */
  put(index: number): void {
    if (!(index <= this.#memo.length && index < maxPickleValues))
      throw new UnpicklingError('The message has numbers in its memo that are too high.');
    this.#memo[index] = this.top();
  }

  get(index: number): unknown {
    if (!(index < this.#memo.length)) throw new UnpicklingError('The message refers to a value that is not in it.');
    return this.#memo[index];
  }
}
