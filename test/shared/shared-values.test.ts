import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { freemem } from 'node:os';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  Condition,
  Lock,
  Process,
  Queue,
  range,
  RawArray,
  RawValue,
  RLock,
  ShareableList,
  SharedArray,
  SharedEvent,
  SharedMemoryError,
  SharedStruct,
  SharedStructArray,
  SharedValue,
} from 'manycore';
import { eachContext, testClean, testPool } from '../matrix.ts';

const GiB = 2 ** 30;
const { bavail, bsize } = process.platform === 'linux' ? statfsSync('/dev/shm') : { bavail: 0, bsize: 0 };
const hasRoom = Math.min(bavail * bsize, freemem()) > 4 * GiB;

test('shared value: its type and first value; zero without one (E124)', () => {
  assert.deepEqual([new SharedValue('i32', 7).value, new SharedValue('d', 3.14).value], [7, 3.14]);
  assert.deepEqual([new SharedValue('h').value, new SharedValue('q', -(2n ** 40n)).value], [0, -(2n ** 40n)]);
  const small = new SharedValue('u8', 255);
  small.add(1);
  assert.equal(small.value, 0);
  assert.equal(inspect(new SharedValue('f64', 1.5)), 'SharedValue(1.5)');
  assert.equal(String(new SharedValue('f64', 1.5) as unknown), 'SharedValue(1.5)');
});

test('shared value: one step at a time, for floating point numbers too', () => {
  for (const code of ['i32', 'u16', 'f32', 'f64'] as const) {
    const value = new SharedValue(code, 5);
    assert.deepEqual(
      [value.add(2), value.exchange(10), value.compareExchange(9, 1), value.compareExchange(10, 11), value.value],
      [5, 7, 10, 10, 11],
    );
  }
  const big = new SharedValue('i64', 1n);
  assert.deepEqual([big.add(2n), big.value], [1n, 3n]);
});

test('shared value: with a lock of its own, with that of another, with none (E125, E126)', () => {
  const own = new SharedValue('i32', 1);
  assert.equal(
    own.lock.runSync(() => own.value),
    1,
  );
  const lock = new Lock();
  assert.equal(new SharedValue('i32', 1, { lock }).lock, lock);
  assert.throws(() => RawValue('i32', 1).lock, SharedMemoryError);
  assert.throws(() => RawArray('i32', 3).lock, SharedMemoryError);
});

test('shared value: what is no lock, no type, no length is refused (E127, E128)', () => {
  assert.throws(() => new SharedValue('i32', 1, { lock: 'navalue' as never }), ArgumentTypeError);
  for (const code of ['x', '', 5, undefined]) {
    assert.throws(() => new SharedValue(code as never), ArgumentTypeError);
    assert.throws(() => new SharedArray(code as never, 1), ArgumentTypeError);
  }
  for (const length of [-1, 1.5]) assert.throws(() => new SharedArray('i32', length), ArgumentRangeError);
  assert.throws(() => new SharedArray('i32', {} as never), ArgumentTypeError);
});

test('shared value: what its type cannot hold is refused, and nothing is changed', () => {
  const int = new SharedValue('i32', 3);
  const big = new SharedValue('l', 3n);
  const float = new SharedValue('f32', 3);
  const array = new SharedArray('u8', [3]);
  const attempts: (() => unknown)[] = [
    () => (int.value = 1.5),
    () => (int.value = 'a' as never),
    () => (int.value = undefined as never),
    () => int.add(Number.NaN),
    () => int.exchange(1n as never),
    () => int.compareExchange(3, 0.5),
    () => (big.value = 5 as never),
    () => (float.value = '5' as never),
    () => array.set(0, 2.5),
    () => new SharedValue('i', 1.5),
  ];
  for (const attempt of attempts) assert.throws(attempt, ArgumentTypeError);
  assert.deepEqual([int.value, big.value, float.value, array.at(0)], [3, 3n, 3, 3]);
  assert.throws(() => new SharedValue('l', 5 as never), /bigints, such as 5n/);
});

test('shared array: zeros by length, also where others were before (E132)', () => {
  for (let round = 0; round < 600; round++) {
    const array = new SharedArray('i32', 20);
    assert.ok(array.array.every((element) => element === 0));
    array.array.fill(round);
  }
  assert.equal(new SharedArray('i32', 0).length, 0);
});

test('shared array: beyond its ends there is nothing, and nothing is changed (E133)', () => {
  const array = new SharedArray('i32', [1, 2, 3]);
  for (const index of [3, -4, 0.5]) {
    assert.throws(() => array.at(index), ArgumentRangeError);
    assert.throws(() => array.set(index, 1), ArgumentRangeError);
  }
  assert.throws(() => array.array.set([1, 2], 2), RangeError);
  array.set(-1, 9);
  assert.deepEqual([[...array], array.at(-1), array.add(0, 5), array.at(0)], [[1, 2, 9], 9, 1, 6]);
});

test('shared array: a copy is its own (E135)', () => {
  const array = new SharedArray('f64', [1.5, 2.5]);
  const copy = array.copy();
  array.array[0] = 7;
  assert.deepEqual([...copy], [1.5, 2.5]);
});

test('shared array: text up to the first NUL, and all of it (E134)', () => {
  const text = new SharedArray('c', 10);
  text.value = 'hello';
  assert.deepEqual([text.value, text.raw.length], ['hello', 10]);
  assert.throws(() => (text.value = 'longer than ten'), ArgumentRangeError);
  assert.equal(new SharedArray('c', 'äb').value, 'äb');
  assert.throws(() => new SharedArray('i32', 2).value, ArgumentTypeError);
});

