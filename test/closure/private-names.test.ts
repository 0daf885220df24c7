import { Priv } from './fixtures/dep.js';
import { type Case, runCases } from './table.ts';

class Base {
  v: number;
  constructor(v: number) {
    this.v = v;
  }
  who() {
    return 'base' + this.v;
  }
  static sb() {
    return 'sb';
  }
}
class Derived extends Base {
  #p = 2;
  static count = 5;
  static #sp = 9;
  static sp() {
    return Derived.#sp;
  }
  w: number;
  static blockRan = 0;
  constructor(v: number) {
    super(v);
    this.w = 1;
  }
  override who() {
    return super.who() + '+d' + this.#p;
  }
  get prop() {
    return this.#p * 10;
  }
  set prop(x) {
    this.#p = x;
  }
  static {
    Derived.blockRan += 1;
  }
  bump() {
    this.#p++;
    return this.#p;
  }
}
class P {
  #x: unknown = 1;
  static #n = 7;
  static bump() {
    return ++P.#n;
  }
  #m() {
    return this.#x;
  }
  get v() {
    return this.#m();
  }
  set v(y) {
    this.#x = y;
  }
  static make() {
    const p = new P();
    p.v = 9;
    return p;
  }
}
class Q extends P {
  #x = 'q';
  y = 3;
  a: number;
  own = 0;
  get q() {
    return [this.#x, this.v];
  }
  constructor({ a } = { a: 1 }) {
    super();
    this.a = a;
  }
  setq(z: string) {
    this.#x = z;
  }
}
class Methods extends Object {
  #k = 3;
  k: number;
  constructor(k: number) {
    super();
    this.k = k;
  }
  sum(x: number) {
    return this.k + this.#k + x;
  }
  sup() {
    return super.toString();
  }
}

const cases: readonly Case[] = [
  [
    'static, private, super',
    () => {
      Derived.count = 5;
      return (v: number) => {
        const d = new Derived(v);
        return [d.who(), d.prop, Derived.count, Derived.sp(), Derived.sb(), d instanceof Base];
      };
    },
    [1],
    ['base1+d2', 20, 5, 9, 'sb', true],
  ],
  [
    'static state is copied, static blocks do not run again',
    () => {
      Derived.count = 77;
      return () => [Derived.count, Derived.blockRan];
    },
    [],
    [77, 1],
  ],
  [
    'static private state is copied',
    () => {
      class S {
        static #n = 7;
        static bump() {
          return ++S.#n;
        }
      }
      S.bump();
      return () => S.bump();
    },
    [],
    9,
  ],
  [
    'private methods and accessors',
    () => () => {
      const p = new P();
      p.v = 4;
      return p.v;
    },
    [],
    4,
  ],
  [
    'an instance with private fields',
    () => {
      const d = new Derived(3);
      d.prop = 50;
      return () => [d.who(), d.bump()];
    },
    [],
    ['base3+d50', 51],
  ],
  [
    'an instance with private methods',
    () => {
      const p = P.make();
      return () => p.v;
    },
    [],
    9,
  ],
  [
    'a private name in base and derived',
    () => {
      const q = new Q();
      q.v = 8;
      q.setq('z');
      q.own = 1;
      return () => [q.q, q.y, q.a, q.own, q instanceof P];
    },
    [],
    [['z', 8], 3, 1, 1, true],
  ],
  [
    'an instance of an imported class with private fields',
    () => {
      const s = new Priv(3);
      return () => s.get();
    },
    [],
    /private fields/,
  ],
  [
    'private names checked with in',
    () => {
      class C {
        #x = 1;
        static has(o: object) {
          return #x in o;
        }
        get() {
          return this.#x;
        }
      }
      return () => [C.has(new C()), C.has({})];
    },
    [],
    [true, false],
  ],
  [
    'a bound method with private names',
    () => {
      const m = new Methods(1);
      return m.sum.bind(m);
    },
    [2],
    6,
  ],
  [
    'a bound method with super',
    () => {
      const m = new Methods(1);
      return m.sup.bind(m);
    },
    [],
    '[object Object]',
  ],
  [
    'a method with private names alone',
    () => {
      class Alone {
        #k = 3;
        get() {
          return this.#k;
        }
      }
      return new Alone().get;
    },
    [],
    /#k/,
  ],
];

runCases(cases);
