import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createRunner, type Kind } from './runner.ts';

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
  moved(by: number): Point {
    return new Point(this.x + by);
  }
}

for (const kind of ['thread', 'process'] as readonly Kind[]) {
  void describe(`classes between here and a ${kind}`, () => {
    const runner = createRunner(kind);
    after(() => runner.close());

    test('an instance of a class of main comes back as one of that class', async () => {
      const back = (await runner.run((n: number) => new Point(n), 4)) as Point;
      assert.ok(back instanceof Point);
      assert.equal(back.moved(1).x, 5);
      assert.equal(back.constructor, Point);
    });

    test('the class itself comes back as the very same', async () => {
      assert.equal(await runner.run(() => Point), Point);
    });

    test('the worker has one class for it, whatever the message', async () => {
      await runner.run((C: typeof Point) => ((globalThis as { kept?: unknown }).kept = C) === C, Point);
      assert.equal(await runner.run(() => (globalThis as { kept?: unknown }).kept === Point), true);
    });

    test('a class first seen from a worker is one class here', async () => {
      const make = (n: number): object => {
        const all = globalThis as { Made?: new (n: number) => object };
        all.Made ??= class Made {
          n: number;
          constructor(m: number) {
            this.n = m;
          }
        };
        return new all.Made(n);
      };
      const [a, b] = [await runner.run(make, 1), await runner.run(make, 2)] as [{ n: number }, { n: number }];
      assert.equal(a.constructor, b.constructor);
      assert.deepEqual([a.n, b.n], [1, 2]);
      assert.equal(
        await runner.run(
          (value: object) => value instanceof ((globalThis as { Made?: new () => object }).Made ?? Object),
          a,
        ),
        true,
      );
    });

    test('a function comes back and works here, and there again', async () => {
      let n = 1;
      n++;
      const back = (await runner.run(() => (x: number) => x * n)) as (x: number) => number;
      assert.equal(back(3), 6);
      assert.equal(await runner.run(back as never, 4), 8);
    });

    test('what was imported goes on by reference', async () => {
      const { plain } = await import('./fixtures/dep.js');
      assert.equal(await runner.run(() => plain), plain);
    });

    test('an instance with private fields goes there and back', async () => {
      class Secret {
        #s: number;
        constructor(s: number) {
          this.#s = s;
        }
        get(): number {
          return this.#s;
        }
      }
      const back = (await runner.run((s: Secret) => [s.get() + 1, new Secret(s.get() + 2)], new Secret(1))) as [
        number,
        Secret,
      ];
      assert.equal(back[0], 2);
      assert.ok(back[1] instanceof Secret);
      assert.equal(back[1].get(), 3);
    });
  });
}
