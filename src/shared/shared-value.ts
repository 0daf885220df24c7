import { inspect } from 'node:util';
import { checkKeys } from '../arguments.ts';
import { inspectAs } from '../inspection.ts';
import type { Block } from '../memory/block.ts';
import type { Holdable } from '../sync/holdable.ts';
import { add, compareExchange, type ElementArray, exchange, load, store } from './atomic.ts';
import { blockFor, travelsInBlock } from './in-block.ts';
import { Locked, type LockOption } from './locked.ts';
import { constructorOf, type ElementOf, type TypeCode } from './type-codes.ts';

/**
 * A number in memory that processes and threads share. Each read and each write is whole; `add`, `exchange` and `compareExchange` are one step that nobody
 * comes in between. For more than that take the `lock`. Python: `multiprocessing.Value`.
 *
 * @example
 * ```ts
 * import { Pool, SharedValue } from 'manycore';
 * await using pool = new Pool(2);
 * const count = new SharedValue('i32', 0);
 * await pool.map(() => void count.add(1), [1, 2, 3, 4]);
 * console.log(count.value); // 4
 * ```
 */
export class SharedValue<C extends TypeCode = TypeCode> {
  readonly #code: C;
  readonly #block: Block;
  readonly #array: ElementArray;
  readonly #locked: Locked;

  /**
   * @param code - Its type, such as `i32` or `f64`; Python's codes work too.
   * @param value - What it is at first. Default: 0.
   * @param options - `lock`: one that exists, or false for none. Default: one of its own, an RLock.
   * @throws SharedMemoryError when there is no memory for it.
   */
  constructor(code: C, value?: ElementOf<C>, options: { readonly lock?: LockOption } = {}) {
    const Elements = constructorOf(code);
    checkKeys('SharedValue', options, ['lock']);
    this.#code = code;
    this.#locked = new Locked('SharedValue', options.lock);
    this.#block = blockFor(8, new.target);
    this.#array = new Elements(this.#block.buffer, 0, 1);
    if (value !== undefined) this.value = value;
  }

  /** What it is now. Python: `value`. */
  get value(): ElementOf<C> {
    return load(this.#array, 0);
  }

  set value(value: ElementOf<C>) {
    store(this.#array, 0, value);
  }

  /** Adds to it; returns what it was before. */
  add(value: ElementOf<C>): ElementOf<C> {
    return add(this.#array, 0, value);
  }

  /** Sets it; returns what it was before. */
  exchange(value: ElementOf<C>): ElementOf<C> {
    return exchange(this.#array, 0, value);
  }

  /** Sets it if it is `expected`; returns what it was before. */
  compareExchange(expected: ElementOf<C>, value: ElementOf<C>): ElementOf<C> {
    return compareExchange(this.#array, 0, expected, value);
  }

  /**
   * The lock for steps of more than one part. Python: `get_lock()`.
   *
   * @throws SharedMemoryError when it has none (`lock: false`).
   */
  get lock(): Holdable {
    return this.#locked.require();
  }

  static {
    travelsInBlock(SharedValue, (value) => ({
      args: [value.#code, undefined],
      block: value.#block,
      locked: value.#locked,
    }));
  }
}

inspectAs(SharedValue, (value: SharedValue) => `SharedValue(${inspect(value.value)})`);

/** A `SharedValue` without a lock. Python: `multiprocessing.sharedctypes.RawValue`. */
export function RawValue<C extends TypeCode>(code: C, value?: ElementOf<C>): SharedValue<C> {
  return new SharedValue(code, value, { lock: false });
}
