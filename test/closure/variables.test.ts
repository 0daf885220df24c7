import { type Case, runCases } from './table.ts';

let topLet = 10;
const topConst = { a: 1 };
// eslint-disable-next-line no-var
var topVar = 3;
export const exported = 5;
export let exportedLet = 6;
const topArrow = (x: number): number => x * topLet;
function topFn(x: number): number {
  return topArrow(x) + topConst.a;
}
const fact = (n: number): number => (n <= 1 ? 1 : n * fact(n - 1));
function even(n: number): boolean {
  return n === 0 ? true : odd(n - 1);
}
function odd(n: number): boolean {
  return n === 0 ? false : even(n - 1);
}
const loops: (() => number)[] = [];
for (let i = 0; i < 20; i++) loops.push(() => i);
const cases: readonly Case[] = [
  ['a pure arrow', () => (x: number) => x * 2, [4], 8],
  ['a top-level let', () => () => topLet, [], 10],
  [
    'a top-level let that changed',
    () => {
      topLet = 11;
      const f = () => topLet;
      topLet = 12;
      return f;
    },
    [],
    12,
  ],
  [
    'and that changed back',
    () => {
      topLet = 10;
      return () => topLet;
    },
    [],
    10,
  ],
  ['a top-level const object', () => () => topConst.a, [], 1],
  ['a top-level var', () => () => topVar, [], 3],
  ['own exports of main', () => () => [exported, exportedLet], [], [5, 6]],
  ['functions that call functions', () => topFn, [2], 21],
  ['recursion', () => fact, [5], 120],
  ['mutual recursion', () => even, [7], false],
  ['mutual recursion through an arrow', () => (n: number) => odd(n), [7], true],
  [
    'the let of a loop',
    () => {
      const fs: (() => number)[] = [];
      for (let i = 0; i < 3; i++) fs.push(() => i);
      return fs[1];
    },
    [],
    1,
  ],
  ['many of those in one message', () => () => loops.map((f) => f()), [], Array.from({ length: 20 }, (_, i) => i)],
  // eslint-disable-next-line no-var
  [
    'the var of a loop is shared',
    () => {
      const fs: (() => number)[] = [];
      for (var i = 0; i < 3; i++) fs.push(() => i);
      return fs[1];
    },
    [],
    3,
  ],
  [
    'for-of const',
    () => {
      let f;
      for (const v of [7, 8]) f ??= () => v;
      return f;
    },
    [],
    7,
  ],
  ['three levels deep', () => ((a) => ((b) => ((c) => () => [a, b, c])(3))(2))(1), [], [1, 2, 3]],
  [
    'shadowing',
    () => {
      const x = 1;
      {
        const x = 2;
        const g = () => x;
        return [x, g][1];
      }
      return x;
    },
    [],
    2,
  ],
  [
    'a parameter and a default',
    () =>
      (
        (a: number, b = a + 1) =>
        () => [a, b]
      )(1),
    [],
    [1, 2],
  ],
  [
    'a default that sees a parameter',
    () =>
      ((a: number, g = () => a) => {
        a = 5;
        return g;
      })(1),
    [],
    5,
  ],
  [
    'a destructured parameter',
    () =>
      (
        ({
          a: {
            b: [c],
          },
        }: {
          a: { b: number[] };
        }) =>
        () =>
          c
      )({ a: { b: [9] } }),
    [],
    9,
  ],
  [
    'a catch variable',
    () => {
      try {
        throw new Error('cv');
      } catch (e) {
        return () => (e as Error).message;
      }
    },
    [],
    'cv',
  ],
  [
    'a switch scope',
    () => {
      switch (topVar) {
        case 3: {
          let q = 3;
          q++;
          return () => q;
        }
        default:
          return undefined;
      }
    },
    [],
    4,
  ],
  [
    'a generator that begins with a function is not run here',
    () => {
      let n = 0;
      const pair = () => {
        let m = 0;
        const step = function* () {
          function one() {
            return 1;
          }
          n++;
          yield (m += one());
        };
        return step;
      };
      const [a, b] = [pair(), pair()];
      return () => [...a(), ...b(), n];
    },
    [],
    [1, 1, 2],
  ],
  [
    'identical counters of generators stay apart, and two of one counter together',
    () => {
      const pair = () => {
        let n = 0;
        const step = function* () {
          yield ++n;
        };
        const slow = async function* () {
          yield ++n;
        };
        return [step, slow] as const;
      };
      const [a, b] = pair();
      const [c, d] = pair();
      const first = async (made: AsyncGenerator<number>) => (await made.next()).value as number;
      return async () => [...a(), await first(b()), ...c(), await first(d())];
    },
    [],
    [1, 2, 1, 2],
  ],
  [
    'a shadowed global',
    () => {
      const Map = class {
        x() {
          return 'mine';
        }
      };
      return () => new Map().x();
    },
    [],
    'mine',
  ],
  [
    'what it does not use is not sent',
    () => {
      const huge = new WeakMap();
      const used = 1;
      const g = () => huge;
      return () => [used, g][0] ?? g;
    },
    [],
    /WeakMap/,
  ],
  [
    'nor what only its neighbours use',
    () => {
      const huge = new WeakMap();
      const used = 1;
      const g = () => huge;
      void g;
      return () => used;
    },
    [],
    1,
  ],
  ['a name that is nowhere', () => () => typeof notDefinedAnywhere, [], 'undefined'],
  [
    'unicode and dollar names',
    () => {
      const $ = 1,
        é = 2,
        ñ_$ = 3;
      return () => $ + é + ñ_$;
    },
    [],
    6,
  ],
  [
    'before its initialisation',
    () => {
      const f = () => later;
      const r = f;
      if (topVar < 0) return r;
      return [r].map((g) => g)[0];
      const later = 1;
    },
    [],
    /not initialised/,
  ],
];

declare const notDefinedAnywhere: unknown;

runCases(cases);
