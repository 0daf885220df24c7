import { type Case, runCases } from './table.ts';

const unique = Symbol('uniq');
const registered = Symbol.for('reg');
const cyclic: { name: string; self?: unknown; list?: unknown[] } = { name: 'c' };
cyclic.self = cyclic;
cyclic.list = [cyclic];

const cases: readonly Case[] = [
  [
    'the built-in kinds',
    () => {
      const m = new Map([[{ k: 1 }, new Set([1])]]),
        d = new Date(5),
        r = /x(?<n>y)/gi,
        t = new Float64Array([1.5, 2]),
        b = Buffer.from('hi');
      const e = new RangeError('re', { cause: 'c' }),
        dv = new DataView(new ArrayBuffer(4)),
        big = 12345678901234567890n;
      return () => [
        [...m][0]![1].has(1),
        d.getTime(),
        r.source + r.flags,
        t[0],
        b.toString(),
        e instanceof RangeError,
        e.message,
        e.cause,
        big,
        dv.byteLength,
      ];
    },
    [],
    [true, 5, 'x(?<n>y)gi', 1.5, 'hi', true, 're', 'c', 12345678901234567890n, 4],
  ],
  [
    'symbols',
    () => {
      const o = { [unique]: 1, [registered]: 2, [Symbol.iterator]: 3 };
      return () => [o[unique], o[registered], unique.description, registered === Symbol.for('reg'), o[Symbol.iterator]];
    },
    [],
    [1, 2, 'uniq', true, 3],
  ],
  ['cycles', () => () => cyclic.self === cyclic && cyclic.list![0] === cyclic, [], true],
  [
    'functions in cycles',
    () => {
      const f = (): unknown => [g, 1];
      const g = (): unknown => f;
      return () => (f() as [() => unknown])[0]() === f;
    },
    [],
    true,
  ],
  [
    'identity',
    () => {
      const a = {};
      const b = { a },
        c = { a };
      return () => b.a === c.a;
    },
    [],
    true,
  ],
  [
    'accessors, frozen, null prototype',
    () => {
      let n = 0;
      const o = {
          get next() {
            return ++n;
          },
        },
        f = Object.freeze({ z: 1 }),
        p = Object.assign(Object.create(null) as object, { q: 1 });
      return () => [o.next, o.next, f.z, p.q, Object.getPrototypeOf(p) === null, Object.isFrozen(f)];
    },
    [],
    [1, 2, 1, 1, true, true],
  ],
  [
    'console, process, globalThis',
    () => {
      const p = process,
        c = console,
        g = globalThis;
      return () => [typeof p.pid, typeof c.log, g === globalThis];
    },
    [],
    ['number', 'function', true],
  ],
  [
    'a WeakMap does not travel',
    () => {
      const wk = new WeakMap();
      return () => wk;
    },
    [],
    /"wk" cannot travel: a WeakMap cannot be sent/,
  ],
  [
    'a Promise does not travel',
    () => {
      const o = { deep: [1, { p: Promise.resolve(1) }] };
      return () => o;
    },
    [],
    /"o\.deep\[1\]\.p" cannot travel: a Promise cannot be sent/,
  ],
  [
    'a stream does not travel',
    () => {
      const o = { handle: process.stdout };
      return () => o;
    },
    [],
    /o\.handle/,
  ],
];

runCases(cases);
runCases(
  [
    [
      'a SharedArrayBuffer',
      () => {
        const v = new Int32Array(new SharedArrayBuffer(8));
        return () => Atomics.add(v, 0, 1);
      },
      [],
      0,
    ],
  ],
  ['thread'],
);
runCases(
  [
    [
      'a SharedArrayBuffer',
      () => {
        const v = new Int32Array(new SharedArrayBuffer(8));
        return () => Atomics.add(v, 0, 1);
      },
      [],
      /SharedArrayBuffer/,
    ],
  ],
  ['process'],
);
