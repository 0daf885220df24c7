import { strict as assert } from 'node:assert';
import { UnpicklingError } from 'manycore';
import { PlainDate, PlainDateTime, PlainTime, TimeDelta, TimeZone } from 'manycore/connection';
import { dumps } from '#internal/connection/pickle/encode.js';
import { loads } from '#internal/connection/pickle/decode.js';
import { testClean } from '../matrix.ts';
import { runPython, withPython } from './support.ts';

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
