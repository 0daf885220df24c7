import assert from 'node:assert/strict';
import { AbortError, PoisonTaskError, range, task, TaskTimeoutError, WorkerLostError } from 'manycore';
import { sleep, spin, square } from '../functions.ts';
import { eachContext, eventually, rejection, testPool } from '../matrix.ts';

eachContext((context) => {
  testPool(
    'timeout: a task that is too slow is ended, and its worker replaced',
    { context, workers: 1 },
    async (pool) => {
      const worker = await pool.apply(() => task().workerId);
      const error = await rejection(pool.apply(sleep, [60_000], { timeout: 100, name: 'render' }));
      assert.ok(error instanceof TaskTimeoutError);
      assert.match(error.message, /Task 2 \(render\) ran longer than 100 ms/);
      assert.deepEqual({ ...error.task }, { id: 2, name: 'render', index: undefined, attempt: 1 });
      assert.equal(error.timeoutMs, 100);
      assert.notEqual(await pool.apply(() => task().workerId), worker);
    },
  );

  testPool('timeout: a task that never yields is ended too (U465, A19)', { context, workers: 1 }, async (pool) => {
    await pool.apply(() => 0);
    const started = performance.now();
    const error = await rejection(
      pool.apply(
        () => {
          for (;;);
        },
        [],
        { timeout: 150 },
      ),
    );
    assert.ok(error instanceof TaskTimeoutError);
    const ms = performance.now() - started;
    assert.ok(ms >= 140 && ms < 3_000, `${ms} ms`);
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool(
    'timeout: counts from the start on a worker, not from the call (U466)',
    { context, workers: 1 },
    async (pool) => {
      const results = await Promise.all([1, 2, 3, 4].map(() => pool.apply(sleep, [120], { timeout: 400 })));
      assert.deepEqual(results, [120, 120, 120, 120]);
    },
  );

  testPool('timeout: well above, no effect, in all forms (V512, W531)', { context, workers: 2 }, async (pool) => {
    const options = { timeout: 60_000 };
    assert.equal(await pool.apply(square, [3], options), 9);
    assert.deepEqual(await pool.map(square, range(4), options), [0, 1, 4, 9]);
    const streamed: number[] = [];
    for await (const value of pool.imap(square, range(4), options)) streamed.push(value);
    assert.deepEqual(streamed, [0, 1, 4, 9]);
  });

  testPool(
    'timeout: in map, for each item; the others are done (U482, V512, V513)',
    { context, workers: 2 },
    async (pool) => {
      const settled = await pool.mapSettled(sleep, [1, 60_000, 2, 60_000, 3], { timeout: 300, chunkSize: 1 });
      assert.deepEqual(
        settled.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      );
      const [, late] = settled;
      assert.ok(late?.status === 'rejected' && late.reason instanceof TaskTimeoutError);
      assert.equal(late.reason.task.index, 1);
      const error = await rejection(pool.map(sleep, [1, 60_000], { timeout: 300 }));
      assert.ok(error instanceof TaskTimeoutError);
    },
  );

  testPool(
    'timeout: in imap, at the place of the slow item, and it goes on (U482)',
    { context, workers: 1 },
    async (pool) => {
      const results = pool.imap(sleep, [1, 60_000, 2], { timeout: 300 });
      assert.equal((await results.next()).value, 1);
      assert.ok((await rejection(results.next())) instanceof TaskTimeoutError);
      assert.equal((await results.next()).value, 2);
      assert.equal((await results.next()).done, true);
    },
  );

  testPool('timeout: six calls, the odd ones slow (V511, V513)', { context, workers: 2 }, async (pool) => {
    const calls = [0, 1, 2, 3, 4, 5].map((i) => pool.apply(spin, [i % 2 === 1 ? 60_000 : 1], { timeout: 300 }));
    const outcomes = await Promise.allSettled(calls);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
    );
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool(
    'timeout: several at once on one worker end only what was late',
    { context, workers: 1, concurrency: 3 },
    async (pool) => {
      const slow = pool.apply(sleep, [60_000], { timeout: 200 });
      const quick = pool.apply(sleep, [20], { timeout: 5_000 });
      assert.equal(await quick, 20);
      assert.ok((await rejection(slow)) instanceof TaskTimeoutError);
      assert.equal(await pool.apply(square, [3]), 9);
    },
  );

  testPool(
    'signal: a task that does not heed it is ended, and its worker replaced (U467)',
    { context, workers: 1 },
    async (pool) => {
      const worker = await pool.apply(() => task().workerId);
      const stop = new AbortController();
      const result = pool.apply(spin, [60_000], { signal: stop.signal });
      await eventually(() => pool.statistics().running === 1);
      stop.abort();
      assert.ok((await rejection(result)) instanceof AbortError);
      assert.notEqual(await pool.apply(() => task().workerId), worker);
    },
  );

  testPool('signal: a loop that never yields sees it in task().cancelled', { context, workers: 1 }, async (pool) => {
    const stop = new AbortController();
    const worker = await pool.apply(() => task().workerId);
    const result = pool.apply(
      () => {
        const self = task();
        while (!self.cancelled);
      },
      [],
      { signal: stop.signal },
    );
    await eventually(() => pool.statistics().running === 1);
    stop.abort();
    assert.ok((await rejection(result)) instanceof AbortError);
    assert.equal(await pool.apply(() => task().workerId), worker, 'it lives');
  });

  testPool('signal: in a stream, it ends the stream (U485)', { context, workers: 1 }, async (pool) => {
    const stop = new AbortController();
    const results = pool.imap(square, range(1_000), { signal: stop.signal, chunkSize: 1 });
    assert.equal((await results.next()).value, 0);
    stop.abort(new Error('why'));
    const error = await rejection(results.next());
    assert.ok(error instanceof AbortError);
    assert.equal((error.cause as Error).message, 'why');
    assert.equal((await results.next()).done, true);
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool(
    'signal: many calls of one signal leave no listener',
    { context, workers: 2, test: { limit: 30_000 } },
    async (pool) => {
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 50 }, (_, i) => pool.apply(square, [i], { signal })));
      await pool.map(square, range(5), { signal });
      for await (const _ of pool.imap(square, range(5), { signal })) continue;
    },
  );

  testPool(
    'retries: a task whose worker was lost is tried again, and told so',
    { context, workers: 1 },
    async (pool) => {
      const flaky = (): number => {
        const { attempt } = task();
        if (attempt < 3) process.exit(9);
        return attempt;
      };
      assert.equal(await pool.apply(flaky, [], { retries: 2 }), 3);
      const { lost, retried } = pool.statistics();
      assert.deepEqual([lost, retried], [2, 2]);
      assert.ok((await rejection(pool.apply(flaky, [], { retries: 1 }))) instanceof WorkerLostError);
    },
  );

  testPool('retries: a task that ends every worker is given up', { context, workers: 1 }, async (pool) => {
    const error = await rejection(pool.apply(() => process.exit(9), [], { retries: 50, name: 'bad' }));
    assert.ok(error instanceof PoisonTaskError);
    assert.match(error.message, /\(bad\) has ended 3 workers.*exit code 9/);
    assert.equal(error.attempts, 3);
  });

  testPool('retries: an error that a task throws is not tried again', { context, workers: 1 }, async (pool) => {
    const error = await rejection(
      pool.apply(
        () => {
          throw new Error(`attempt ${task().attempt}`);
        },
        [],
        { retries: 3 },
      ),
    );
    assert.equal(error.message, 'attempt 1');
  });

  testPool('priority: higher goes first', { context, workers: 1 }, async (pool) => {
    await pool.apply(() => 0);
    const order: number[] = [];
    const note = (value: number): void => void order.push(value);
    const all = [pool.apply(spin, [50])].concat(
      [0, 5, -1, 9].map((priority) => {
        const result = pool.applyAsync((x: number) => x, [priority], { priority, callback: note });
        return result;
      }),
    );
    await Promise.all(all);
    assert.deepEqual(order, [9, 5, 0, -1]);
  });
});
