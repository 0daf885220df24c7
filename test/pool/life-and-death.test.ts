import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, PoolClosedError, PoolRunningError, PoolTerminatedError, range, task } from 'manycore';
import { sleep, square } from '../functions.ts';
import { contexts, eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

const squares = (count: number): number[] => Array.from({ length: count }, (_, i) => i * i);

eachContext((context) => {
  testPool(
    'close: right after submitting, with one task for each worker, all is done (L293)',
    { context, workers: 2, maxTasksPerChild: 1 },
    async (pool) => {
      const results = range(6)
        .toArray()
        .map((i) => pool.apply(square, [i]));
      pool.close();
      await pool.join();
      assert.deepEqual(await Promise.all(results), squares(6));
    },
  );

  testPool(
    'maxTasksPerChild: a worker for each task (U473)',
    { context, workers: 1, maxTasksPerChild: 1 },
    async (pool) => {
      const ids = [];
      for (let i = 0; i < 4; i++) ids.push(await pool.apply(() => task().workerId));
      assert.equal(new Set(ids).size, 4);
    },
  );

  testPool(
    'maxTasksPerChild: a chunk counts as one task (L295)',
    { context, workers: 1, maxTasksPerChild: 2 },
    async (pool) => {
      const ids = await pool.map(() => task().workerId, range(60), { chunkSize: 10 });
      const tasks = new Map<number, number>();
      for (const id of ids) tasks.set(id, (tasks.get(id) ?? 0) + 1);
      for (const items of tasks.values()) assert.ok(items === 10 || items === 20, `${items} items`);
    },
  );

  testPool('close: exit handlers of the workers run before they end (L296)', { context, workers: 2 }, async (pool) => {
    const base = join(tmpdir(), `pooltest-exit-${process.pid}-${context}`);
    const files = await pool.broadcast(
      async (prefix: string) => {
        const fs = await import('node:fs');
        const { workerId } = task();
        process.on('exit', () => fs.writeFileSync(`${prefix}-${workerId}`, 'bye'));
        return `${prefix}-${workerId}`;
      },
      [base],
    );
    pool.close();
    await pool.join();
    assert.deepEqual(
      files.map((file) => existsSync(file)),
      [true, true],
    );
    for (const file of files) rmSync(file);
  });

  testPool(
    'close: further calls are refused, what was queued is done (L297, B11, U475)',
    { context, workers: 1 },
    async (pool) => {
      const queued = pool.map(square, range(50), { chunkSize: 1 });
      const streamed = pool.imap(square, range(50));
      pool.close();
      for (const call of [
        () => pool.apply(square, [1]),
        () => pool.map(square, [1]),
        () => pool.imap(square, [1]),
        () => pool.broadcast(square, [1]),
        () => pool.starmapAsync(square, [[1]]),
        () => pool.mapSettled(square, []),
      ])
        assert.throws(
          call,
          (error: unknown) =>
            error instanceof PoolClosedError && /was closed and takes no more work/.test(error.message),
        );
      pool.close();
      assert.deepEqual(await queued, squares(50));
      const values: number[] = [];
      for await (const value of streamed) values.push(value);
      assert.deepEqual(values, squares(50));
      await pool.join();
      await pool.join();
      assert.equal(pool.statistics().state, 'ended');
      assert.throws(() => pool.apply(square, [1]), PoolClosedError);
    },
  );

  testPool('join: before close is refused (L298, U477)', { context, workers: 1 }, async (pool) => {
    const error = await rejection(pool.join());
    assert.ok(error instanceof PoolRunningError);
    assert.match(error.message, /call close\(\) or terminate\(\) first/);
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool(
    'terminate: what was given up before is not counted; only a block that ends asks whether `await` was forgotten',
    { context, workers: 2 },
    async (pool) => {
      const controller = new AbortController();
      const givenUp = pool.apply(sleep, [60_000], { signal: controller.signal });
      await eventually(() => pool.statistics().running > 0);
      controller.abort();
      await rejection(givenUp);
      const left = rejection(pool.apply(sleep, [60_000]));
      await pool[Symbol.asyncDispose]();
      assert.match((await left).message, /ended while 1 task was not done\. Did you forget `await` at life-and-death/);
    },
  );

  testPool(
    'terminate: ten thousand long tasks are gone at once, all rejected (L299, L300, V515)',
    { context, workers: 2 },
    async (pool) => {
      await pool.broadcast(() => 0);
      const results = range(10_000)
        .toArray()
        .map(() => pool.apply(sleep, [60_000]));
      const mapped = pool.map(sleep, [60_000, 60_000]);
      const streamed = pool.imap(sleep, [60_000]);
      const next = rejection(streamed.next());
      await eventually(() => pool.statistics().running > 0);
      const started = performance.now();
      await pool.terminate();
      assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
      for (const outcome of await Promise.allSettled([...results, mapped]))
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof PoolTerminatedError);
      const error = await next;
      assert.ok(error instanceof PoolTerminatedError);
      assert.match(
        error.message,
        /was terminated while 1000\d tasks were not done\. The first was called at life-and-death\.test\.[jt]s:\d+\./,
      );
      assert.throws(
        () => pool.apply(square, [1]),
        (thrown: unknown) => thrown instanceof PoolClosedError && /terminated/.test(thrown.message),
      );
      await pool.terminate();
      await pool.join();
    },
  );

  testPool('terminate: at once after the start, and twice at the same time', { context, workers: 2 }, async (pool) => {
    const result = pool.apply(square, [1]);
    await Promise.all([pool.terminate(), pool.terminate()]);
    assert.ok((await rejection(result)) instanceof PoolTerminatedError);
  });

  testPool('terminate: while a closed pool is still at work', { context, workers: 1 }, async (pool) => {
    const result = pool.apply(sleep, [60_000]);
    pool.close();
    const joined = pool.join();
    await pool.terminate();
    await joined;
    assert.ok((await rejection(result)) instanceof PoolTerminatedError);
  });

  testPool('terminate: while much is being sent (U479)', { context, workers: 1 }, async (pool) => {
    // A text goes through the pipe, which takes a little at a time. Who is quick nevertheless is not done.
    const big = 'x'.repeat(100 * 2 ** 20);
    const result = pool.apply((text: string) => new Promise<number>(() => text.length), [big]);
    await new Promise((resolve) => setImmediate(resolve));
    const started = performance.now();
    await pool.terminate();
    assert.ok(performance.now() - started < 2_000);
    assert.ok((await rejection(result)) instanceof PoolTerminatedError);
  });

  testPool('pools are left alone by a using of a closed pool (L302)', { context, workers: 1 }, async (pool) => {
    pool.close();
    await pool[Symbol.asyncDispose]();
    assert.equal(pool.statistics().state, 'ended');
  });

  testClean(
    'a pool that is dropped without close is named in one warning, and its workers end (L303)',
    { warnings: /ResourceWarning: The pool "lost", made at life-and-death\.test\.[jt]s:\d+, was dropped without/ },
    async () => {
      const { setFlagsFromString } = await import('node:v8');
      const { runInNewContext } = await import('node:vm');
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      const warnings: Error[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      process.on('warning', note);
      let exits = 0;
      await (async () => {
        const pool = new Pool({ context, workers: 1, name: 'lost' });
        pool.on('workerExit', () => exits++);
        assert.equal(await pool.apply(square, [3]), 9);
      })();
      await eventually(() => {
        collect();
        return warnings.length > 0;
      });
      process.off('warning', note);
      assert.equal(warnings.length, 1);
      assert.equal(exits, 0, 'the pool is gone, and its listeners with it');
    },
  );

  testPool('several pools at once do not disturb each other', { context, workers: 1 }, async (pool) => {
    await using other = new Pool({ context, workers: 1 });
    const [a, b] = await Promise.all([pool.map(square, range(50)), other.map(square, range(50))]);
    assert.deepEqual([a, b], [squares(50), squares(50)]);
  });
});

testPool('a task that ignores SIGTERM is killed all the same (U469, A30)', { workers: 1 }, async (pool) => {
  const result = pool.apply(() => {
    process.on('SIGTERM', () => undefined);
    for (;;);
  });
  await eventually(() => pool.statistics().running === 1);
  const started = performance.now();
  await pool.terminate();
  assert.ok(performance.now() - started < 2_000);
  assert.ok((await rejection(result)) instanceof PoolTerminatedError);
});

for (const context of contexts) {
  testClean(
    `close: among a thousand submissions: those before it run, those behind it are refused, ${context}`,
    {},
    async () => {
      const pool = new Pool({ context, workers: 2 });
      const results: Promise<number>[] = [];
      let refused = 0;
      for (let i = 0; i < 1_000; i++) {
        if (i === 500) pool.close();
        try {
          results.push(pool.apply(square, [i]));
        } catch (error) {
          assert.ok(error instanceof PoolClosedError);
          refused++;
        }
      }
      assert.deepEqual(await Promise.all(results), squares(500));
      assert.equal(refused, 500);
      await pool.join();
    },
  );
}
