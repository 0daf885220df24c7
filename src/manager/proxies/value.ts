import { BaseProxy, standFor, updateRemotely } from './base.ts';

/** One value in a manager's server. Python: `ValueProxy`. */
export class ValueProxy<T = unknown> extends BaseProxy {
  get(): Promise<T> {
    return this.callMethod('get') as Promise<T>;
  }

  set(value: T): Promise<void> {
    return this.callMethod('set', [value]) as Promise<void>;
  }

  /** Changes it in one step: see `DictProxy.update`. */
  update(fn: (value: T) => T | Promise<T>): Promise<T> {
    return updateRemotely(this, [], fn) as Promise<T>;
  }

  /** Adds to it in one step. Gives the sum. */
  incr(by?: T): Promise<T> {
    return this.callMethod('incr', [by]) as Promise<T>;
  }

  /** A copy: the same as `get()`. */
  value(): Promise<T> {
    return this.get();
  }
}

/** Numbers of one type in a manager's server. Python: `ArrayProxy`. */
export class ArrayProxy extends BaseProxy {
  get(index: number): Promise<number> {
    return this.callMethod('get', [index]) as Promise<number>;
  }

  /** @throws ArgumentRangeError for a number that the type does not hold. */
  set(index: number, value: number): Promise<void> {
    return this.callMethod('set', [index, value]) as Promise<void>;
  }

  /** Adds to a number in one step. Gives the sum. */
  incr(index: number, by?: number): Promise<number> {
    return this.callMethod('incr', [index, by]) as Promise<number>;
  }

  length(): Promise<number> {
    return this.callMethod('length') as Promise<number>;
  }

  /** A part, as a typed array. */
  slice(start?: number, end?: number): Promise<NumberArray> {
    return this.callMethod('slice', [start, end]) as Promise<NumberArray>;
  }

  /** A copy, as a typed array. */
  value(): Promise<NumberArray> {
    return this.callMethod('value') as Promise<NumberArray>;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number, void, undefined> {
    yield* await this.value();
  }
}

/** What an `ArrayProxy` copies to. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

standFor('Value', ValueProxy);
standFor('Array', ArrayProxy);
