import fs, { readFileSync, existsSync as exists } from 'node:fs';
import * as path from 'node:path';
import * as awaits from './fixtures/awaits.js';
import * as dep from './fixtures/dep.js';
import defFn, {
  closureFactory,
  config,
  getHidden,
  hits,
  plain,
  readSecret,
  reexported,
  Shape,
  table,
} from './fixtures/dep.js';
import { type Case, runCases } from './table.ts';

const cases: readonly Case[] = [
  ['a default import of a built-in module', () => () => typeof fs.readFileSync('/etc/hostname', 'utf8'), [], 'string'],
  ['a named import of one', () => () => [exists('/etc/passwd'), typeof readFileSync], [], [true, 'function']],
  ['its namespace', () => (a: string) => path.join(a, 'b'), ['a'], 'a/b'],
  ['a named import', () => (x: number) => plain(x), [1], 101],
  ['an export itself', () => plain, [2], 102],
  ['a default export itself', () => defFn, [1], 'def1'],
  ['a default import', () => (x: number) => defFn(x), [3], 'def3'],
  ['a namespace', () => (x: number) => dep.plain(x), [1], 101],
  [
    'a namespace as a value',
    () => {
      const all = dep;
      return (x: number) => all.plain(x);
    },
    [1],
    101,
  ],
  ['a static method', () => Shape.make(2).area.bind(new Shape(6)), [], 36],
  ['statics', () => () => Shape.make(5).area() + Shape.kind, [], '25shape'],
  ['a prototype method', () => Shape.prototype.area, [], /undefined|'n'/],
  ['a member of an exported object', () => table.inner, [1], 'inner1'],
  ['a deeper one goes by value', () => table.nested.deep, [1], 1],
  ['what a module hides goes by value', () => getHidden(), [1], 'hidden1'],
  ["the state of a module is each worker's own", () => readSecret, [], 42],
  ['a closure made in another module', () => closureFactory(1), [1], 43],
  ['a re-exported built-in', () => reexported, ['/etc/hostname', 'utf8'], fs.readFileSync('/etc/hostname', 'utf8')],
  ['an imported variable is that of the worker', () => () => hits, [], 0],
  ['an imported object', () => () => config.big.length, [], 1000],
  [
    'under another name',
    () => {
      const c = config;
      return () => c.big.length;
    },
    [],
    1000,
  ],
  [
    'an imported class',
    () => {
      const C = Shape;
      return (n: number) => new C(n).area();
    },
    [3],
    9,
  ],
  ['an export of a module with a top-level await', () => awaits.useReady, [1], 6],
  [
    'an instance of a class of such a module',
    () => {
      const late = new awaits.Late();
      const { Late } = awaits;
      return () => [late.v, late instanceof Late];
    },
    [],
    [5, true],
  ],
  [
    'import.meta',
    () => () => [import.meta.url.split('/').pop(), import.meta.resolve('node:fs')],
    [],
    ['modules.test.js', 'node:fs'],
  ],
  ['a dynamic import of a neighbour', () => async () => (await import('./fixtures/dep.js')).plain(5), [], 105],
  ['a dynamic import of a package', () => async () => typeof (await import('meriyah')).parse, [], 'function'],
];

runCases(cases);
