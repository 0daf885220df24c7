import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { runInThisContext } from 'node:vm';
import { Pool, PoolBrokenError, TaskQueueTimeoutError, TaskTimeoutError, WorkerLostError } from 'manycore';
import { eachContext, testClean, testPool } from '../matrix.ts';

const square = (x: number): number => x * x;
const patience = { timeout: 15_000 };

eachContext((context) => {
  testPool('blocking: a worker that dies is seen, and replaced', { context, workers: 1 }, (pool) => {
    const die = (how: string): never => {
      if (how === 'exit') process.exit(7);
      for (;;) process.kill(process.pid, how);
    };
    const ways = context === 'process' ? ['exit', 'SIGKILL', 'SIGTERM', 'SIGABRT'] : ['exit'];
    for (const how of ways) {
      const startedMs = performance.now();
      assert.throws(
        () => pool.applyAsync(die, [how]).getSync(patience),
        (error) => {
          assert.ok(error instanceof WorkerLostError);
          assert.equal(error.phase, 'running');
          assert.deepEqual([error.exitCode, error.signal], how === 'exit' ? [7, null] : [null, how]);
          return true;
        },
      );
      assert.ok(performance.now() - startedMs < 5_000);
      assert.equal(pool.applyAsync(square, [4]).getSync(patience), 16);
    }
  });

  testPool('blocking: a death costs its own item only, and may be tried again', { context, workers: 2 }, (pool) => {
    const fragile = (x: number): number => (x === 5 ? process.exit(1) : x);
    const outcomes = pool
      .mapSettled(
        fragile,
        Array.from({ length: 10 }, (_, i) => i),
        { chunkSize: 1 },
      )
      .getSync(patience);
    assert.deepEqual(
      outcomes.map(({ status }) => status === 'rejected'),
      Array.from({ length: 10 }, (_, i) => i === 5),
    );
    const once = new Int32Array(new SharedArrayBuffer(4));
    if (context === 'thread') {
      const dieOnce = (cell: Int32Array): string => (Atomics.add(cell, 0, 1) === 0 ? process.exit(1) : 'lived');
      assert.equal(pool.applyAsync(dieOnce, [once], { retries: { limit: 2, delay: 30 } }).getSync(patience), 'lived');
    }
  });

  testPool(
    'blocking: a hard timeout ends a busy task, a queue timeout one that waits',
    { context, workers: 1 },
    (pool) => {
      pool.applySync(square, [1]);
      const spin = (): void => {
        for (;;);
      };
      const busy = pool.apply(spin, [], { timeout: 100, grace: 50 });
      const waiting = pool.apply(square, [2], { queueTimeout: 60 });
      assert.throws(() => waiting.getSync(patience), TaskQueueTimeoutError);
      const startedMs = performance.now();
      assert.throws(() => busy.getSync(patience), TaskTimeoutError);
      assert.equal(pool.applyAsync(square, [3]).getSync(patience), 9);
      assert.ok(performance.now() - startedMs < 5_000);
    },
  );

  testPool('blocking: retries come after their delays', { context, workers: 1 }, (pool) => {
    const failing = (): never => {
      throw new Error('again');
    };
    let asked = 0;
    const shouldRetry = (): boolean => ++asked < 3;
    assert.throws(
      () => pool.applyAsync(failing, [], { retries: { limit: 5, delay: 20, shouldRetry } }).getSync(patience),
      /again/,
    );
    assert.equal(asked, 3);
  });

  testPool(
    'blocking: workers that die again and again are restarted later and later, until the pool breaks',
    {
      context,
      workers: 1,
      restart: { intensity: 4, period: 60_000 },
    },
    (pool) => {
      const errors: unknown[] = [];
      for (let i = 0; i < 10 && !(errors.at(-1) instanceof PoolBrokenError); i++)
        try {
          pool.applyAsync(() => process.exit(2)).getSync(patience);
        } catch (error) {
          errors.push(error);
        }
      assert.ok(errors[0] instanceof WorkerLostError);
      assert.ok(errors.at(-1) instanceof PoolBrokenError);
    },
  );

  testPool(
    'blocking: a worker that is killed from outside while it is idle',
    { context, workers: 2, chaos: { meanMs: 60, seed: 1 } },
    (pool) => {
      // Deaths come at any moment; who has not begun goes elsewhere.
      for (let i = 0; i < 40; i++) assert.equal(pool.applyAsync(square, [i], { retries: 2 }).getSync(patience), i * i);
    },
  );

  testPool(
    'blocking: a wait that is ended past any finally, as Ctrl-C in the REPL does, leaves nothing behind',
    { context, workers: 2 },
    async (pool) => {
      pool.applySync(square, [1]);
      const spin = (): void => {
        for (;;);
      };
      const stop = new AbortController();
      const spinning = pool.apply(spin, [], { signal: stop.signal, grace: 10 });
      Object.assign(globalThis, { blockForTest: () => spinning.getSync() });
      try {
        assert.throws(() => runInThisContext('blockForTest()', { timeout: 200 }), {
          code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
        });
      } finally {
        Reflect.deleteProperty(globalThis, 'blockForTest');
      }
      assert.equal(pool.applyAsync(square, [2]).getSync(patience), 4);
      await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
      await assert.rejects(spinning, { name: 'AbortError' });
      assert.equal(await pool.apply(square, [3]), 9);
      assert.equal(pool.applyAsync(square, [4]).getSync(patience), 16);
    },
  );

  testClean('blocking: the initializer fails', {}, async () => {
    const pool = new Pool(1, {
      context,
      initializer: () => {
        throw new RangeError('no database');
      },
    });
    try {
      assert.throws(
        () => pool.applyAsync(square, [1]).getSync(patience),
        (error) => error instanceof PoolBrokenError && /no database/.test(String(error.cause)),
      );
    } finally {
      await pool.terminate();
    }
  });
});

testPool(
  'blocking: what children of a task print past our streams does not hold it up',
  { context: 'process', workers: 1 },
  (pool) => {
    const print = (): number => {
      execFileSync(process.execPath, ['-e', 'process.stderr.write(" ".repeat(300_000))'], { stdio: 'inherit' });
      return 1;
    };
    assert.equal(pool.applyAsync(print).getSync(patience), 1);
    assert.equal(typeof execFileSync, 'function');
  },
);
