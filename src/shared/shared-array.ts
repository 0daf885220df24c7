import { inspect } from 'node:util';
import { checkKeys, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { inspectAs } from '../inspection.ts';
import type { Block } from '../memory/block.ts';
import type { Holdable } from '../sync/holdable.ts';
import { add, checkAll, compareExchange, type ElementArray, exchange, load, store } from './atomic.ts';
import { blockFor, travelsInBlock } from './in-block.ts';
import { Locked, type LockOption } from './locked.ts';
import { type ArrayOf, constructorOf, type ElementOf, type TypeCode } from './type-codes.ts';

/**
 * An array of numbers in memory that processes and threads share: `array` is a typed array over it, so that nothing is copied, whatever its size. Python:
 * `multiprocessing.Array`.
 *
 * @example
 * ```ts
 * import { Pool, range, SharedArray } from 'manycore';
 * await using pool = new Pool(2);
 * const squares = new SharedArray('f64', 4);
 * await pool.map((i) => void (squares.array[i] = i * i), range(4));
 * console.log([...squares]); // [ 0, 1, 4, 9 ]
 * ```
 */
export class SharedArray<C extends TypeCode = TypeCode> implements Iterable<ElementOf<C>> {
  /** The memory itself, as a typed array. Python: `get_obj()`. */
  readonly array: ArrayOf<C>;
  readonly #code: C;
  readonly #block: Block;
  readonly #locked: Locked;

  /**
   * @param code - The type of its elements, such as `i32` or `f64`; Python's codes work too.
   * @param init - How many zeros, or what is in it at first; for `c` (bytes of text) a string too.
   * @param options - `lock`: one that exists, or false for none. Default: one of its own, an RLock.
   * @throws SharedMemoryError when there is no memory for it.
   */
  constructor(code: C, init: number | string | Iterable<ElementOf<C>>, options: { readonly lock?: LockOption } = {}) {
    const Elements = constructorOf(code);
    checkKeys('SharedArray', options, ['lock']);
    const items = itemsOf(code, init);
    const length = items?.length ?? (init as number);
    this.#code = code;
    this.#locked = new Locked('SharedArray', options.lock);
    this.#block = blockFor(length * Elements.BYTES_PER_ELEMENT, new.target);
    this.array = new Elements(this.#block.buffer, 0, length);
    if (items === undefined) return;
    checkAll(this.array, items);
    (this.array as Float64Array).set(items as number[]);
  }

  get length(): number {
    return this.array.length;
  }

  /** The element at an index; negative ones count from the end. Python: `a[i]`. */
  at(index: number): ElementOf<C> {
    return load(this.#elements, this.#index(index));
  }

  /** Sets the element at an index; negative ones count from the end. Python: `a[i] = value`. */
  set(index: number, value: ElementOf<C>): void {
    store(this.#elements, this.#index(index), value);
  }

  /** Adds to an element, in one step; returns what it was before. */
  add(index: number, value: ElementOf<C>): ElementOf<C> {
    return add(this.#elements, this.#index(index), value);
  }

  /** Sets an element, in one step; returns what it was before. */
  exchange(index: number, value: ElementOf<C>): ElementOf<C> {
    return exchange(this.#elements, this.#index(index), value);
  }

  /** Sets an element if it is `expected`, in one step; returns what it was before. */
  compareExchange(index: number, expected: ElementOf<C>, value: ElementOf<C>): ElementOf<C> {
    return compareExchange(this.#elements, this.#index(index), expected, value);
  }

  get #elements(): ElementArray {
    return this.array;
  }

  #index(index: number): number {
    const at = index < 0 ? index + this.length : index;
    if (Number.isInteger(at) && at >= 0 && at < this.length) return at;
    throw new ArgumentRangeError(`Cannot use index ${show(index)}: the array has ${this.length} elements.`);
  }

  /**
   * The text in an array of `c`, up to the first NUL. Python: `value`.
   *
   * @throws ArgumentTypeError for arrays of other types; ArgumentRangeError for a text that is longer than the array.
   */
  get value(): string {
    const { raw } = this;
    const end = raw.indexOf(0);
    return Buffer.from(end < 0 ? raw : raw.subarray(0, end)).toString();
  }

  set value(text: string) {
    const { raw } = this;
    if (typeof text !== 'string')
      throw new ArgumentTypeError(`Cannot set the text to ${show(text)}: expected a string.`);
    const bytes = Buffer.from(text);
    if (bytes.length > raw.length)
      throw new ArgumentRangeError(`Cannot set a text of ${bytes.length} bytes: the array has room for ${raw.length}.`);
    raw.fill(0);
    raw.set(bytes);
  }

  /** The bytes of an array of `c`, all of them. Python: `raw`. */
  get raw(): Uint8Array {
    if (this.#code !== 'c')
      throw new ArgumentTypeError(`Cannot read an array of ${this.#code} as text: only one of c is.`);
    return this.array as unknown as Uint8Array;
  }

  /**
   * The lock for steps of more than one part. Python: `get_lock()`.
   *
   * @throws SharedMemoryError when it has none (`lock: false`).
   */
  get lock(): Holdable {
    return this.#locked.require();
  }

  /** A shared array of its own with the same elements. Python: `sharedctypes.copy(a)`. */
  copy(): SharedArray<C> {
    return new SharedArray(this.#code, this.array);
  }

  [Symbol.iterator](): IterableIterator<ElementOf<C>> {
    return (this.array as unknown as Iterable<ElementOf<C>>)[Symbol.iterator]() as IterableIterator<ElementOf<C>>;
  }

  static {
    travelsInBlock(SharedArray, (array) => ({
      args: [array.#code, array.length],
      block: array.#block,
      locked: array.#locked,
    }));
  }
}

function itemsOf(code: TypeCode, init: unknown): ArrayLike<unknown> | undefined {
  if (typeof init === 'number') {
    if (Number.isSafeInteger(init) && init >= 0) return undefined;
    throw new ArgumentRangeError(
      `Cannot make a SharedArray of ${show(init)} elements: expected a whole number of at least 0.`,
    );
  }
  if (typeof init === 'string' && code === 'c') return Buffer.from(init);
  if (ArrayBuffer.isView(init) && !(init instanceof DataView)) return init as unknown as ArrayLike<unknown>;
  if (typeof init === 'object' && init !== null && Symbol.iterator in init)
    return Array.from(init as Iterable<unknown>);
  throw new ArgumentTypeError(
    `Cannot make a SharedArray of ${show(init)}: expected how many elements, or the elements.`,
  );
}

inspectAs(SharedArray, (array: SharedArray) => `SharedArray(${inspect(array.array)})`);

/** A `SharedArray` without a lock. Python: `multiprocessing.sharedctypes.RawArray`. */
export function RawArray<C extends TypeCode>(code: C, init: number | string | Iterable<ElementOf<C>>): SharedArray<C> {
  return new SharedArray(code, init, { lock: false });
}
