import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { expectTypeOf } from 'expect-type';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  Lock,
  range,
  SharedMemory,
  SharedMemoryError,
  SharedStruct,
  SharedStructArray,
} from 'manycore';
import { Records } from '#internal/shared/records.js';
import { eachContext, testClean, testPool } from '../matrix.ts';

const point = { x: 'i32', y: 'f64' } as const;

test('shared structure: fields of each type, zero or as given, with the types of TypeScript', () => {
  const struct = new SharedStruct({ x: 'i', y: 'd', big: 'u64', name: ['c', 8], list: ['i16', 3] }, { y: 2.5 });
  const { value } = struct;
  expectTypeOf(value.x).toEqualTypeOf<number>();
  expectTypeOf(value.big).toEqualTypeOf<bigint>();
  expectTypeOf(value.list).toEqualTypeOf<Int16Array>();
  value.x = 7;
  value.list[1] = 9;
  struct.set({ big: 2n ** 40n, name: 'abc' });
  assert.deepEqual(
    [value.x, value.y, value.big, [...value.list], Buffer.from(value.name).toString()],
    [7, 2.5, 2n ** 40n, [0, 9, 0], 'abc\0\0\0\0\0'],
  );
  value.list = new Int16Array([5]);
  assert.deepEqual([...value.list], [5, 0, 0]);
  assert.deepEqual([struct.add('x', 3), struct.exchange('y', 1), struct.compareExchange('x', 10, 4)], [7, 2.5, 10]);
  assert.equal(value.x, 4);
  assert.deepEqual({ ...new SharedStruct(point, { x: 1 }).value }, { x: 1, y: 0 });
  assert.equal(inspect(new SharedStruct(point, { x: 1 })), 'SharedStruct({ x: 1, y: 0 })');
});

test('shared structure: what is no field, no type and no length is refused, and nothing is changed', () => {
  for (const fields of [{}, null, 5, { x: 'nope' }])
    assert.throws(() => new SharedStruct(fields as never), ArgumentTypeError);
  assert.throws(() => new SharedStruct({ x: ['i32', 0] }), ArgumentRangeError);
  const struct = new SharedStruct({ ...point, list: ['u8', 2] }, { x: 5 });
  assert.throws(() => struct.set({ x: 1, z: 1 } as never), /the fields are x, y, list/);
  assert.throws(() => struct.set({ list: [1, 2, 3] }), ArgumentRangeError);
  assert.throws(() => struct.add('list' as never, 1 as never), ArgumentTypeError);
  assert.deepEqual({ ...struct.value, list: [...struct.value.list] }, { x: 5, y: 0, list: [0, 0] });
  const array = new SharedStructArray(point, 2);
  for (const index of [2, -3, 0.5]) assert.throws(() => array.at(index), ArgumentRangeError);
  assert.throws(() => new SharedStructArray(point, -1), ArgumentRangeError);
});

test('shared structure: with a lock of its own, with that of another, with none (E126)', () => {
  const lock = new Lock();
  assert.equal(new SharedStruct(point, {}, { lock }).lock, lock);
  const array = new SharedStructArray(point, 1);
  assert.equal(
    array.lock.runSync(() => array.length),
    1,
  );
  assert.throws(() => new SharedStruct(point, {}, { lock: false }).lock, SharedMemoryError);
});

test('shared structure: a copy is its own (E135)', () => {
  const array = new SharedStructArray(point, [{ x: 1 }, { y: 2.5 }]);
  const copy = array.copy();
  array.at(0).x = 7;
  assert.deepEqual(
    [{ ...copy.at(0) }, { ...copy.at(-1) }],
    [
      { x: 1, y: 0 },
      { x: 0, y: 2.5 },
    ],
  );
  const struct = new SharedStruct(point, { x: 3 });
  const other = struct.copy();
  struct.value.x = 4;
  assert.equal(other.value.x, 3);
});

const hasPython = spawnSync('python3', ['-c', 'import ctypes']).status === 0;

testClean(
  "shared structure: the layout is that of Python's ctypes",
  { skip: hasPython ? false : 'there is no python3' },
  () => {
    const fields = { a: 'i8', b: 'f64', c: 'i16', d: ['c', 3], e: 'u64', f: 'f32' } as const;
    const records = new Records(fields, 2, Records);
    records.set(1, { a: 1, b: 2.5, c: -3, d: 'xyz', e: 2n ** 60n, f: 0.5 });
    using memory = new SharedMemory({ create: true, size: records.block.buffer.byteLength });
    memory.bytes.set(new Uint8Array(records.block.buffer));
    const script = `
import ctypes, sys
class S(ctypes.Structure):
    _fields_ = [('a', ctypes.c_int8), ('b', ctypes.c_double), ('c', ctypes.c_int16), ('d', ctypes.c_char * 3), ('e', ctypes.c_uint64), ('f', ctypes.c_float)]
s = (S * 2).from_buffer_copy(open('/dev/shm/' + sys.argv[1], 'rb').read())[1]
print(s.a, s.b, s.c, s.d, s.e, s.f)
`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script, memory.name], { encoding: 'utf8' });
    assert.equal(stdout, `1 2.5 -3 b'xyz' ${2n ** 60n} 0.5\n`, stderr);
    memory.unlink();
  },
);

eachContext((context) => {
  testPool(
    'shared structure: what tasks change is seen here, nested and captured (E135)',
    { context, workers: 2 },
    async (pool) => {
      const struct = new SharedStruct(point, { x: 3, y: 0.5 });
      const array = new SharedStructArray(
        point,
        [...range(4)].map((i) => ({ x: i, y: i / 2 })),
      );
      const double = ({ list: [s] }: { list: (typeof struct)[] }, a: typeof array, i: number): void => {
        s!.lock.runSync(() => (s!.value.y *= 2));
        s!.add('x', 1);
        a.at(i).x *= 2;
        a.at(i).y *= 2;
      };
      await Promise.all([...range(4)].map((i) => pool.apply(double, [{ list: [struct] }, array, i])));
      assert.deepEqual({ ...struct.value }, { x: 7, y: 8 });
      assert.deepEqual(
        [...array].map((item) => ({ ...item })),
        [...range(4)].map((i) => ({ x: i * 2, y: i })),
      );
      assert.deepEqual(await pool.apply(() => array.at(-1)), { x: 6, y: 3 });
    },
  );
});
