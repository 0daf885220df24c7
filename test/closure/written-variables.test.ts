import { type Case, loose, runCases } from './table.ts';

// eslint-disable-next-line no-var
var topVar = 3;
function counterPair(): { inc(): number; get(): number } {
  let c = 0;
  return { inc: () => ++c, get: () => c };
}
let lazy = function (): number {
  const x = 5;
  lazy = () => x + 1;
  return x;
};
let written: unknown;
const readsLater = (): unknown => written;
written = 42;
let total = 0;
const adders = [1, 2, 3].map((k) => () => (total += k));
let a1 = 1;
let a2 = 2;
let asFunction = function (this: unknown): boolean {
  return this === undefined;
};
asFunction = loose(asFunction);

const cases: readonly Case[] = [
  [
    'a counter is copied',
    () => {
      let c = 5;
      return () => ++c;
    },
    [],
    6,
  ],
  [
    'two closures share a variable',
    () => {
      const p = counterPair();
      return () => {
        p.inc();
        p.inc();
        return p.get();
      };
    },
    [],
    2,
  ],
  [
    'two counters with different values stay apart',
    () => {
      const p = counterPair(),
        q = counterPair();
      p.inc();
      return () => {
        q.inc();
        return [p.get(), q.get()];
      };
    },
    [],
    [1, 1],
  ],
  [
    'two identical counters stay apart',
    () => {
      const p = counterPair(),
        q = counterPair();
      return () => {
        p.inc();
        return [p.get(), q.get()];
      };
    },
    [],
    [1, 0],
  ],
  [
    'a module variable that two functions change',
    () => {
      const inc = () => {
        topVar++;
      };
      return () => {
        inc();
        inc();
        return topVar;
      };
    },
    [],
    5,
  ],
  ['one total of three closures', () => () => adders.map((f) => f()), [], [1, 3, 6]],
  [
    'writing captured variables',
    () => () => {
      a1 += a2;
      [a1, a2] = [a2, a1];
      return [a1, a2];
    },
    [],
    [2, 3],
  ],
  [
    'destructuring into captured variables',
    () => {
      let a = 1,
        b = 2;
      return () => {
        [a, b] = [b, a];
        ({ a } = { a: a + 10 });
        return [a, b];
      };
    },
    [],
    [12, 1],
  ],
  [
    'a destructuring default',
    () => {
      let p: number | undefined;
      return () => {
        ({ p = 7 } = {});
        return p;
      };
    },
    [],
    7,
  ],
  [
    'for-of into a captured variable',
    () => {
      let last = 0;
      return () => {
        for (last of [1, 2, 3]);
        return last;
      };
    },
    [],
    3,
  ],
  [
    'all operators',
    () => {
      let n = 1;
      return () => [n++, ++n, n--, typeof n, (n **= 2)];
    },
    [],
    [1, 3, 3, 'number', 4],
  ],
  [
    'shorthand of a written variable',
    () => {
      let m = 1;
      m++;
      return () => ({ m });
    },
    [],
    { m: 2 },
  ],
  [
    'a default that reads a written variable',
    () => {
      let d = 4;
      d++;
      return (x = d) => x;
    },
    [],
    5,
  ],
  ['a function variable is called without this', () => () => asFunction(), [], true],
  [
    'a tag that is written',
    () => {
      let t = (s: TemplateStringsArray) => s[0];
      t = loose(t);
      return () => t`x`;
    },
    [],
    'x',
  ],
  [
    'an optional call of a written variable',
    () => {
      let t: (() => number) | undefined;
      t = loose(t);
      return () => (t as (() => number) | undefined)?.() ?? 'none';
    },
    [],
    'none',
  ],
  [
    'new of a written variable',
    () => {
      let C = Map;
      C = loose(C);
      return () => new C().size;
    },
    [],
    0,
  ],
  ['a function that replaces itself', () => () => [lazy(), lazy()], [], [5, 6]],
  ['a variable that is written after the closure was made', () => readsLater, [], 42],
];

runCases(cases);
