import { checkIterable, toList } from '../arguments.ts';
import { ArgumentRangeError } from '../errors.ts';
import type { Zipped } from './zip.ts';

/**
 * Whole numbers, as Python's `range`: from 0 or `start` up to, not including, `stop`.
 *
 * @throws ArgumentRangeError when the step is 0 or something is not a whole number.
 * @example
 * ```ts
 * import { range } from 'manycore';
 * console.log([...range(3)], [...range(2, 9, 3)]); // [ 0, 1, 2 ] [ 2, 5, 8 ]
 * ```
 */
export function range(stop: number): Range;
export function range(start: number, stop: number, step?: number): Range;
export function range(start: number, stop?: number, step = 1): Range {
  return stop === undefined ? new Range(0, start, step) : new Range(start, stop, step);
}

/** What `range` returns. It takes no memory, however long it is. */
export class Range implements Iterable<number> {
  readonly start: number;
  readonly step: number;
  readonly length: number;

  constructor(start: number, stop: number, step: number) {
    if (![start, stop, step].every(Number.isSafeInteger) || step === 0) {
      throw new ArgumentRangeError(
        `Cannot make range(${start}, ${stop}, ${step}): expected whole numbers and a step that is not 0.`,
      );
    }
    this.start = start;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }

  *[Symbol.iterator](): Generator<number, undefined> {
    for (let i = 0; i < this.length; i++) yield this.start + i * this.step;
    return undefined;
  }

  toArray(): number[] {
    // A plain loop: `Array.from` with a function is ten times slower.
    const numbers = new Array<number>(this.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.start + i * this.step;
    return numbers;
  }
}

/**
 * All combinations, the last changing fastest. Python: `itertools.product`.
 *
 * @example
 * ```ts
 * import { product } from 'manycore';
 * console.log([...product([1, 2], ['a', 'b'])].length); // 4
 * ```
 */
export function* product<T extends readonly Iterable<unknown>[]>(...iterables: T): Generator<Zipped<T>, undefined> {
  const lists = iterables.map((iterable, i) => toList(`argument ${i + 1} of product`, iterable));
  const at = lists.map(() => 0);
  if (lists.some((list) => list.length === 0)) return undefined;
  for (;;) {
    yield lists.map((list, i) => list[at[i]!]) as Zipped<T>;
    let place = lists.length - 1;
    while (place >= 0 && ++at[place]! === lists[place]!.length) at[place--] = 0;
    if (place < 0) return undefined;
  }
}

/**
 * Pairs of place and item. Python: `enumerate`.
 *
 * @example
 * ```ts
 * import { enumerate } from 'manycore';
 * console.log([...enumerate(['a', 'b'], 1)]); // [ [ 1, 'a' ], [ 2, 'b' ] ]
 * ```
 */
export function* enumerate<T>(iterable: Iterable<T>, start = 0): Generator<[number, T], undefined> {
  checkIterable('the argument of enumerate', iterable);
  let i = start;
  for (const item of iterable) yield [i++, item];
  return undefined;
}
