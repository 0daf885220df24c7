import assert from 'node:assert/strict';
import { CaptureError, Pool, PoolBrokenError, range, SerializationError, SharedValue, task } from 'manycore';
import { createServer } from 'node:net';
import { eachContext, rejection, testClean, testPool } from '../matrix.ts';

const state = globalThis as { prepared?: string; calls?: number };

function prepare(...parts: string[]): void {
  state.prepared = parts.join('-');
  state.calls = (state.calls ?? 0) + 1;
}

// What a thread has once and for all: its first shared memory, its bell.
void new SharedValue('i32');

const prepared = (): string | undefined => state.prepared;

eachContext((context) => {
  testPool(
    'initializer: runs once in each worker, with its arguments (L290)',
    { context, workers: 3, ...withPrepare() },
    async (pool) => {
      assert.deepEqual(
        await pool.broadcast(() => [state.prepared, state.calls]),
        Array.from({ length: 3 }, () => ['a-b', 1]),
      );
      assert.equal(state.prepared, undefined, 'not here');
    },
  );

  testPool(
    'initializer: replacements have it too (L290)',
    { context, workers: 1, maxTasksPerChild: 1, ...withPrepare() },
    async (pool) => {
      const seen = await pool.map(() => [state.prepared, task().workerId] as const, range(4), { chunkSize: 1 });
      assert.deepEqual(
        seen.map(([text]) => text),
        ['a-b', 'a-b', 'a-b', 'a-b'],
      );
      assert.equal(new Set(seen.map(([, id]) => id)).size, 4);
      await rejection(pool.apply(() => process.exit(1)));
      assert.equal(await pool.apply(prepared), 'a-b');
    },
  );

  testPool(
    'initializer: an asynchronous one is waited for',
    {
      context,
      workers: 2,
      initializer: async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        state.prepared = 'late';
      },
    },
    async (pool) => {
      assert.deepEqual(await pool.map(prepared, range(4), { chunkSize: 1 }), ['late', 'late', 'late', 'late']);
    },
  );

  testPool(
    'initializer: one that always throws breaks the pool, no respawn storm (L291, U474, V500)',
    {
      context,
      workers: 2,
      initializer: () => {
        throw new TypeError('no database');
      },
    },
    async (pool) => {
      let exits = 0;
      pool.on('workerExit', () => exits++);
      const pending = pool.map((x: number) => x, range(10));
      const stream = pool.imap((x: number) => x, range(10));
      const error = await rejection(pending);
      assert.ok(error instanceof PoolBrokenError);
      assert.match(error.message, /TypeError: no database/);
      assert.match(error.message, /Stopped restarting\. Correct .* make a new pool\./);
      assert.ok(error.cause instanceof TypeError);
      assert.match(String(error.cause.stack), /initializer\.test/);
      assert.ok((await rejection(stream.next())) instanceof PoolBrokenError);
      assert.throws(() => pool.apply(() => 1), PoolBrokenError);
      assert.throws(() => pool.map(() => 1, []), PoolBrokenError);
      assert.equal(pool.statistics().state, 'broken');
      await pool.join();
      assert.ok(exits <= 8, `${exits} workers`);
    },
  );

  testClean('initializer: one that fails at every second start is tried again, and no task is lost', {}, async () => {
    const starts = new SharedValue('i32');
    const initializer = (): void => {
      if (starts.add(1) % 2 === 1) throw new Error('every second time');
      state.prepared = 'prepared';
    };
    await using pool = new Pool({ context, workers: 1, maxTasksPerChild: 1, initializer });
    const seen = await pool.map((x: number) => [x, state.prepared] as const, range(6), { chunkSize: 1 });
    assert.deepEqual(
      seen,
      Array.from({ length: 6 }, (_, i) => [i, 'prepared']),
    );
    // The first worked, and each of the five that replaced it came at the second attempt.
    assert.ok(starts.value >= 11, `${starts.value} starts`);
    assert.equal(pool.statistics().lost, 0);
  });

  testPool(
    'initializer: one that never ends is given up (bootTimeout)',
    {
      context,
      workers: 1,
      bootTimeout: 1_500,
      initializer: () => new Promise<never>(() => {}),
    },
    async (pool) => {
      const error = await rejection(pool.apply(() => 1));
      assert.ok(error instanceof PoolBrokenError);
      assert.match(error.message, /1500 ms.*bootTimeout/);
    },
  );

  testPool(
    'initializer: one that ends its worker breaks the pool in the end',
    {
      context,
      workers: 1,
      restart: { intensity: 3 },
      initializer: () => process.exit(4),
    },
    async (pool) => {
      const error = await rejection(pool.apply(() => 1));
      assert.ok(error instanceof PoolBrokenError);
      assert.match(error.message, /exit code 4/);
    },
  );

  testClean('initializer: one that cannot travel is refused by the constructor, which leaves nothing', {}, async () => {
    const server = createServer();
    assert.throws(
      () => new Pool({ context, workers: 2, initializer: () => server.listening }),
      (error: unknown) =>
        error instanceof CaptureError &&
        /server.*Server/.test(error.message) &&
        /initializer\.test/.test(String(error.stack)),
    );
    assert.throws(
      () =>
        new Pool({
          context,
          workers: 2,
          initializer: (map: WeakMap<object, object>) => map,
          initArgs: [new WeakMap()],
        }),
      SerializationError,
    );
  });
});

function withPrepare(): object {
  return { initializer: prepare, initArgs: ['a', 'b'] };
}
