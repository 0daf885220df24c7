import { inspect } from 'node:util';
import { checkKeys, show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { inspectAs } from '../inspection.ts';
import type { Holdable } from '../sync/holdable.ts';
import { travelsInBlock } from './in-block.ts';
import { Locked, type LockOption } from './locked.ts';
import {
  type FieldValue,
  type NumberField,
  Records,
  type StructFields,
  type StructInit,
  type StructOf,
} from './records.ts';

/**
 * An array of structures of named fields in memory that processes and threads share, laid out as C and Python's ctypes do. Python: `multiprocessing.Array` with
 * a `ctypes.Structure`.
 *
 * @example
 * ```ts
 * import { Pool, range, SharedStructArray } from 'manycore';
 * await using pool = new Pool(2);
 * const points = new SharedStructArray({ x: 'i32', y: 'f64' }, [{ x: 1, y: 0.5 }, { x: 2, y: 1.5 }]);
 * await pool.map((i) => void (points.at(i).y *= 2), range(2));
 * console.log(points.at(-1).y); // 3
 * ```
 */
export class SharedStructArray<const F extends StructFields = StructFields> implements Iterable<StructOf<F>> {
  readonly #records: Records<F>;
  readonly #locked: Locked;

  /**
   * @param fields - The type of each field, such as `i32` or `f64`, or `[type, length]` for an array; Python's codes work too.
   * @param init - How many structures of zeros, or what is in them at first.
   * @param options - `lock`: one that exists, or false for none. Default: one of its own, an RLock.
   * @throws ArgumentTypeError for types and fields that are none; SharedMemoryError when there is no memory for it.
   */
  constructor(fields: F, init: number | Iterable<StructInit<F>>, options: { readonly lock?: LockOption } = {}) {
    checkKeys('SharedStructArray', options, ['lock']);
    this.#locked = new Locked('SharedStructArray', options.lock);
    if (typeof init !== 'number' && Object(init)[Symbol.iterator] === undefined)
      throw new ArgumentTypeError(
        `Cannot make a SharedStructArray of ${show(init)}: expected how many structures, or what is in them.`,
      );
    const items = typeof init === 'number' ? [] : Array.from(init);
    this.#records = new Records(fields, typeof init === 'number' ? init : items.length, new.target);
    for (const [i, item] of items.entries()) this.#records.set(i, item);
  }

  get length(): number {
    return this.#records.length;
  }

  /** The fields of a structure: to read them, and to set one. Negative indices count from the end. Python: `a[i].x`. */
  at(index: number): StructOf<F> {
    return this.#records.at(index);
  }

  /** Sets those fields of a structure that are named. Python: `a[i] = values`. */
  set(index: number, values: StructInit<F>): void {
    this.#records.set(index, values);
  }

  /** Adds to a field of a structure, in one step; returns what it was before. */
  add<K extends NumberField<F>>(index: number, field: K, value: FieldValue<F, K>): FieldValue<F, K> {
    return this.#records.add(index, field, value) as FieldValue<F, K>;
  }

  /** Sets a field of a structure, in one step; returns what it was before. */
  exchange<K extends NumberField<F>>(index: number, field: K, value: FieldValue<F, K>): FieldValue<F, K> {
    return this.#records.exchange(index, field, value) as FieldValue<F, K>;
  }

  /** Sets a field of a structure if it is `expected`, in one step; returns what it was before. */
  compareExchange<K extends NumberField<F>>(
    index: number,
    field: K,
    expected: FieldValue<F, K>,
    value: FieldValue<F, K>,
  ): FieldValue<F, K> {
    return this.#records.compareExchange(index, field, expected, value) as FieldValue<F, K>;
  }

  /**
   * The lock for steps of more than one part. Python: `get_lock()`.
   *
   * @throws SharedMemoryError when it has none (`lock: false`).
   */
  get lock(): Holdable {
    return this.#locked.require();
  }

  /** Shared structures of their own with the same values. Python: `sharedctypes.copy(a)`. */
  copy(): SharedStructArray<F> {
    const copy = new SharedStructArray<F>(this.#records.fields, this.length);
    this.#records.copyTo(copy.#records);
    return copy;
  }

  *[Symbol.iterator](): IterableIterator<StructOf<F>> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  static {
    travelsInBlock(SharedStructArray, (array) => ({
      args: [array.#records.fields, array.length],
      block: array.#records.block,
      locked: array.#locked,
    }));
  }
}

inspectAs(
  SharedStructArray,
  (array: SharedStructArray) => `SharedStructArray(${inspect(Array.from(array, (item) => ({ ...item })))})`,
);
