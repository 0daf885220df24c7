import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { UnpicklingError } from 'manycore';
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

const refuses = (bytes: Buffer | string, global?: string): void =>
  assert.throws(
    () => loads(Buffer.from(bytes as string, 'latin1')),
    (error) =>
      error instanceof UnpicklingError &&
      error.global === global &&
      (global === undefined || error.message.includes(global)),
    JSON.stringify(String(bytes).slice(0, 80)),
  );

testClean(
  'pickle: what names or calls something else is refused by its name, and nothing is run (I11, I14)',
  withPython,
  () => {
    refuses("cos\nsystem\n(S'echo'\ntR.", 'os.system');
    refuses('cos\nsystem\n(Vecho pwned\ntR.', 'os.system');
    refuses('\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.', 'os.system');
    refuses('\x80\x02c__builtin__\neval\nX\x01\x00\x00\x00a\x85R.', '__builtin__.eval');
    refuses('c__builtin__\ngetattr\n.', '__builtin__.getattr');
    refuses('cbuiltins\nset.__class__\n.', 'builtins.set.__class__');
    refuses('cconstructor\nconstructor\n.', 'constructor.constructor');
    refuses('c__proto__\n\x1b[31mred\n.', '__proto__.??31mred');
    refuses('(ios\nsystem\n.');
    refuses('(cbuiltins\nset\no.');
    for (const op of [
      '\x82\x01.',
      '\x83\x01\x00.',
      '\x84\x01\x00\x00\x00.',
      'Pid\n.',
      'NQ.',
      '\x97.',
      '\x98.',
      "S'text'\n.",
      'U\x01a.',
      'T\x01\x00\x00\x00a.',
    ])
      refuses(op);
    // Even what may be called does not come out by itself, nor takes a state.
    refuses('cbuiltins\nset\n.', 'builtins.set');
    refuses('](cbuiltins\nset\ne.', 'builtins.set');
    refuses(']}(cbuiltins\nset\nNua.', 'builtins.set');
    refuses('cbuiltins\nset\n)R}b.');
    refuses('cbuiltins\nset\nN R.');
    refuses('cdatetime\ndatetime\n)R.');
    refuses('cdatetime\ndate\nC\x04\x07\xe4\x02\x1f\x85R.');
    const names = runPython(`import sys, pickle, collections, decimal, fractions, uuid, pathlib, datetime
class Mine: pass
for x in [collections.OrderedDict(a=1), decimal.Decimal(1), 1j, range(3), slice(1), Mine(), ValueError('x'), print, Mine, uuid.UUID(int=1), ...]:
    out = pickle.dumps(x); sys.stdout.buffer.write(len(out).to_bytes(4, 'big') + out)`);
    const found: string[] = [];
    for (let at = 0; at < names.length; at += 4 + names.readInt32BE(at)) {
      try {
        found.push(String(loads(names.subarray(at + 4, at + 4 + names.readInt32BE(at)))));
      } catch (error) {
        found.push((error as UnpicklingError).global ?? String(error));
      }
    }
    assert.deepEqual(found, [
      'collections.OrderedDict',
      'decimal.Decimal',
      'builtins.complex',
      'builtins.range',
      'builtins.slice',
      '__main__.Mine',
      'builtins.ValueError',
      'builtins.print',
      '__main__.Mine',
      'uuid.UUID',
      'builtins.Ellipsis',
    ]);
  },
);

testClean('pickle: keys such as __proto__ are keys (I12)', {}, () => {
  const value = loads(Buffer.from('}(V__proto__\n}Vpolluted\nI01\nsVconstructor\nNu.'));
  assert.deepEqual(Reflect.ownKeys(value as object), ['__proto__', 'constructor']);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal((value as { polluted?: true }).polluted, undefined);
  assert.deepStrictEqual(loads(dumps(value)), value);
});

testClean('pickle: sizes and depths are checked before anything is made (I16)', {}, () => {
  const long = '\xff\xff\xff\xff\xff\xff\xff\x7f';
  for (const bytes of [
    '',
    '.',
    ']',
    'K',
    '\x8e',
    `\x8e${long}.`,
    `\x8d${long}.`,
    `\x96${long}.`,
    `\x95${long}N.`,
    'X\xff\xff\xff\x7fa.',
    'B\xff\xff\xff\xffa.',
    '\x8b\xff\xff\xff\xff\x01.',
    'a.',
    '(.',
    '0.',
    '1.',
    't.',
    '2.',
    '\x94.',
    'h\x00.',
    'g0\n.',
    'g-1\n.',
    'Nr\xff\xff\xff\xff.',
    'Np99999999999\n.',
    'NN.',
    'N.N',
    '\x80\x06N.',
    'NNa.',
    'NNNs.',
    '](NNu.',
    '}(Nu.',
    'N(N\x90.',
    'Ix\n.',
    'L1',
    'F1.2.3\n.',
    'Fx\n.',
    `L${'9'.repeat(5_000)}L\n.`,
    'V\\U00110000\n.',
    'X\x02\x00\x00\x00\xff\xfe.',
    'X\x03\x00\x00\x00\xed\xb8a.',
    '\x8b\x01\x00\x20\x00'.padEnd(2 ** 21 + 6, 'x') + '.',
  ])
    refuses(bytes);
  refuses(`${']'.repeat(1_100)}${'a'.repeat(1_099)}.`);
  refuses(`)${'\x85'.repeat(1_100)}.`);
  // Each is in the next, and all are in one list: no way down from the top is long at first sight.
  refuses(
    `](${')\x94'}${'h\x00\x85\x94'}${Array.from({ length: 1_100 }, (_, i) => `j${String.fromCharCode((i + 1) & 255, (i + 1) >> 8, 0, 0)}\x85\x94`).join('')}e.`,
  );
  refuses(`(${']'.repeat(1_000_001)}l.`);
  assert.equal((loads(Buffer.from(`(${')'.repeat(100_000)}l.`)) as unknown[]).length, 100_000);
});

