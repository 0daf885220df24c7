import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { capture, CaptureError, type Pool, task } from 'manycore';
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from 'manycore/futures';
import { eachContext, rejection, testClean, testPool } from '../matrix.ts';

type NumberFunction = (x: number) => number | Promise<number>;

async function collected(stream: AsyncIterable<number>): Promise<number[]> {
  const list: number[] = [];
  for await (const each of stream) list.push(each);
  return list.toSorted((a, b) => a - b);
}

/** Every kind of call, with 1, 2 and 3. */
const calls: Record<string, (pool: Pool, fn: NumberFunction) => unknown> = {
  apply: async (pool, fn) => Promise.all([1, 2, 3].map((x) => pool.apply(fn, [x]))),
  applyAsync: async (pool, fn) => Promise.all([1, 2, 3].map((x) => pool.applyAsync(fn, [x]))),
  applySync: (pool, fn) => [1, 2, 3].map((x) => pool.applySync(fn, [x])),
  map: async (pool, fn) => pool.map(fn, [1, 2, 3]),
  mapAsync: async (pool, fn) => pool.mapAsync(fn, [1, 2, 3]),
  mapSync: (pool, fn) => pool.mapSync(fn, [1, 2, 3]),
  mapSettled: async (pool, fn) =>
    (await pool.mapSettled(fn, [1, 2, 3])).map((each) => each.status === 'fulfilled' && each.value),
  starmap: async (pool, fn) => pool.starmap(fn, [[1], [2], [3]]),
  starmapAsync: async (pool, fn) => pool.starmapAsync(fn, [[1], [2], [3]]),
  starmapSync: (pool, fn) => pool.starmapSync(fn, [[1], [2], [3]]),
  imap: async (pool, fn) => collected(pool.imap(fn, [1, 2, 3])),
  imapUnordered: async (pool, fn) => collected(pool.imapUnordered(fn, [1, 2, 3])),
  broadcast: async (pool, fn) =>
    (await Promise.all([1, 2, 3].map((x) => pool.broadcast(fn, [x])))).map(([first]) => first),
};

