import assert from 'node:assert/strict';
import { AsyncResult, NotReadyError, RemoteError, SerializationError, task, TimeoutError } from 'manycore';
import { eachContext, rejection, testPool } from '../matrix.ts';

class Counter {
  readonly step: number;
  constructor(step: number) {
    this.step = step;
  }
  next(from: number): number {
    return from + this.step;
  }
  static twice(x: number): number {
    return x * 2;
  }
}

class OrderError extends RangeError {
  readonly orderId: number;
  readonly lines: readonly string[];
  constructor(orderId: number, lines: readonly string[]) {
    super(`order ${orderId} is empty`);
    this.name = 'OrderError';
    this.orderId = orderId;
    this.lines = lines;
  }
}

async function later<T>(value: T, ms: number): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return value;
}

eachContext((context) => {
  testPool('pool: apply runs a function with its arguments (J242)', { context, workers: 2 }, async (pool) => {
    assert.equal(await pool.apply((a: number, b: number) => a - b, [7, 2]), 5);
    assert.equal(await pool.apply(() => 'no arguments'), 'no arguments');
    assert.equal(await pool.apply((list: number[]) => list.length, [[1, 2, 3]]), 3);
    assert.equal(await pool.apply(({ a, b }: { a: number; b: number }) => a * b, [{ a: 6, b: 7 }]), 42);
  });

  testPool('pool: a function that returns nothing gives undefined (J255)', { context, workers: 1 }, async (pool) => {
    const result = pool.applyAsync(() => {});
    assert.equal(await result.get(), undefined);
    assert.equal(result.successful(), true);
  });

  testPool('pool: get with a timeout leaves the task running (J257)', { context, workers: 1 }, async (pool) => {
    await pool.apply(() => 0);
    const started = performance.now();
    const result = pool.applyAsync(later<string>, ['late', 400]);
    const error = await rejection(result.get({ timeout: 60 }));
    assert.ok(error instanceof TimeoutError);
    assert.match(error.message, /60 ms.*goes on/);
    assert.ok(performance.now() - started >= 50);
    assert.equal(await result.get({ timeout: 10_000 }), 'late');
  });

  testPool('pool: get twice gives the same value or error (J258)', { context, workers: 1 }, async (pool) => {
    const good = pool.applyAsync((x: number) => ({ x }), [1]);
    assert.equal(await good.get(), await good.get());
    const bad = pool.applyAsync(() => {
      throw new Error('no');
    });
    assert.equal(await rejection(bad.get()), await rejection(bad.get({ timeout: 1_000 })));
  });

  testPool('pool: ready and successful, before and after the end (J259)', { context, workers: 1 }, async (pool) => {
    const result = pool.applyAsync(later<number>, [1, 30]);
    assert.equal(result.ready(), false);
    assert.throws(() => result.successful(), NotReadyError);
    await result;
    assert.deepEqual([result.ready(), result.successful()], [true, true]);
    const failed = pool.applyAsync(() => {
      throw new Error('no');
    });
    await rejection(failed);
    assert.deepEqual([failed.ready(), failed.successful()], [true, false]);
  });

  testPool(
    'pool: wait tells whether the result is there and never throws (J260)',
    { context, workers: 1 },
    async (pool) => {
      const result = pool.applyAsync(later<number>, [1, 200]);
      assert.equal(await result.wait({ timeout: 20 }), false);
      assert.equal(await result.wait(), true);
      const failed = pool.applyAsync(() => {
        throw new Error('no');
      });
      assert.equal(await failed.wait({ timeout: 10_000 }), true);
    },
  );

  testPool(
    'pool: an error keeps its class, message, fields and remote lines (J261)',
    { context, workers: 1 },
    async (pool) => {
      function checkOrder(id: number): void {
        throw new OrderError(id, ['a']);
      }
      const error = await rejection(pool.apply(checkOrder, [17]));
      assert.ok(error instanceof OrderError && error instanceof RangeError);
      assert.deepEqual(
        [error.name, error.message, error.orderId, error.lines],
        ['OrderError', 'order 17 is empty', 17, ['a']],
      );
      const stack = String(error.stack);
      assert.match(stack, /at checkOrder .*apply\.test\.[jt]s/, 'where it was thrown');
      assert.match(stack, /--- on worker 1 \((pid|thread) \d+\), task 1 of apply\(checkOrder\)/);
      const [, callSide] = stack.split('---\n');
      assert.match(String(callSide), /apply\.test\.[jt]s/, 'where apply was called');
      assert.doesNotMatch(stack, /manycore\/dist|entry-(process|thread)/);
    },
  );

  testPool(
    'pool: the stacks of causes and of errors in lists have no lines of the worker either',
    { context, workers: 1 },
    async (pool) => {
      const fail = (): never => {
        const errors = [new Error('one'), new Error('two', { cause: new Error('deep') })];
        throw new Error('outer', { cause: new AggregateError(errors, 'several') });
      };
      const error = await rejection(pool.apply(fail));
      const several = error.cause as AggregateError;
      const [one, two] = several.errors as Error[];
      for (const { stack } of [several, one!, two!, two!.cause as Error]) {
        assert.match(String(stack), /^\w+: \w+\n +at fail .*apply\.test\.[jt]s/);
        assert.doesNotMatch(String(stack), /dist\/worker|src\/worker|node:internal/);
      }
    },
  );

  testPool(
    'pool: an error with a cause arrives once, not wrapped again, over several hops (J263)',
    { context, workers: 2 },
    async (pool) => {
      const thrower = (): never => {
        throw new TypeError('outer', { cause: new RangeError('inner') });
      };
      const first = await rejection(pool.apply(thrower));
      let error = first;
      for (let hop = 0; hop < 3; hop++) {
        error = await rejection(
          pool.apply(
            (e: Error) => {
              throw e;
            },
            [error],
          ),
        );
        assert.ok(error instanceof TypeError);
        assert.equal(error.message, 'outer');
        assert.ok(error.cause instanceof RangeError);
        assert.equal(error.cause.cause, undefined);
      }
      assert.ok(String(error.stack).length < 8 * String(first.stack).length);
    },
  );

  testPool(
    'pool: a result that cannot travel rejects, twenty times, and the workers live on (J264)',
    { context, workers: 2 },
    async (pool) => {
      const before = await pool.broadcast(() => process.pid * 1_000 + task().workerId);
      for (let i = 0; i < 20; i++) {
        const error = await rejection(pool.apply(() => ({ deep: { map: new WeakMap() } })));
        assert.ok(error instanceof SerializationError);
        assert.equal(error.phase, 'result');
        assert.match(error.message, /WeakMap/);
        assert.match(error.path, /deep\.map/);
      }
      assert.deepEqual(await pool.broadcast(() => process.pid * 1_000 + task().workerId), before);
    },
  );

  testPool(
    'pool: methods, bound functions, built-ins, arrows and closures all go (J269)',
    { context, workers: 2 },
    async (pool) => {
      const counter = new Counter(5);
      const factor = 3;
      assert.equal(await pool.apply(counter.next.bind(counter), [1]), 6);
      assert.equal(await pool.apply((from: number) => counter.next(from), [1]), 6);
      assert.equal(await pool.apply(Counter.twice, [4]), 8);
      assert.equal(await pool.apply(Math.max, [1, 9, 3]), 9);
      assert.equal(await pool.apply(Number.parseInt, ['ff', 16]), 255);
      assert.equal(await pool.apply(((a: number, b: number) => a - b).bind(null, 10), [4]), 6);
      assert.equal(await pool.apply((x: number) => x * factor, [5]), 15);
      assert.equal(await pool.apply(async (x: number) => x * factor, [5]), 15);
      assert.ok((await pool.apply((step: number) => new Counter(step), [2])) instanceof Counter);
    },
  );

  testPool('pool: captured variables are read at each call', { context, workers: 1 }, async (pool) => {
    let offset = 1;
    const add = (x: number): number => x + offset;
    assert.equal(await pool.apply(add, [1]), 2);
    offset = 100;
    assert.equal(await pool.apply(add, [1]), 101);
  });

  testPool('pool: an error returned as a value is a value (U471)', { context, workers: 1 }, async (pool) => {
    const value = await pool.apply(() => new RangeError('a value'));
    assert.ok(value instanceof RangeError);
    assert.equal(value.message, 'a value');
  });

  testPool(
    'pool: what is thrown but no error rejects, with the value kept (A2)',
    { context, workers: 1 },
    async (pool) => {
      for (const thrown of [undefined, null, Number.NaN, '', 0, 'text', { code: 7 }]) {
        for (const fn of [(value: unknown) => Promise.reject(value), throwIt]) {
          const error = await rejection(pool.apply(fn, [thrown]));
          assert.ok(error instanceof RemoteError, String(error));
          assert.deepEqual(error.value, thrown);
        }
      }
    },
  );

  testPool(
    'pool: results are awaited by the event loop, which goes on meanwhile (U488)',
    { context, workers: 1 },
    async (pool) => {
      let ticks = 0;
      const ticking = setInterval(() => ticks++, 5);
      const result = pool.apply(() => {
        const end = performance.now() + 200;
        while (performance.now() < end);
        return 'done';
      });
      assert.ok(result instanceof AsyncResult);
      assert.ok(result instanceof Promise);
      assert.equal(await Promise.race([result, new Promise(() => {})]), 'done');
      clearInterval(ticking);
      assert.ok(ticks > 3, `${ticks} ticks`);
    },
  );
});

function throwIt(value: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- the mistake is the case
  throw value;
}
