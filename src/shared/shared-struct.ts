import { inspect } from 'node:util';
import { checkKeys } from '../arguments.ts';
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
 * A structure of named fields in memory that processes and threads share, laid out as C and Python's ctypes do. Each read and each write of a number is whole;
 * `add`, `exchange` and `compareExchange` are one step. For more fields at once take the `lock`. Python: `multiprocessing.Value` with a `ctypes.Structure`.
 *
 * @example
 * ```ts
 * import { Pool, SharedStruct } from 'manycore';
 * await using pool = new Pool(2);
 * const progress = new SharedStruct({ done: 'i32', seconds: 'f64', name: ['c', 16] }, { name: 'fetch' });
 * await pool.map(() => void progress.add('done', 1), [1, 2, 3]);
 * progress.value.seconds = 2.5;
 * console.log(progress.value.done, progress.value.seconds); // 3 2.5
 * ```
 */
export class SharedStruct<const F extends StructFields = StructFields> {
  readonly #records: Records<F>;
  readonly #locked: Locked;
  #value: StructOf<F> | undefined;

  /**
   * @param fields - The type of each field, such as `i32` or `f64`, or `[type, length]` for an array; Python's codes work too.
   * @param init - What fields are at first. Default: 0.
   * @param options - `lock`: one that exists, or false for none. Default: one of its own, an RLock.
   * @throws ArgumentTypeError for types and fields that are none; SharedMemoryError when there is no memory for it.
   */
  constructor(fields: F, init?: StructInit<F>, options: { readonly lock?: LockOption } = {}) {
    checkKeys('SharedStruct', options, ['lock']);
    this.#locked = new Locked('SharedStruct', options.lock);
    this.#records = new Records(fields, 1, new.target);
    if (init !== undefined) this.#records.set(0, init);
  }

  /** The fields: to read them, and to set one. An array is a typed array over the memory itself. Python: `p.x`. */
  get value(): StructOf<F> {
    this.#value ??= this.#records.at(0);
    return this.#value;
  }

  /** Sets those fields that are named, one after the other. */
  set(values: StructInit<F>): void {
    this.#records.set(0, values);
  }

  /** Adds to a field, in one step; returns what it was before. */
  add<K extends NumberField<F>>(field: K, value: FieldValue<F, K>): FieldValue<F, K> {
    return this.#records.add(0, field, value) as FieldValue<F, K>;
  }

  /** Sets a field, in one step; returns what it was before. */
  exchange<K extends NumberField<F>>(field: K, value: FieldValue<F, K>): FieldValue<F, K> {
    return this.#records.exchange(0, field, value) as FieldValue<F, K>;
  }

  /** Sets a field if it is `expected`, in one step; returns what it was before. */
  compareExchange<K extends NumberField<F>>(
    field: K,
    expected: FieldValue<F, K>,
    value: FieldValue<F, K>,
  ): FieldValue<F, K> {
    return this.#records.compareExchange(0, field, expected, value) as FieldValue<F, K>;
  }

  /**
   * The lock for steps of more than one part. Python: `get_lock()`.
   *
   * @throws SharedMemoryError when it has none (`lock: false`).
   */
  get lock(): Holdable {
    return this.#locked.require();
  }

  /** A shared structure of its own with the same values. Python: `sharedctypes.copy(p)`. */
  copy(): SharedStruct<F> {
    const copy = new SharedStruct<F>(this.#records.fields);
    this.#records.copyTo(copy.#records);
    return copy;
  }

  static {
    travelsInBlock(SharedStruct, (struct) => ({
      args: [struct.#records.fields, undefined],
      block: struct.#records.block,
      locked: struct.#locked,
    }));
  }
}

inspectAs(SharedStruct, (struct: SharedStruct) => `SharedStruct(${inspect({ ...struct.value })})`);
