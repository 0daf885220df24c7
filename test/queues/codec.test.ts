import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { ManycoreError, SerializationError, transfer } from 'manycore';
import { decodePlain, borrowEncoder, isPlain, openMessage } from '#internal/queues/codec.js';
import { Reader } from '#internal/wire/reader.js';
import { messageOf, travel } from './travel.ts';
import '../seeded.ts';

class Point {
  readonly #secret: number;
  readonly x: number;
  constructor(x: number, secret: number) {
    this.x = x;
    this.#secret = secret;
  }
  sum(): number {
    return this.x + this.#secret;
  }
}

test('messages: small values need nothing but themselves', () => {
  for (const value of [
    0,
    -1,
    2 ** 40,
    -0,
    Number.NaN,
    '',
    'text',
    '\u{1f600}',
    true,
    null,
    undefined,
    12n,
    [1, 2],
    { a: 1, b: ['x'] },
  ]) {
    const bytes = messageOf(value);
    assert.equal(isPlain(bytes, 0), true);
    assert.ok(isDeepStrictEqual(decodePlain(new Reader(bytes)), value), String(value));
  }
});

test('messages: functions, classes and references come along with what they need', async () => {
  const base = 40;
  const add = await travel((x: number) => base + x);
  assert.equal(add(2), 42);
  const [point, same, { of }] = await travel([new Point(1, 2), Point, { of: Math.max }] as const);
  assert.equal(point.sum(), 3);
  assert.equal(same, Point);
  assert.ok(point instanceof Point);
  assert.equal(of, Math.max);
  assert.equal(isPlain(messageOf(add), 0), false);
});

test('messages: a function that comes again is the same code', async () => {
  const one = messageOf((x: number) => x + 1);
  const first = openMessage(new Reader(one)).decode() as (x: number) => number;
  const second = openMessage(new Reader(Buffer.from(one))).decode() as (x: number) => number;
  assert.notEqual(first, second);
  assert.equal(second(1), 2);
});

test('messages: large buffers stand beside, moving ones are detached only when the message was put', async () => {
  const large = new Uint8Array(100_000).fill(7);
  assert.deepEqual(await travel({ large, again: large.buffer }), { large, again: large.buffer });
  const moving = transfer(new Uint8Array(20_000).fill(3));
  borrowEncoder().encode(moving);
  assert.equal(moving.length, 20_000);
  const came = await travel(moving);
  assert.equal(moving.length, 0);
  assert.equal(came.length, 20_000);
  assert.equal(came[19_999], 3);
});

test('messages: what cannot be moved is copied, and stays', async () => {
  const { Memory } = Reflect.get(globalThis, 'WebAssembly') as {
    Memory: new (of: { initial: number }) => { buffer: ArrayBuffer };
  };
  const memory = new Memory({ initial: 1 });
  for (const value of [new Uint8Array(memory.buffer), Buffer.from('hello')]) {
    const length = value.length;
    assert.deepEqual(await travel(transfer(value)), value);
    assert.equal(value.length, length);
  }
});

test('messages: what cannot travel is named, and the next message is whole (C79)', async () => {
  assert.throws(
    () => messageOf({ db: { lock: new WeakMap() } }),
    (error: SerializationError) => error instanceof SerializationError && error.message.includes('$.db.lock'),
  );
  assert.throws(() => messageOf(new SharedArrayBuffer(8)), SerializationError);
  assert.deepEqual(await travel({ a: 1 }), { a: 1 });
});

test('messages: a getter may encode another message', async () => {
  const value = {
    get inner(): string {
      return messageOf('inner').toString('hex');
    },
  };
  assert.deepEqual(await travel(value), { inner: messageOf('inner').toString('hex') });
});

test('messages: any data arrives as it left', async () => {
  const anything = fc.anything({
    maxDepth: 3,
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
  });
  // Node 20 finds an invalid date different from itself.
  const comparable = anything.filter((value) => !inspect(value, { depth: Infinity }).includes('Invalid Date'));
  await fc.assert(
    fc.asyncProperty(comparable, async (value) => {
      assert.ok(isDeepStrictEqual(await travel(value), value));
    }),
  );
});

test('messages: spoilt bytes end in a value or a typed refusal; a million of them: npm run fuzz (H5)', () => {
  // Without functions: who can write code may run it.
  const samples = [{ a: [1, 'x'] }, new Uint8Array(20_000), [new Map([[1, 2]]), new Set(['x'])]].map(messageOf);
  fc.assert(
    fc.property(
      fc.nat(samples.length - 1),
      fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(400),
      (which, flips, cut) => {
        const bytes = Buffer.from(samples[which]!);
        for (const [at, value] of flips) bytes[at % bytes.length] = value;
        try {
          const opened = openMessage(new Reader(bytes.subarray(0, Math.max(1, bytes.length - (cut % 5)))));
          opened.loading?.catch(() => undefined);
          if (opened.loading === undefined) opened.decode();
        } catch (error) {
          // A function whose text was spoilt does not compile.
          assert.ok(error instanceof ManycoreError || error instanceof SyntaxError, String(error));
        }
      },
    ),
    { numRuns: 1_000 },
  );
});
