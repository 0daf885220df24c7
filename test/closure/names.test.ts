import { type Case, loose, runCases } from './table.ts';

/** Names that mean one thing here and another there: shadowed ones, ones that are not variables, aliases of methods, too early ones. */

const cases: readonly Case[] = [
  [
    'a default value sees the variable outside, not the `var` in the body',
    () => {
      const x = 1;
      return function (f = () => x) {
        // oxlint-disable-next-line no-var
        var x = 2;
        return [f(), x];
      };
    },
    [],
    [1, 2],
  ],
  [
    'written variables under shadows: block, loop, catch, parameter, class, own name',
    () => {
      let x = 1;
      x++;
      return () => {
        const seen: unknown[] = [];
        {
          let x = 50;
          x++;
          seen.push(x);
        }
        for (let x = 0; x < 1; x++) seen.push(x);
        try {
          throw new Error('e');
        } catch (x) {
          seen.push((x as Error).message);
        }
        seen.push(((x: number) => x + 1)(10));
        {
          class x {
            static q = 'class';
          }
          seen.push(x.q);
        }
        seen.push((() => typeof function x() {})());
        return [...seen, x];
      };
    },
    [],
    [51, 0, 'e', 11, 'class', 'function', 2],
  ],
  [
    'labels, keys and members are no variables',
    () => {
      let k = 1;
      k++;
      return () => {
        let rounds = 0;
        k: for (;;) {
          rounds += k;
          if (rounds > 4) break k;
          continue k;
        }
        return { k, member: { k: 'plain' }.k, [k]: rounds };
      };
    },
    [],
    { k: 2, member: 'plain', 2: 6 },
  ],
  [
    'a written variable as a target of patterns and loops',
    () => {
      let a = 1;
      let b = 2;
      return () => {
        [a, b] = [b, a];
        const before = [a, b];
        ({ a = 9 } = {} as { a?: number });
        for (b of [5, 6]);
        return [...before, a, b];
      };
    },
    [],
    [2, 1, 9, 6],
  ],
  [
    'a written variable called __proto__ in a shorthand is a property',
    () => {
      let __proto__ = { q: 1 };
      // oxlint-disable-next-line no-self-assign
      __proto__ = __proto__;
      return () => Object.keys({ __proto__ });
    },
    [],
    ['__proto__'],
  ],
  [
    'a method that a class has under a second name too',
    () => {
      class List {
        *entries() {
          yield 1;
        }
      }
      const { prototype } = List;
      Object.assign(prototype, { [Symbol.iterator]: prototype.entries });
      return () => [...loose(new List())];
    },
    [],
    [1],
  ],
  [
    'methods of a class that changed places',
    () => {
      class Pair {
        #name = 'p';
        a() {
          return 'a';
        }
        b() {
          return 'b';
        }
        show() {
          return this.#name;
        }
      }
      const { a, b, show } = Pair.prototype;
      Object.assign(Pair.prototype, { a: b, b: a, display: show });
      const pair = new Pair();
      return () => [pair.a(), pair.b(), (pair as unknown as { display(): string }).display()];
    },
    [],
    ['b', 'a', 'p'],
  ],
  [
    'a constant, a class and a function that are declared further down',
    () => {
      const early = [() => later, () => new Late(), () => helper(1)];
      const all = early.map((fn) => fn);
      if (all.length > 0) return all[0];
      const later = 4;
      class Late {}
      const helper = (x: number): number => x;
      return undefined;
    },
    [],
    /"later" is not initialised yet/,
  ],
  [
    'a class that is declared further down',
    () => {
      const early = () => new Late();
      if (typeof early === 'function') return early;
      class Late {}
      return undefined;
    },
    [],
    /"Late" is not initialised yet/,
  ],
  [
    'a constant that is undefined',
    () => {
      const { missing, rest } = { rest: 1 } as { missing?: number; rest: number };
      const nothing = undefined;
      return () => [missing, rest, nothing];
    },
    [],
    [undefined, 1, undefined],
  ],
];

runCases(cases);
