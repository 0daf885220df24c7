import type { Case } from './table.ts';

/* eslint-disable */
const fs = require('fs');
const { readFileSync } = require('node:fs');
const path = require('path');
const dep = require('./fixtures/dep.cjs');
const { helper, K } = require('./fixtures/dep.cjs');
const onlyFn = require('./fixtures/only-function.cjs');
const onlyObject = require('./fixtures/only-object.cjs');
let top = 10;
top = Number(top);
const cfg = { a: 1 };
var v = 3;
function topFn(x: number): number {
  return x * top + cfg.a;
}
exports.exported = function exportedFn(x: number): number {
  return x + v;
};
class A {
  #p = 4;
  get(): number {
    return this.#p + top;
  }
}
const base = (file: string): string => file.split('/').pop()!;
const places = () => `${base(__filename)}|${path.basename(__dirname)}`;

const cases: readonly Case[] = [
  ['a pure function', () => (x: number) => x * 2, [2], 4],
  ['a top-level let', () => topFn, [2], 21],
  ['an export of main', () => exports.exported, [1], 4],
  ['through exports', () => (x: number) => exports.exported(x), [1], 4],
  ['through module.exports', () => (x: number) => module.exports.exported(x), [1], 4],
  ['require of a built-in module', () => () => typeof fs.readFileSync('/etc/hostname', 'utf8'), [], 'string'],
  ['destructured from one', () => () => typeof readFileSync, [], 'function'],
  ['a module', () => (x: number) => dep.helper(x), [1], 101],
  ['destructured from a module', () => (x: number) => helper(x), [1], 101],
  ['an export by reference', () => helper, [1], 101],
  ['a class', () => (x: number) => new K(x).dbl(), [4], 8],
  [
    'an instance',
    () => {
      const k = new K(3);
      return () => [k.dbl(), k instanceof K];
    },
    [],
    [6, true],
  ],
  ['a module that is a function', () => (x: number) => onlyFn(x), [1], 'only1'],
  ['a module that is an object', () => (x: number) => onlyObject.fn(x), [2], 3],
  ['an object of a module', () => () => dep.cfg.list.length, [], 3],
  ['the state of a module', () => dep.bump, [], 1],
  ['a closure made in a module', () => dep.factory(5), [1], 6],
  ['__filename and __dirname', () => places, [], 'commonjs.test.cjs|closure'],
  ['require within', () => (x: number) => require('./fixtures/dep.cjs').helper(x), [1], 101],
  ['require of a built-in module within', () => () => typeof require('os').cpus, [], 'function'],
  ['require.resolve', () => () => base(require.resolve('./fixtures/dep.cjs')), [], 'dep.cjs'],
  ['a dynamic import', () => async () => (await import('./fixtures/dep.js')).plain(1), [], 101],
  ['a class with private fields', () => () => new A().get(), [], 14],
  [
    'a written variable',
    () => {
      const inc = () => {
        v++;
      };
      return () => {
        inc();
        return v;
      };
    },
    [],
    4,
  ],
  ['this of the file', () => () => typeof this, [], 'object'],
];

import('./table.js').then((table) => table.runCases(cases));
