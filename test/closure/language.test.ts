/** Corners of the language that a text alone does not show. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, describe, test } from 'node:test';
import { createRunner, type Kind } from './runner.ts';
import { type Case, runCases } from './table.ts';

class Statics {
  static *method() {
    yield 0;
  }
  static generator = function* () {
    yield 1;
  };
  static later = async function () {
    return 2;
  };
  static arrow = () => 3;
  static fn = function () {
    return 4;
  };
  // @ts-expect-error A name that functions have anyway.
  static override length = 16;
  static arguments = ['a'];
  static caller = 'me';
}

class 动物 {
  #名 = 1;
  叫() {
    return this.#名;
  }
}

class Frozen {
  static readonly list = Object.freeze([1]);
  static readonly red = new Frozen('red');
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  static {
    Object.freeze(this);
  }
}

class Coded extends Error {
  #code = 0;
  detail = 'none';
  coded(code: number): this {
    this.#code = code;
    this.detail = 'some';
    return this;
  }
  get code(): number {
    return this.#code;
  }
}

class Counted extends Map<string, number> {
  #reads = 5;
  override get(key: string): number | undefined {
    this.#reads++;
    return super.get(key);
  }
  get reads(): number {
    return this.#reads;
  }
}

class Stack extends Array<number> {
  #top = 3;
  get top(): number {
    return this.#top;
  }
}

class Pixels extends Uint8Array {
  #width = 2;
  get width(): number {
    return this.#width;
  }
}

const cases: Case[] = [
  [
    'static fields that hold functions, or have the names of what functions have',
    () => async () => [
      [...Statics.method(), ...Statics.generator()],
      await Statics.later(),
      Statics.arrow(),
      Statics.fn(),
      Statics.length,
      Reflect.get(Statics, 'arguments'),
      Reflect.get(Statics, 'caller'),
    ],
    [],
    [[0, 1], 2, 3, 4, 16, ['a'], 'me'],
  ],
  ['methods and private fields with names of other scripts', () => () => new 动物().叫(), [], 1],
  [
    'the `this` around a class, in its heritage and its keys',
    () => {
      class Base {
        who() {
          return 'base';
        }
      }
      return function (this: { Base: typeof Base; key: string }) {
        return () => {
          const Made = class extends this.Base {
            // @ts-expect-error TypeScript does not know it there.
            [this.key]() {
              return 7;
            }
          };
          const made = new Made();
          return [made.who(), Reflect.get(made, 'hey').call(made)];
        };
      }.call({ Base, key: 'hey' });
    },
    [],
    ['base', 7],
  ],
  ["a namespace of Node's as an argument", () => (its: typeof fs) => typeof its.readFileSync, [fs], 'function'],
];
runCases(cases);

for (const kind of ['thread', 'process'] as readonly Kind[]) {
  void describe(`several sends to a ${kind}`, () => {
    const runner = createRunner(kind);
    after(() => runner.close());

    test('a `var` that is declared twice is assigned to, and so is a parameter', async () => {
      var x = 1;
      const f = (): number => x;
      assert.equal(await runner.run(f), 1);
      // oxlint-disable-next-line no-redeclare, block-scoped-var
      var x = 2;
      assert.equal(await runner.run(f), 2);
    });

    test('private fields of classes that extend built-ins, there and back', async () => {
      const values = [new Coded('e').coded(7), new Counted([['a', 1]]), Stack.of(1, 2), new Pixels(4)] as const;
      const [error, map, stack, pixels] = (await runner.run((all: typeof values) => {
        all[1].get('a');
        return [all[0].coded(all[0].code + 1), all[1], all[2], all[3]] as const;
      }, values)) as typeof values;
      assert.ok(error instanceof Coded && map instanceof Counted && stack instanceof Stack && pixels instanceof Pixels);
      assert.deepEqual([error.code, error.detail, error.message], [8, 'some', 'e']);
      assert.deepEqual([map.reads, map.get('a'), stack.top, [...stack], pixels.width], [6, 1, 3, [1, 2], 2]);
      const thrown = await runner
        .run(() => {
          throw new Coded('thrown').coded(9);
        })
        .catch((failure: unknown) => failure);
      assert.ok(thrown instanceof Coded);
      assert.deepEqual([thrown.code, thrown.detail, thrown.message], [9, 'some', 'thrown']);
    });

    test('a symbol is the same in each message, and when it comes back', async () => {
      const key = Symbol('key');
      class Box {
        [key]: number;
        constructor(value: number) {
          this[key] = value;
        }
        get(): number {
          return this[key];
        }
      }
      for (const value of [1, 2]) assert.equal(await runner.run((box: Box) => box.get(), new Box(value)), value);
      assert.equal(await runner.run((object: { [key]: number }) => object[key], { [key]: 9 }), 9);
      assert.equal(await runner.run(() => key), key);
      const theirs = await runner.run(() => ((globalThis as { its?: symbol }).its ??= Symbol('theirs')));
      assert.equal(
        await runner.run((symbol: unknown) => symbol === (globalThis as { its?: symbol }).its, theirs),
        true,
      );
    });

    test('a frozen class, with what it keeps for good, is sent again and again', async () => {
      assert.equal(await runner.run(() => Frozen.red.name), 'red');
      assert.equal(await runner.run((frozen: Frozen) => frozen.name + Frozen.list.length, Frozen.red), 'red1');
    });
  });
}