test('shared memory: many objects come and go in any order, and their memory is given again (E136)', async () => {
  const kept: SharedArray<'u8'>[] = [];
  for (let i = 0; i < 5_000; i++) {
    const array = new SharedArray('u8', (i * 7) % 3_000);
    array.array.fill(i);
    if (i % 50 === 0) kept.push(array);
    if (i % 500 === 0) await new Promise(setImmediate);
  }
  for (const [i, array] of kept.entries()) assert.ok(array.array.every((byte) => byte === ((i * 50) & 255)));
});

eachContext((context) => {
  testPool('shared value: exact by atomic steps, exact with the lock (E129)', { context, workers: 2 }, async (pool) => {
    const [atomic, locked] = [new SharedValue('i32'), new SharedValue('f64')];
    const add = (): void => {
      for (let i = 0; i < 1_000; i++) {
        atomic.add(1);
        locked.lock.runSync(() => void locked.value++);
      }
    };
    await Promise.all([pool.apply(add), pool.apply(add)]);
    assert.deepEqual([atomic.value, locked.value], [2_000, 2_000]);
  });

  testPool(
    'shared array: what tasks write is here, nothing is copied (E131)',
    { context, workers: 2 },
    async (pool) => {
      const sums = new SharedArray('f64', range(100));
      await pool.apply(
        (array: SharedArray<'f64'>) => void array.array.forEach((x, i, all) => (all[i] = x + (all[i - 1] ?? 0))),
        [sums],
      );
      assert.equal(sums.at(-1), 4_950);
    },
  );

  testPool(
    'shared array: one of 1 GiB goes to four tasks without a copy',
    { context, workers: 2, test: { limit: 60_000, skip: hasRoom ? false : 'there is too little memory' } },
    async (pool) => {
      const large = new SharedArray('u8', GiB);
      const sizes = await pool.map(
        (i) => {
          large.array[i] = 1;
          large.array[large.length - 1 - i] = 2;
          return large.length;
        },
        range(4),
        { chunkSize: 1 },
      );
      assert.deepEqual(sizes, [GiB, GiB, GiB, GiB]);
      // Written there, read here: it is one memory.
      assert.deepEqual([...large.array.subarray(0, 5)], [1, 1, 1, 1, 0]);
      assert.deepEqual([...large.array.subarray(-5)], [0, 2, 2, 2, 2]);
    },
  );

  testPool('shared values: as results, nested, and sent on', { context, workers: 2 }, async (pool) => {
    const { list } = await pool.apply(async () => {
      const { SharedArray: Made } = await import('manycore');
      return { list: [new Made('i32', [1, 2, 3])] };
    });
    const [array] = list;
    assert.ok(array instanceof SharedArray);
    await pool.map((shared: SharedArray<'i32'>) => void shared.add(0, 1), [array, array, array]);
    assert.deepEqual([...array], [4, 2, 3]);
  });

  testClean('shared value: a process changes it (E124)', {}, async () => {
    const [n, x] = [new SharedValue('i', 1), new SharedValue('d', 2.5)];
    const target = (count: typeof n, real: typeof x): void => {
      count.value = 42;
      real.value = -1;
    };
    const p = new Process({ context, target, args: [n, x] });
    p.start();
    await p.join();
    assert.deepEqual([n.value, x.value], [42, -1]);
  });
});

testClean(
  'shared array: one of a class whose constructor shares something else before arrives with its own memory',
  {},
  async () => {
    class Counted extends SharedArray<'i32'> {
      readonly count: SharedValue<'i32'>;
      constructor(...args: ConstructorParameters<typeof SharedArray<'i32'>>) {
        const count = new SharedValue('i32', 7);
        super(...args);
        this.count = count;
      }
    }
    const queue = new Queue<Counted>();
    const sent = new Counted('i32', [1, 2, 3]);
    queue.putNowait(sent);
    const arrived = await queue.get();
    arrived.array[1] = 50;
    assert.deepEqual([...sent.array], [1, 50, 3]);
    assert.equal(arrived.count.value, 7);
  },
);

/** As JavaScript would call it. */
const wrong = (value: unknown): never => value as never;

for (const [what, misuse] of [
  ['an item of another type', () => new SharedArray('i64', wrong([1, 2]))],
  ['an item that is no number', () => new SharedArray('i32', wrong(['x']))],
  ['an array of another type', () => new SharedArray('i64', wrong(Int32Array.of(1)))],
  ['a text that is none', () => (new SharedArray('c', 4).value = wrong(5))],
  ['elements of another type', () => new SharedStruct({ x: ['i64', 2] }, { x: wrong([1, 2]) })],
  ['structures that are none', () => new SharedStructArray({ x: 'i32' }, wrong({}))],
  ['a list that is none', () => new ShareableList(wrong(5))],
  ['an argument of a lock', () => Reflect.construct(Lock, [5])],
  ['an argument of an RLock', () => Reflect.construct(RLock, [5])],
  ['an argument of an event', () => Reflect.construct(SharedEvent, [5])],
  ['nothing to be run', () => new Lock().runSync(wrong(undefined))],
  ['nothing to be run, with await', () => new Lock().run(wrong(undefined))],
  ['no predicate', () => new Condition().waitFor(wrong(undefined))],
] as const) {
  testClean(`shared objects: ${what} is refused`, {}, async () => {
    await assert.rejects(async () => await misuse(), ArgumentTypeError);
  });
}