testClean('pickle: a short message copies no long value again and again (I16)', {}, () => {
  const items = 'N'.repeat(10_000);
  refuses(`cbuiltins\nset\np0\n0((${items}lp1\n${'g0\n(g1\ntR'.repeat(1_000)}l.`);
  const text = `X\x10\x27\x00\x00${'x'.repeat(10_000)}`;
  refuses(`c_codecs\nencode\np0\n0${text}p1\n0Vlatin1\np2\n0(${'g0\n(g1\ng2\ntR'.repeat(1_000)}l.`);
  // Sharing is free: a thousand levels of two each are a thousand lists.
  const doubling = `]p0\n${Array.from({ length: 900 }, (_, i) => `(g${i}\ng${i}\nlp${i + 1}\n0`).join('')}g900\n.`;
  const start = performance.now();
  loads(Buffer.from(doubling.replace(']p0\n', ']p0\n0')));
  assert.ok(performance.now() - start < 5_000);
});

testClean('pickle: what is no plain data is refused with the path to it', {}, () => {
  class Point {
    x = 1;
  }
  const bad: [unknown, RegExp][] = [
    [() => 1, /a function is nothing/],
    [Symbol('x'), /a symbol/],
    [new Point(), /an instance of Point/],
    [/x/, /RegExp/],
    [new Error('x'), /an instance of Error/],
    [Promise.resolve(), /Promise/],
    [new Proxy({}, {}), /a Proxy/],
    [
      {
        get x() {
          return 1;
        },
      },
      /getter/,
    ],
    [{ [Symbol.iterator]: 1 }, /symbols as keys/],
    [new Float64Array(1), /Float64Array/],
    [new Date(Number.NaN), /outside of the years/],
    [new Date(8.64e15), /outside of the years/],
  ];
  for (const [value, message] of bad)
    assert.throws(() => dumps({ deep: [0, new Map([['k', value]])] }), {
      name: 'SerializationError',
      message,
      path: '$.deep[1].get("k")',
    });
  let deep: unknown = 1;
  for (let i = 0; i < 1_100; i++) deep = [deep];
  assert.throws(() => dumps(deep), { name: 'SerializationError', message: /nested more than 1000/ });
  const self: unknown[] = [];
  self.push(self, self);
  assert.throws(() => dumps(Object.freeze(self)), { name: 'SerializationError' });
});

testClean('pickle: dates and times that do not exist are refused', {}, () => {
  for (const bad of [
    () => new PlainDate(2023, 2, 29),
    () => new PlainDate(0, 1, 1),
    () => new PlainDate(10_000, 1, 1),
    () => new PlainDate(2023, 13, 1),
    () => new PlainTime(24),
    () => new PlainTime(0, 60),
    () => new PlainTime(0, 0, 0, 1e6),
    () => new TimeDelta(1e9),
    () => new TimeZone(new TimeDelta(1)),
    () => new TimeDelta(0.5),
  ])
    assert.throws(bad, { name: 'ArgumentRangeError' }, String(bad));
  assert.equal(
    String(new PlainDateTime(new PlainDate(33, 4, 5), new PlainTime(6, 7, 8, 9))),
    '0033-04-05T06:07:08.000009',
  );
  assert.deepEqual(new TimeDelta(0, -1, -1), new TimeDelta(-1, 86_398, 999_999));
  assert.equal(new TimeDelta(1, 1, 1).milliseconds, 86_401_000.001);
});

testClean('pickle: a number of a million letters is refused at once (I10)', {}, () => {
  const digits = Buffer.concat([Buffer.from('F'), Buffer.alloc(1_000_000, '1'), Buffer.from('x\n.')]);
  assert.throws(() => loads(digits), { name: 'UnpicklingError' });
  assert.equal(loads(Buffer.from('F1.\n.')), 1);
  assert.equal(loads(Buffer.from('F.5e1\n.')), 5);
});