eachContext((context) => {
  const factor = 3;
  const times = (by: number): NumberFunction => {
    function nested(x: number): number {
      return x * by;
    }
    return nested;
  };
  const functions: Record<string, NumberFunction> = {
    'a lambda': (x) => x * 3,
    'a closure': (x) => x * factor,
    'a nested function': times(3),
    'an asynchronous closure': async (x) => x * factor,
  };

  testPool(
    'functions: lambdas, closures and nested functions in every kind of call (T453)',
    { context, workers: 2 },
    async (pool) => {
      for (const [kind, call] of Object.entries(calls))
        for (const [what, fn] of Object.entries(functions))
          assert.deepEqual(await call(pool, fn), [3, 6, 9], `${kind} of ${what}`);
    },
  );

  testClean('functions: the same in the calls of an executor, and as initializer and callback (T453)', {}, async () => {
    const told: number[] = [];
    const initializer = (): void => void Object.assign(globalThis, { base: factor * 100 });
    await using executor: Executor =
      context === 'process'
        ? new ProcessPoolExecutor({ maxWorkers: 1, initializer })
        : new ThreadPoolExecutor({ maxWorkers: 1, initializer });
    for (const fn of Object.values(functions)) {
      const future = executor.submit(fn, 1);
      future.addDoneCallback(() => void told.push(factor));
      assert.equal(await future, 3);
      assert.deepEqual(await collected(executor.map(fn, [1, 2, 3])), [3, 6, 9]);
    }
    assert.equal(await executor.submit(() => Reflect.get(globalThis, 'base') as number), 300);
    assert.deepEqual(told, [3, 3, 3, 3]);
  });

  testPool('functions: recursive ones, and two that call each other (T455)', { context, workers: 1 }, async (pool) => {
    const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
    const isEven = (n: number): boolean => n === 0 || isOdd(n - 1);
    const isOdd = (n: number): boolean => n !== 0 && isEven(n - 1);
    function fibonacci(n: number): number {
      return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
    }
    assert.equal(await pool.apply(factorial, [5]), 120);
    assert.deepEqual(await pool.map(isEven, [0, 7, 10]), [true, false, true]);
    assert.deepEqual(await pool.map(isOdd, [0, 7, 10]), [false, true, false]);
    assert.equal(await pool.apply(fibonacci, [10]), 55);
  });

  testPool(
    'functions: one that was made anew between two calls of a pool runs as it is now (T456)',
    { context, workers: 1 },
    async (pool) => {
      let step = (x: number): number => x + 1;
      const run = (x: number): number => step(x);
      assert.equal(await pool.apply(run, [1]), 2);
      step = (x) => x + 100;
      assert.equal(await pool.apply(run, [1]), 101);
      // The same name and place, another one each time.
      const made = (by: number): NumberFunction =>
        function same(x: number) {
          return x * by;
        };
      for (const by of [2, 3, 2]) assert.equal(await pool.apply(made(by), [10]), by * 10);
      for (const text of ['return x + 1', 'return x + 2', 'return x + 1'])
        assert.equal(await pool.apply(new Function('x', text) as NumberFunction, [1]), text.endsWith('1') ? 2 : 3);
    },
  );

  testPool(
    'functions: a class of this program, its methods and its instances (T458)',
    { context, workers: 1 },
    async (pool) => {
      class Point {
        readonly x: number;
        constructor(x: number) {
          this.x = x;
        }
        moved(by: number): Point {
          return new Point(this.x + by);
        }
      }
      const point = new Point(1);
      const back = await pool.apply((given: Point) => [given instanceof Point, given.moved(2)] as const, [point]);
      assert.equal(back[0], true);
      assert.ok(back[1] instanceof Point);
      assert.equal(back[1].x, 3);
      const bound = await pool.apply(point.moved.bind(point), [10]);
      assert.ok(bound instanceof Point && bound.x === 11);
      const made = await pool.apply((Of: typeof Point) => new Of(7), [Point]);
      assert.ok(made instanceof Point && made.moved(1).x === 8);
    },
  );

  testPool(
    'functions: one in an argument that cannot travel is named with its place; given what it needs it can (T459)',
    { context, workers: 1 },
    async (pool) => {
      const server = createServer();
      const table = { read: { port: () => (server.listening ? 1 : 0) } };
      const use = (given: { read: { port: () => number } }): number => given.read.port();
      const error = await rejection(pool.apply(use, [table]));
      assert.ok(error instanceof CaptureError, error.stack);
      assert.match(error.message, /^Cannot send args\[0\]\.read\.port -> server: it is a net\.Server, which lives/);
      const given = {
        read: { port: capture(() => (server.listening ? 1 : 0), { captured: { server: { listening: true } } }) },
      };
      assert.equal(await pool.apply(use, [given as unknown as typeof table]), 1);
      assert.equal(await pool.apply((x: number) => x, [2]), 2);
    },
  );

  testPool(
    'functions: methods of classes and instances, inherited ones, and decorated ones, have their class and instance (T461, T462)',
    { context, workers: 1 },
    async (pool) => {
      class Base {
        static kind = 'base';
        static describe(): string {
          return `${this.name} ${this.kind}`;
        }
        readonly size: number;
        constructor(size: number) {
          this.size = size;
        }
        area(by: number): number {
          return this.size * by;
        }
      }
      class Derived extends Base {
        static override kind = 'derived';
        override area(by: number): number {
          return super.area(by) + 1;
        }
      }
      assert.equal(await pool.apply(Derived.describe.bind(Derived)), 'Derived derived');
      assert.equal(await pool.apply(() => Base.describe()), 'Base base');
      const instance = new Derived(5);
      assert.equal(await pool.apply(instance.area.bind(instance), [2]), 11);
      assert.equal(await pool.apply((each: Base) => each.area(2), [instance]), 11);

      // A decorator as they are written: a task of the pool, with the name and the text of what it decorates.
      const inPool =
        <A extends unknown[], R>(fn: (...args: A) => R) =>
        (...args: A): Promise<Awaited<R>> =>
          pool.apply(fn as (...given: unknown[]) => R, args);
      const documented = Object.assign(
        function halve(x: number): readonly [number, string, string, number] {
          return [x / 2, documented.name, documented.doc, task().id];
        },
        { doc: 'Half of it.' },
      );
      const [half, name, doc] = await inPool(documented)(8);
      assert.deepEqual([half, name, doc], [4, 'halve', 'Half of it.']);
      const callable = Object.assign((x: number) => callable.base + x, { base: 40 });
      assert.equal(await inPool(callable)(2), 42);
    },
  );
});
