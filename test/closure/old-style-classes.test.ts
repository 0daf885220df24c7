import assert from 'node:assert/strict';
import { inherits } from 'node:util';
import { after, describe, test } from 'node:test';
import { createContext, runInContext } from 'node:vm';
import { Queue } from 'manycore';
import { createRunner, type Kind } from './runner.ts';

/** What a compiler to ES5 makes of a class: a function with methods on its prototype, and a base whose statics it inherits. */
interface Animal {
  readonly name: string;
  speak(): string;
}
interface OldClass {
  new (name: string): Animal;
  (this: object, name: string): void;
  prototype: Animal;
  /** Of Animal, which the others inherit. */
  called?(name: string): Animal;
}

const Animal = function (this: { name: string }, name: string) {
  this.name = name;
} as unknown as OldClass;
Animal.prototype.speak = function () {
  return `${this.name}: ...`;
};
Animal.called = function (this: OldClass, name: string) {
  return new this(name);
};

const Dog = function (this: Animal, name: string) {
  Animal.call(this, name);
} as unknown as OldClass;
Object.setPrototypeOf(Dog, Animal);
Dog.prototype = Object.create(Animal.prototype, { constructor: { value: Dog, writable: true } }) as Animal;
Dog.prototype.speak = function () {
  return `${Animal.prototype.speak.call(this)} woof`;
};

const Cat = function (this: Animal, name: string) {
  Animal.call(this, name);
} as unknown as OldClass;
inherits(Cat as never, Animal as never);

let born = 0;
const Counted = function (this: { n: number }) {
  this.n = ++born;
} as unknown as new () => { readonly n: number; next(): number };
Counted.prototype.next = function (this: { n: number }) {
  return this.n + born;
};

for (const kind of ['thread', 'process'] as readonly Kind[]) {
  void describe(`old-style classes in a ${kind}`, () => {
    const runner = createRunner(kind);
    after(() => runner.close());

    test('inherit methods and statics', async () => {
      const told = await runner.run(() => [new Dog('a').speak(), Dog.called!('b').speak(), new Cat('c').speak()]);
      assert.deepEqual(told, ['a: ... woof', 'b: ... woof', 'c: ...']);
      assert.equal(await runner.run(() => new Dog('a') instanceof Animal && !(new Dog('a') instanceof Cat)), true);
    });

    test('are one class on each side: instances that go and come are theirs', async () => {
      assert.equal(await runner.run((dog: Animal) => dog instanceof Dog && dog.speak(), new Dog('d')), 'd: ... woof');
      const back = (await runner.run(() => [new Dog('e'), new Cat('f'), Dog])) as [Animal, Animal, OldClass];
      assert.ok(back[0] instanceof Dog && back[0] instanceof Animal && back[1] instanceof Cat);
      assert.equal(back[2], Dog);
      assert.equal(back[0].speak(), 'e: ... woof');
    });

    test('are here what they were, whatever comes back', async () => {
      class Modern {
        static held = { by: 'main' };
      }
      const queue = new Queue();
      const { held } = Modern;
      const { speak } = Dog.prototype;
      await queue.put([new Dog('g'), new Modern()]);
      const [dog, modern] = (await queue.get()) as [Animal, Modern];
      assert.ok(dog instanceof Dog && dog instanceof Animal && modern instanceof Modern);
      await runner.run((its: object) => its, dog);
      assert.equal(Object.getPrototypeOf(Dog), Animal);
      assert.equal(Dog.prototype.speak, speak);
      assert.equal(Modern.held, held);
      queue.close();
    });

    test('are such from the first method on, and renewed only where that can be', async () => {
      let n = 1;
      const Late = function (this: { n: number }) {
        this.n = n;
      } as unknown as new () => { n: number; get(): number };
      assert.equal(((await runner.run(() => new Late())) as object) instanceof Late, false);
      Late.prototype.get = () => n++;
      assert.ok((await runner.run(() => new Late())) instanceof Late);
      const Fixed = function () {} as unknown as new () => { n: number };
      Object.defineProperty(Fixed.prototype, 'n', { get: () => n });
      assert.equal(await runner.run(() => new Fixed().n), 1);
      n = 50;
      assert.equal(await runner.run(() => new Fixed().n), 50);
    });

    test('have the variables as they are at each call', async () => {
      born = 5;
      assert.deepEqual(await runner.run(() => [new Counted().n, new Counted().next()]), [6, 14]);
      born = 50;
      assert.equal(await runner.run(() => new Counted().n), 51);
      assert.equal(born, 50);
    });

    test('functions of another realm have what they inherit from here', async () => {
      const made = runInContext(
        `let n = 1;
        ({ arrow: (x) => x + n, slow: async (x) => x + n, method(x) { return x + n }, old: function (x) { return x + n }, *many() { yield n } })`,
        createContext(),
      ) as Record<'arrow' | 'slow' | 'method' | 'old', (x: number) => unknown> & { many(): Iterable<number> };
      const { arrow, slow, method, old, many } = made;
      const told = await runner.run(async () => [arrow(1), await slow(2), method(3), old(4), ...many()]);
      assert.deepEqual(told, [2, 3, 4, 5, 1]);
    });

    test('a function keeps an object that it was made to inherit from', async () => {
      const callable = Object.setPrototypeOf((x: number) => x + 1, { kind: 'adder' }) as {
        (x: number): number;
        kind: string;
      };
      const task = (): unknown => [callable(1), callable.kind];
      assert.deepEqual(await runner.run(task), [2, 'adder']);
      (Object.getPrototypeOf(callable) as typeof callable).kind = 'other';
      assert.deepEqual(await runner.run(task), [2, 'other']);
    });
  });
}
