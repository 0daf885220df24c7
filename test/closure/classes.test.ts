import { EventEmitter } from 'node:events';
import { Shape } from './fixtures/dep.js';
import { type Case, loose, runCases } from './table.ts';

let top = 10;
top = Number(top);
class Base {
  v: number;
  constructor(v: number) {
    this.v = v;
  }
}
class Plain extends Base {
  field = top;
  static s = { q: 1 };
  m() {
    return [this.v, this.field, Plain.s.q];
  }
}
interface OldInstance {
  n: number;
  dbl(): number;
}
const OldCtor = function (this: OldInstance, n: number) {
  this.n = n;
} as unknown as { new (n: number): OldInstance; prototype: OldInstance; helper: number };
OldCtor.prototype.dbl = function (this: OldInstance) {
  return this.n * 2;
};
OldCtor.helper = 4;
const key = Symbol('k');
const dynamic = 'dynName';
class Computed {
  [key]() {
    return 's';
  }
  [dynamic + '1']() {
    return 'd';
  }
  static [dynamic]() {
    return 'st';
  }
  get [dynamic + 'g']() {
    return 'g';
  }
  *[Symbol.iterator]() {
    yield 1;
  }
}
class W {
  who() {
    return 'w';
  }
}
const Mixin = (B: typeof W) =>
  class extends B {
    mixed() {
      return 'm' + super.who();
    }
  };
const Mixed = Mixin(W);
class Patched {
  m() {
    return 1;
  }
}
Patched.prototype.m = function () {
  return 2;
};
Object.assign(Patched.prototype, { extra: 5 });
class Statics {
  static k = 4;
  static f = (x: number) => x + Statics.k;
  static inst: unknown = new Statics();
  static #priv = [1];
  static get priv() {
    return Statics.#priv;
  }
}
class Emitter extends EventEmitter {
  #p = 1;
  go() {
    let r = 0;
    this.on('x', (v: number) => {
      r = v + this.#p;
    });
    this.emit('x', 1);
    return r;
  }
}
const cases: readonly Case[] = [
  ['a class', () => (n: number) => new Plain(n).m(), [1], [1, 10, 1]],
  [
    'an instance',
    () => {
      const i = Object.assign(new Plain(4), { extra: 'e' });
      return () => [i.m(), i.extra, i instanceof Plain, i instanceof Base];
    },
    [],
    [[4, 10, 1], 'e', true, true],
  ],
  [
    'an instance of an imported class',
    () => {
      const s = new Shape(3);
      return () => [s.area(), s instanceof Shape];
    },
    [],
    [9, true],
  ],
  [
    'a class that extends an imported one',
    () => {
      class S2 extends Shape {
        #z = 2;
        vol() {
          return this.area() * this.#z;
        }
      }
      const s = new S2(3);
      return () => [s.vol(), s instanceof Shape, s instanceof S2];
    },
    [],
    [18, true, true],
  ],
  [
    'an old-style constructor',
    () => () => {
      const o = new OldCtor(4);
      return [o.dbl(), OldCtor.helper];
    },
    [],
    [8, 4],
  ],
  [
    'old-style inheritance',
    () => {
      const A = function () {} as unknown as typeof OldCtor;
      const B = function () {} as unknown as typeof OldCtor;
      A.prototype.dbl = () => 7;
      B.prototype = Object.create(A.prototype) as OldInstance;
      return () => new B(1).dbl();
    },
    [],
    7,
  ],
  [
    'subclasses of Map, Error, Array',
    () => {
      class MM extends Map<string, number> {
        twice(k: string) {
          return this.get(k)! * 2;
        }
      }
      class EE extends Error {
        code = 4;
      }
      class AA extends Array<number> {
        sum() {
          return this.reduce((a, b) => a + b, 0);
        }
      }
      const m = new MM([['a', 2]]),
        e = new EE('x'),
        a = AA.from([1, 2]) as AA;
      return () => [m.twice('a'), e.code, e instanceof EE, e.message, a.sum(), a.length];
    },
    [],
    [4, 4, true, 'x', 3, 2],
  ],
  [
    'computed members',
    () => () => {
      const c = new Computed() as unknown as Record<string | symbol, () => string>;
      return [
        c[key]!(),
        c['dynName1']!(),
        (Computed as unknown as typeof c)[dynamic]!(),
        c['dynNameg'],
        [...(loose(c) as Iterable<number>)],
      ];
    },
    [],
    ['s', 'd', 'st', 'g', [1]],
  ],
  ['a mixin', () => () => new Mixed().mixed(), [], 'mw'],
  [
    'a prototype that was changed',
    () => () => [new Patched().m(), (new Patched() as unknown as { extra: number }).extra],
    [],
    [2, 5],
  ],
  ['static fields', () => () => [Statics.f(1), Statics.inst instanceof Statics, Statics.priv], [], [5, true, [1]]],
  [
    'extends null',
    () => {
      const nothing = null as unknown as typeof Object;
      class N extends nothing {
        static hi() {
          return 'null';
        }
      }
      return () => N.hi();
    },
    [],
    'null',
  ],
  ['extends a built-in class', () => () => new Emitter().go(), [], 2],
  [
    'an instance of that',
    () => {
      const e = new Emitter();
      return () => e.go();
    },
    [],
    2,
  ],
  [
    'two classes of one place',
    () => {
      const mk = (n: number) =>
        class {
          get() {
            return n;
          }
        };
      const A = mk(1),
        B = mk(2);
      return () => [new A().get(), new B().get()];
    },
    [],
    [1, 2],
  ],
  [
    'a class variable that is written',
    () => {
      let K = class {
        static a = 1;
      };
      K = class {
        static a = 2;
      };
      return () => K.a;
    },
    [],
    2,
  ],
  [
    'an intrinsic class',
    () => {
      const T = Uint8Array;
      return () => new T(2).length;
    },
    [],
    2,
  ],
];

runCases(cases);
