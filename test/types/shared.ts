// Compiled, never run: what shared memory holds, by its type codes, and what must not compile.
import { expectTypeOf } from 'expect-type';
import {
  Lock,
  type Pool,
  RawArray,
  RawValue,
  ShareableList,
  shared,
  type Shared,
  SharedArray,
  SharedMemory,
  SharedMemoryManager,
  SharedStruct,
  SharedStructArray,
  SharedValue,
} from 'manycore';
import * as mp from 'manycore';
import * as sharedMemory from 'manycore/shared-memory';

declare const pool: Pool;

export function values(): void {
  const counter = new SharedValue('i32', 0);
  expectTypeOf(counter).toEqualTypeOf<SharedValue<'i32'>>();
  expectTypeOf(counter.value).toEqualTypeOf<number>();
  expectTypeOf(counter.add(1)).toEqualTypeOf<number>();
  expectTypeOf(new SharedValue('i64').value).toEqualTypeOf<bigint>();
  expectTypeOf(new SharedValue('q', 5n).exchange(6n)).toEqualTypeOf<bigint>();
  expectTypeOf(RawValue('d', 0.5)).toEqualTypeOf<SharedValue<'d'>>();
  expectTypeOf(counter.lock.runSync(() => counter.value++)).toEqualTypeOf<number>();
  void new SharedValue('f64', 1, { lock: new Lock() });
  counter.value = 5;
  // @ts-expect-error -- a number
  counter.value = 'a';
  // @ts-expect-error -- 64 bits are a bigint
  void new SharedValue('i64', 5);
  // @ts-expect-error -- no such type
  void new SharedValue('int', 5);
  // @ts-expect-error -- a lock
  void new SharedValue('i32', 5, { lock: 5 });
}

export function arrays(): void {
  const numbers = new SharedArray('f64', 10);
  expectTypeOf(numbers.array).toEqualTypeOf<Float64Array>();
  expectTypeOf(numbers.at(-1)).toEqualTypeOf<number>();
  expectTypeOf([...numbers]).toEqualTypeOf<number[]>();
  expectTypeOf(new SharedArray('u64', [1n, 2n]).array).toEqualTypeOf<BigUint64Array>();
  expectTypeOf(new SharedArray('c', 'text').value).toEqualTypeOf<string>();
  expectTypeOf(RawArray('B', 4)).toEqualTypeOf<SharedArray<'B'>>();
  expectTypeOf(numbers.copy()).toEqualTypeOf<SharedArray<'f64'>>();
  numbers.array[0] = 0.5;
  // @ts-expect-error -- numbers, not words
  void new SharedArray('i32', ['a']);
  // @ts-expect-error -- how many?
  void new SharedArray('i32');
  // @ts-expect-error -- its memory stays where it is
  numbers.array = new Float64Array(10);
  // @ts-expect-error -- no such type
  void new SharedArray('float', 10);
}

/** Under Python's names, which are those of globals. */
export function names(): void {
  expectTypeOf(mp.Value).toEqualTypeOf<typeof SharedValue>();
  expectTypeOf(mp.Array).toEqualTypeOf<typeof SharedArray>();
  expectTypeOf(new mp.Value('i', 0)).toEqualTypeOf<mp.Value<'i'>>();
  expectTypeOf(new mp.Array('d', 10).array).toEqualTypeOf<Float64Array>();
  expectTypeOf(sharedMemory.SharedArray).toEqualTypeOf<typeof SharedArray>();
}

export function structs(): void {
  const progress = new SharedStruct({ done: 'i32', bytes: 'u64', name: ['c', 16], times: ['f64', 4] });
  expectTypeOf(progress.value.done).toEqualTypeOf<number>();
  expectTypeOf(progress.value.bytes).toEqualTypeOf<bigint>();
  expectTypeOf(progress.value.times).toEqualTypeOf<Float64Array>();
  expectTypeOf(progress.add('bytes', 1n)).toEqualTypeOf<bigint>();
  progress.set({ done: 1, name: 'fetch', times: [1, 2] });
  const points = new SharedStructArray({ x: 'i32', y: 'f64' }, [{ x: 1, y: 0.5 }]);
  expectTypeOf(points.at(0).x).toEqualTypeOf<number>();
  for (const { y } of points) expectTypeOf(y).toEqualTypeOf<number>();
  // @ts-expect-error -- no such field
  progress.set({ don: 1 });
  // @ts-expect-error -- a text is not one number
  progress.add('name', 1);
  // @ts-expect-error -- a number
  void new SharedStructArray({ x: 'i32' }, [{ x: 'a' }]);
  // @ts-expect-error -- no such type
  void new SharedStruct({ x: 'int' });
}

export function memory(): void {
  const list = new ShareableList(['a', 1, null]);
  expectTypeOf(list).toEqualTypeOf<ShareableList<string | number | null>>();
  expectTypeOf(list.get(0)).toEqualTypeOf<string | number | null>();
  expectTypeOf(list.index('a')).toEqualTypeOf<number>();
  const block = new SharedMemory({ create: true, size: 8 });
  expectTypeOf(block.buffer).toEqualTypeOf<ArrayBuffer>();
  expectTypeOf(block.bytes).toEqualTypeOf<Uint8Array>();
  const manager = new SharedMemoryManager();
  expectTypeOf(manager.SharedMemory(8)).toEqualTypeOf<SharedMemory>();
  expectTypeOf(manager.ShareableList([1, 2])).toEqualTypeOf<ShareableList<number>>();
  const table = shared({ prices: new Float64Array(3) });
  expectTypeOf(table).toEqualTypeOf<Shared<{ prices: Float64Array<ArrayBuffer> }>>();
  expectTypeOf(table.value.prices[0]).toEqualTypeOf<number | undefined>();
  // @ts-expect-error -- objects have no place in it
  void new ShareableList([{ a: 1 }]);
  // @ts-expect-error -- its items are strings
  new ShareableList(['a']).set(0, 1);
  // @ts-expect-error -- positional in Python
  void new SharedMemory('name', true, 8);
}

export function arguments_(histogram: SharedArray<'i32'>): void {
  expectTypeOf(pool.apply((h) => h.array.length, [histogram])).resolves.toEqualTypeOf<number>();
  // @ts-expect-error -- an array of other elements
  void pool.apply((h: SharedArray<'f64'>) => h.length, [histogram]);
}
