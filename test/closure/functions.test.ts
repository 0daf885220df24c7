import { promisify } from 'node:util';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Case, runCases } from './table.ts';

let top = 10;
top = Number(top);
const base = { a: 1 };
const registry = {
  add(a: number, b: number) {
    return a + b;
  },
  get two() {
    return 2 * base.a;
  },
  arrow: (x: number) => x + base.a,
  async am(x: number) {
    return x;
  },
  *gen(n: number) {
    for (let i = 0; i < n; i++) yield i;
  },
  ['comp' + 1](x: number) {
    return x;
  },
};
const computed = (registry as unknown as Record<string, (x: number) => number>)['comp1']!;
class Ctx {
  k = 3;
  arrow() {
    return (x: number) => this.k * x;
  }
  nested() {
    return () => (() => this.k)();
  }
}
const ownArguments = function () {
  return (() => arguments.length)();
};
const memo: { (x: number): string; cache: Map<number, string> } = Object.assign(
  (x: number): string => memo.cache.get(x) ?? 'none',
  { cache: new Map([[1, 'one']]) },
);
const bound = ((a: number, b: number) => a * top + b).bind(null, 2);
const boundThis = function (this: { k: number }, x: number) {
  return this.k + x;
}.bind({ k: 7 });
const boundNative = Math.max.bind(null, 3);
const native = Array.prototype.map;
const readText = promisify(fs.readFile);
const viaNewFunction = new Function('a', 'return a * 2');
const viaEval = (() => {
  const z = 4;
  return (eval('((x) => x + z)') as (x: number) => number) ?? z;
})();
const evalInside = (() => {
  const hidden = 5;
  return () => (eval('hidden') as number) ?? hidden;
})();
const home = {
  __proto__: {
    hi() {
      return 'base';
    },
  },
  hi(): string {
    return 'derived-' + (super.hi as () => string)();
  },
};

const cases: readonly Case[] = [
  [
    'a template and a regular expression',
    () => (x: number) => {
      const re = /[/)\]}]+/g;
      return `a${`b${x}`}`.replace(re, '');
    },
    [1],
    'ab1',
  ],
  ['async', () => async (x: number) => (await Promise.resolve(x)) + top, [1], 11],
  [
    'a generator within',
    () => (n: number) => [
      ...(function* () {
        for (let i = 0; i < n; i++) yield i + base.a;
      })(),
    ],
    [2],
    [1, 2],
  ],
  [
    'a captured generator',
    () => {
      function* g(n: number) {
        yield n;
        yield top;
      }
      return () => [...g(1)];
    },
    [],
    [1, 10],
  ],
  [
    'a captured async generator',
    () => {
      async function* g() {
        yield 1;
        yield top;
      }
      return async () => {
        const o = [];
        for await (const x of g()) o.push(x);
        return o;
      };
    },
    [],
    [1, 10],
  ],
  [
    'the methods of an object',
    () => () => [registry.add(1, 2), registry.two, registry.arrow(1), [...registry.gen(2)], computed(4)],
    [],
    [3, 2, 2, [0, 1], 4],
  ],
  ['a method alone', () => registry.add, [2, 3], 5],
  ['an async method', () => registry.am, [2], 2],
  ['a computed method', () => computed, [3], 3],
  ['an accessor alone', () => Object.getOwnPropertyDescriptor(registry, 'two')!.get, [], 2],
  [
    'functions in arrays and maps',
    () => {
      const l = [registry.arrow, (x: number) => x];
      const m = new Map([['f', computed]]);
      return (x: number) => [l[0]!(x), l[1]!(x), m.get('f')!(x)];
    },
    [2],
    [3, 2, 2],
  ],
  ['this of an arrow', () => new Ctx().arrow(), [2], 6],
  ['this of an arrow in an arrow', () => new Ctx().nested(), [], 3],
  ['this of an arrow in a module', () => () => typeof this, [], 'undefined'],
  [
    'arguments of an arrow',
    () =>
      (function (...numbers: number[]) {
        void numbers;
        return () => arguments[0] as number;
      })(4),
    [],
    4,
  ],
  ['its own arguments', () => ownArguments, [1, 2, 3], 3],
  ['a function with properties', () => memo, [1], 'one'],
  ['bound', () => bound, [1], 21],
  ['bound with this', () => boundThis, [1], 8],
  ['bound and native', () => boundNative, [2, 9], 9],
  ['a native one under another name', () => () => native.call([1, 2], (x: number) => x + 1), [], [2, 3]],
  ['a native one', () => Math.max, [1, 5, 2], 5],
  ['a built-in module', () => (a: string) => path.join(a, 'b'), ['a'], 'a/b'],
  ['a member of a built-in module', () => path.basename, ['/x/y'], 'y'],
  [
    'a destructured one',
    () => {
      const { existsSync: e } = fs;
      return () => e('/etc');
    },
    [],
    true,
  ],
  ['a promisified one', () => async () => (await readText('/etc/hostname', 'utf8')).length > 0, [], true],
  ['new Function', () => viaNewFunction, [4], 8],
  ['made by eval', () => viaEval, [1], 5],
  ['calling eval', () => evalInside, [], /calls eval\(\)/],
  ['super without its object', () => home.hi, [], /"super"/],
  [
    'new.target of an arrow',
    () => {
      function F(this: unknown) {
        return () => new.target;
      }
      return F.call({});
    },
    [],
    /new\.target/,
  ],
  [
    'comments everywhere',
    () =>
      /* c */ async function /* n */ named(a: number /* x */, ...r: number[]) {
        return a + r.length; /* tail */
      },
    [1, 2],
    2,
  ],
  [
    'optional catch, labels',
    () => () => {
      outer: for (const a of [1, 2])
        for (const b of [1, 2]) {
          if (b === 2) continue outer;
          try {
            throw a;
          } catch {
            return top;
          }
        }
      return 0;
    },
    [],
    10,
  ],
  [
    'its name stays',
    () => {
      const foo = (): string => foo.name;
      return foo;
    },
    [],
    'foo',
  ],
  ['functions as arguments', () => (f: (x: number) => number, x: number) => f(x), [(y: number) => y * base.a, 2], 2],
  [
    'a running generator does not travel',
    () => () =>
      (function* () {
        yield 1;
      })(),
    [],
    /generator/,
  ],
  [
    'a Proxy does not travel',
    () => {
      const proxy = new Proxy(() => 1, {});
      return () => proxy();
    },
    [],
    /Proxy/,
  ],
];

runCases(cases);
