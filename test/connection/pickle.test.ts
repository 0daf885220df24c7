import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { PlainDate, PlainDateTime, PlainTime, TimeDelta, TimeZone } from 'manycore/connection';
import { dumps } from '#internal/connection/pickle/encode.js';
import { type LoadOptions, loads } from '#internal/connection/pickle/decode.js';
import { testClean } from '../matrix.ts';
import { runPython, withPython } from './support.ts';

const tuple = <T>(...items: T[]): readonly T[] => Object.freeze(items);

/** Plain data of every kind that comes back as it went. */
const samples: Record<string, unknown> = {
  integers: [
    0,
    1,
    255,
    256,
    65_535,
    65_536,
    -1,
    -128,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 31,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ],
  floats: [1.5, -0, 1e300, 2 ** 53, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  big: [2n ** 63n, -(2n ** 63n), 2n ** 64n, -(2n ** 64n), 10n ** 1_000n, -(10n ** 99n), -(2n ** 2_047n), 2n ** 2_048n],
  texts: [
    '',
    'a',
    'ünï',
    '\u4e00',
    '😀',
    '\ud800',
    'a\udfffb',
    '\ufeffx',
    '\\u0041\n\r\0',
    'x'.repeat(300),
    'y'.repeat(70_000),
  ],
  bytes: [new Uint8Array(), Uint8Array.of(0, 10, 255), new Uint8Array(300).fill(7)],
  flags: [true, false, null],
  lists: [[], [[]], Array.from({ length: 2_500 }, (_, i) => i)],
  tuples: [tuple(), tuple(1), tuple(1, 2), tuple(1, 2, 3), tuple<unknown>(1, 2, 3, tuple('four'))],
  dicts: [
    {},
    { a: 1, 'b c': { d: [] } },
    new Map<unknown, unknown>([
      [1, 'a'],
      ['b', null],
      [tuple(1), 2.5],
    ]),
  ],
  many: Object.fromEntries(Array.from({ length: 2_500 }, (_, i) => [`key ${i}`, i])),
  sets: [new Set(), new Set([1, 'a', tuple(1)]), Object.freeze(new Set([1])), Object.freeze(new Set())],
  instants: [new Date(0), new Date(-1), new Date('0001-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59.999Z')],
  dates: [new PlainDate(1, 1, 1), new PlainDate(2024, 2, 29), new PlainDate(9_999, 12, 31)],
  times: [
    new PlainTime(),
    new PlainTime(23, 59, 59, 999_999),
    new PlainTime(1, 2, 3, 4, new TimeZone(new TimeDelta(0, 3_600))),
  ],
  naive: [new PlainDateTime(new PlainDate(2026, 11, 21), new PlainTime(9, 30, 0, 1))],
  deltas: [new TimeDelta(), new TimeDelta(-1, 86_399, 999_999), new TimeDelta(999_999_999)],
  zones: [new TimeZone(), new TimeZone(new TimeDelta(-1, 43_200), 'far west')],
};

testClean('pickle: plain data comes back as it went', {}, () => {
  for (const [name, value] of Object.entries(samples)) assert.deepStrictEqual(loads(dumps(value)), value, name);
});

for (const protocol of [0, 1, 2, 3, 4, 5])
  testClean(`pickle: Python reads it, and what it writes by protocol ${protocol} is read (I232)`, withPython, () => {
    const code = `import sys, pickle
value = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(value, ${protocol}))`;
    assert.deepStrictEqual(loads(runPython(code, dumps(samples))), samples);
  });

testClean("pickle: Python's types are what the documentation says", withPython, () => {
  const code = `import sys, pickle
def name(x): return type(x).__name__ + (str(x.tzinfo) if hasattr(x, 'tzinfo') else '')
sys.stdout.write(' '.join(name(x) for x in pickle.load(sys.stdin.buffer)))`;
  const values = [
    1,
    1.5,
    1n,
    2 ** 53,
    -0,
    'x',
    true,
    null,
    undefined,
    [],
    tuple(),
    {},
    new Map(),
    new Set(),
    Object.freeze(new Set()),
    Buffer.from('x'),
    new Uint8Array(1),
    new ArrayBuffer(1),
    new Date(0),
    new PlainDate(1, 1, 1),
    new PlainDateTime(new PlainDate(1, 1, 1)),
    new PlainTime(),
    new TimeDelta(),
  ];
  assert.equal(
    String(runPython(code, dumps(values))),
    'int float int float float str bool NoneType NoneType list tuple dict dict set frozenset bytes bytes bytes datetimeUTC date datetimeNone timeNone timedelta',
  );
});

testClean("pickle: values of Python's that have no counterpart become the nearest", withPython, () => {
  const read = (expression: string, options?: LoadOptions): unknown =>
    loads(
      runPython(`import sys, pickle, datetime as d\nsys.stdout.buffer.write(pickle.dumps(${expression}))`),
      options,
    );
  assert.equal(read('1.0'), 1);
  assert.deepEqual(read("bytearray(b'x')"), Uint8Array.of(120));
  assert.deepEqual(
    read('d.datetime(2020, 1, 1, 12, 0, 0, 1999, d.timezone(d.timedelta(hours=2)))'),
    new Date('2020-01-01T10:00:00.001Z'),
  );
  assert.deepEqual(read('d.datetime(2020, 1, 1, fold=1)'), new PlainDateTime(new PlainDate(2020, 1, 1)));
  assert.deepEqual(read('d.time(1, fold=1)'), new PlainTime(1));
  assert.deepEqual(read("{'a': {1: {}}}"), { a: new Map([[1, {}]]) });
  assert.deepEqual(read("{'a': {}}", { maps: true }), new Map([['a', new Map()]]));
  const frozen = read("(1, {'a': (2,)})") as [number, { a: number[] }];
  assert.ok(Object.isFrozen(frozen) && Object.isFrozen(frozen[1].a));
});

testClean('pickle: identity and cycles are kept, through tuples too', withPython, () => {
  const list: unknown[] = [];
  const shared = { x: new Date(1) };
  const pair = tuple<unknown>(list, shared);
  list.push(pair, shared, shared.x);
  const map = new Map<unknown, unknown>([[1, list]]);
  map.set('self', map);
  const check = (back: Map<unknown, unknown>): void => {
    assert.equal(back.get('self'), back);
    const [first, second, third] = back.get(1) as [unknown[], { x: Date }, Date];
    assert.equal(first[0], back.get(1));
    assert.equal(first[1], second);
    assert.equal(third, second.x);
  };
  check(loads(dumps(map)) as Map<unknown, unknown>);
  const code = 'import sys, pickle\nsys.stdout.buffer.write(pickle.dumps(pickle.load(sys.stdin.buffer)))';
  check(loads(runPython(code, dumps(map))) as Map<unknown, unknown>);
  // A dict turns out to be no plain object only when it was referred to.
  const cycle = `import sys, pickle\nd = {'a': []}; d['a'].append(d); d[1] = d\nsys.stdout.buffer.write(pickle.dumps(d))`;
  const back = loads(runPython(cycle)) as Map<unknown, unknown[]>;
  assert.equal(back.get('a')![0], back);
  assert.equal(back.get(1), back);
});

testClean('pickle: what Python makes of many generated values comes back the same', withPython, () => {
  const key = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(
        fc.integer(),
        fc.maxSafeInteger(),
        fc.double(),
        fc.bigInt().filter((n) => !Number.isSafeInteger(Number(n))),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\ud800', '\udc00x', true, false, null),
        fc.uint8Array(),
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
      ),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.array(tie('value'), { maxLength: 5 }).map((items) => Object.freeze(items)),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 5, noNullPrototype: true }),
      fc
        .uniqueArray(fc.tuple(fc.integer(), tie('value')), { selector: ([k]) => k, minLength: 1, maxLength: 4 })
        .map((entries) => new Map(entries)),
      fc
        .uniqueArray(
          key.filter((k) => typeof k === 'string'),
          { maxLength: 5 },
        )
        .map((items) => new Set(items)),
    ),
  }));
  const code = `import sys, pickle, struct
while head := sys.stdin.buffer.read(4):
    x = pickle.loads(sys.stdin.buffer.read(struct.unpack('>i', head)[0]))
    for protocol in range(6):
        out = pickle.dumps(x, protocol)
        sys.stdout.buffer.write(struct.pack('>i', len(out)) + out)`;
  const values = fc.sample(value, { numRuns: 500, seed: 5 });
  const input = values.map((each) => {
    const bytes = dumps(each);
    assert.deepStrictEqual(loads(bytes), each);
    const head = Buffer.alloc(4);
    head.writeInt32BE(bytes.length);
    return Buffer.concat([head, bytes]);
  });
  const out = runPython(code, Buffer.concat(input));
  let at = 0;
  for (const each of values) {
    for (let protocol = 0; protocol < 6; protocol++) {
      const length = out.readInt32BE(at);
      const back = loads(out.subarray(at + 4, at + 4 + length));
      // A set has an order of its own in Python.
      if (!isDeepStrictEqual(back, each)) assert.deepStrictEqual(back, each, `protocol ${protocol}`);
      at += 4 + length;
    }
  }
  assert.equal(at, out.length);
});

testClean('pickle: a number of a million letters is refused at once (I10)', {}, () => {
  const digits = Buffer.concat([Buffer.from('F'), Buffer.alloc(1_000_000, '1'), Buffer.from('x\n.')]);
  assert.throws(() => loads(digits), { name: 'UnpicklingError' });
  assert.equal(loads(Buffer.from('F1.\n.')), 1);
  assert.equal(loads(Buffer.from('F.5e1\n.')), 5);
});
