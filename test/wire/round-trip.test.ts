/* oxlint-disable no-sparse-arrays -- holes are what this is about */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { travel, travelWithClasses } from './travel.ts';

const description = Symbol('mine');

describe('wire: values arrive as they left', () => {
  const values: Readonly<Record<string, unknown>> = {
    'undefined, null and booleans': [undefined, null, true, false],
    'numbers at the edges': [
      0,
      -0,
      1,
      -1,
      NaN,
      Infinity,
      -Infinity,
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 31,
      2 ** 53,
      5e-324,
      0.1,
    ],
    'an array of small integers': [1, -2, 2 ** 31 - 1, -(2 ** 31)],
    'an array of integers and -0': [1, -0, 2],
    'an array of doubles': [1.5, NaN, -0, Infinity],
    'huge and negative BigInts': [0n, 1n, -1n, 2n ** 64n, -(2n ** 2_000n), 0xffffn],
    'strings in Latin-1 and UTF-16': ['', 'a', '\u00e9'.repeat(47), '\u00ff'.repeat(48), '\u4e16', '\u{1f600}', '\0'],
    'lone surrogates': ['\ud800', 'x\udc00y', '\ud83d'.repeat(100)],
    'strings whose length needs several bytes': [
      'a'.repeat(63),
      'b'.repeat(64),
      'c'.repeat(8_192),
      '\u4e16'.repeat(9_000),
    ],
    'a long string in Latin-1': 'x'.repeat(3_000_000),
    'a long string in UTF-16': '\u4e16x'.repeat(1_500_000),
    Date: [new Date(0), new Date(8.64e15), new Date(-1)],
    RegExp: [/a+(?<n>b)/giu, /\//, new RegExp('', 'dsy'), /\u{1f600}/u],
    'Map and Set with keys of all kinds': [
      new Map<unknown, unknown>([
        [NaN, 1],
        [-0, 2],
        [undefined, 3],
        ['__proto__', 4],
        [{ a: 1 }, new Map()],
      ]),
      new Set<unknown>([NaN, 'x', null, [1], new Set()]),
    ],
    'holes and sparse arrays': [
      [, 1],
      [1, , 3],
      [, ,],
      Object.assign([], { 4_000_000_000: 'far' }),
      new Array(4_294_967_295),
    ],
    'arrays with properties of their own': [
      Object.assign([1, 2], { name: 'list' }),
      Object.assign(['a'], { '-1': 0 }),
      Object.assign([1], { [Symbol.for('registered')]: 1, x: 2 }),
    ],
    'empty things': [{}, [], new Map(), new Set(), '', new ArrayBuffer(0), new Uint8Array(0)],
    'boxed primitives': [Object(1), Object(-0), Object('text'), Object(true), Object(9n), Object(Symbol.iterator)],
    'URL and URLSearchParams': [
      new URL('https://user:pw@example.org:8080/a?b=c#d'),
      new URLSearchParams('a=1&a=2&b=%20'),
    ],
    'registered and well-known symbols': [Symbol.for('x'), Symbol.iterator, Symbol.asyncIterator, Symbol.toPrimitive],
    'null-prototype objects': [
      Object.create(null),
      Object.assign(Object.create(null) as object, { a: 1, __proto__x: 2 }),
    ],
    'keys that look like indices, are empty or odd': {
      1: 'a',
      0: 'b',
      '': 'c',
      '-0': 'd',
      'a b': 'e',
      constructor: 1,
      toString: 2,
    },
    'wide objects': Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key${i}`, i])),
    'objects of many shapes': Array.from({ length: 3_000 }, (_, i) => ({
      id: i,
      [`k${i % 100}`]: i,
      [`l${i % 7}`]: 'x',
    })),
    'typed arrays of all kinds': [
      new Int8Array([-128, 127]),
      new Uint8Array([0, 255]),
      new Uint8ClampedArray([300]),
      new Int16Array([-1]),
      new Uint16Array([65_535]),
      new Int32Array([-1]),
      new Uint32Array([2 ** 32 - 1]),
      new Float32Array([1.5, NaN]),
      new Float64Array([-0, 1e300]),
      new BigInt64Array([-1n]),
      new BigUint64Array([2n ** 64n - 1n]),
      new DataView(new ArrayBuffer(9)),
      Buffer.from('text'),
    ],
    'ArrayBuffers, small and large': [new Uint8Array([1, 2, 3]).buffer, new Uint8Array(100_000).fill(7).buffer],
  };
  for (const [name, value] of Object.entries(values)) {
    test(`${name} (A13)`, () => {
      const back = travel(value);
      assert.deepStrictEqual(back, value);
      assert.equal(inspect(back, { depth: 5 }), inspect(value, { depth: 5 }));
    });
  }

  test('an invalid Date (A13)', () => {
    const back = travel(new Date(NaN));
    assert.ok(back instanceof Date && Number.isNaN(back.getTime()));
  });

  test('the lastIndex of a RegExp (A13)', () => {
    const pattern = /a/g;
    pattern.lastIndex = 7;
    assert.equal(travel(pattern).lastIndex, 7);
  });

  test('a RegExp, Map or Date keeps properties of its own', () => {
    const back = travel([Object.assign(new Map([[1, 2]]), { tag: 'm' }), Object.assign(new Date(1), { tag: 'd' })]);
    assert.deepEqual(
      back.map((item) => item.tag),
      ['m', 'd'],
    );
  });

  test('unique symbols: one symbol stays one within a message, as value and as key (A13)', () => {
    const other = Symbol();
    const back = travel({ description, again: description, [description]: 1, other });
    const keys = Object.getOwnPropertySymbols(back);
    assert.equal(keys.length, 1);
    assert.equal(back.description, back.again);
    assert.equal(keys[0], back.description);
    assert.equal(back.description.description, 'mine');
    assert.equal(back.other.description, undefined);
  });

  test("a name that is Object.prototype's setter stays data (A14, H12)", () => {
    const data = JSON.parse(
      '[{"__proto__": {"polluted": 1}, "b": 2}, {"b": 3, "constructor": {"prototype": {"x": 1}}}]',
    ) as object[];
    const back = travel(data);
    assert.deepStrictEqual(Object.keys(back[0]!), ['__proto__', 'b']);
    assert.equal(Object.getPrototypeOf(back[0]), Object.prototype);
    assert.deepStrictEqual(back, data);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  test('frozen, sealed and closed objects and arrays', () => {
    const back = travel({
      frozen: Object.freeze({ a: 1 }),
      sealed: Object.seal({ a: 1 }),
      closed: Object.preventExtensions({ a: 1 }),
      list: Object.freeze([1, 2]),
      plain: { a: 1 },
    });
    assert.deepEqual(
      Object.values(back).map((item) => [Object.isFrozen(item), Object.isSealed(item), Object.isExtensible(item)]),
      [
        [true, true, false],
        [false, true, false],
        [false, false, false],
        [true, true, false],
        [false, false, true],
      ],
    );
    assert.deepStrictEqual(back.list, [1, 2]);
  });

  test('properties that are not enumerable', () => {
    const back = travel(Object.defineProperty({ a: 1 }, 'hidden', { value: 2 }));
    assert.deepEqual(Object.getOwnPropertyDescriptor(back, 'hidden'), {
      value: 2,
      writable: false,
      enumerable: false,
      configurable: false,
    });
  });

  test('a getter arrives as the value that it has', () => {
    assert.deepStrictEqual(
      travel({
        get now() {
          return 5;
        },
      }),
      { now: 5 },
    );
  });

  test('values of another realm arrive as ours (A9)', async () => {
    const foreign = runInNewContext(
      '({ list: [1, { a: new Map([[1, new Set([2])]]) }], date: new Date(3), e: new TypeError("t"), re: /x/g })',
    ) as object;
    const ours = { list: [1, { a: new Map([[1, new Set([2])]]) }], date: new Date(3), re: /x/g };
    const { e, ...back } = (await travelWithClasses(foreign)) as { e: Error };
    assert.deepStrictEqual(back, ours);
    assert.ok(e instanceof TypeError);
    assert.equal(e.message, 't');
  });
});

describe('wire: identity', () => {
  test('cycles through objects, arrays, Maps, Sets, errors and arrays with properties (A13)', () => {
    const self: Record<string, unknown> = {};
    const list = Object.assign([self], { self });
    const map = new Map<unknown, unknown>();
    map.set(map, map);
    const set = new Set<unknown>([map]);
    set.add(set);
    const error = new Error('x');
    error.cause = error;
    Object.assign(self, { self, list, map, set, error });
    const back = travel(self) as {
      self: unknown;
      list: unknown[] & { self: unknown };
      map: Map<unknown, unknown>;
      set: Set<unknown>;
      error: Error;
    };
    assert.equal(back.self, back);
    assert.equal(back.list[0], back);
    assert.equal(back.list.self, back);
    assert.equal(back.map.get(back.map), back.map);
    assert.ok(back.set.has(back.set) && back.set.has(back.map));
    assert.equal(back.error.cause, back.error);
  });

  test('shared references of all kinds stay shared (A13)', () => {
    const shared = [
      {},
      [1.5],
      [1, 2],
      new Date(1),
      /x/,
      new Map(),
      new Set(),
      new Uint8Array(4),
      new ArrayBuffer(4),
      Object(1),
      new URL('file:///'),
      new URLSearchParams(),
      new Error('e'),
      Object.freeze({ f: 1 }),
      [, 1],
      Symbol('s'),
      Object.create(null),
      new Uint8Array(50_000),
    ];
    const back = travel([shared, [...shared]]);
    for (let i = 0; i < shared.length; i++) assert.equal(back[0]![i], back[1]![i], inspect(shared[i]));
    assert.deepStrictEqual(back[0]!.slice(0, 15), shared.slice(0, 15));
  });

  test('two messages know nothing of each other', () => {
    const shared = { a: 1 };
    assert.notEqual(travel(shared), travel(shared));
  });
});

describe('wire: objects that change while they are read', () => {
  test('a getter that adds to the Map, Set or array around it does not spoil the message', () => {
    const map = new Map<number, unknown>();
    const set = new Set<unknown>();
    const list: unknown[] = [];
    const once = (grow: () => void): object => {
      let done = false;
      return {
        get x() {
          if (!done) grow();
          done = true;
          return 1;
        },
      };
    };
    map.set(
      1,
      once(() => map.set(2, 'late')),
    );
    set.add(once(() => set.add('late')));
    list.push(
      once(() => list.push('late')),
      'end',
    );
    const back = travel({ map, set, list, after: 'intact' });
    assert.deepStrictEqual(
      back.map,
      new Map<unknown, unknown>([
        [1, { x: 1 }],
        [2, 'late'],
      ]),
    );
    assert.deepStrictEqual([...back.set], [{ x: 1 }, 'late']);
    assert.deepStrictEqual(back.list, [{ x: 1 }, 'end']);
    assert.equal(back.after, 'intact');
  });

  test('a Map or Set whose class lies about its size', async () => {
    class Liar extends Map<number, number> {
      override get size(): number {
        return 99;
      }
    }
    const back = await travelWithClasses([new Liar([[1, 2]]), 'after'] as const);
    assert.ok(back[0] instanceof Liar);
    assert.equal(back[0].get(1), 2);
    assert.equal(back[1], 'after');
  });

  test('a Map without a prototype', () => {
    const back = travel(Object.setPrototypeOf(new Map([[1, 2]]), null) as object);
    assert.equal(Object.getPrototypeOf(back), null);
    assert.equal(Map.prototype.get.call(back, 1), 2);
  });
});
