import assert from 'node:assert/strict';
import { task, TaskTimeoutError, WorkerLostError } from 'manycore';
import { eachContext, rejection, testPool } from '../matrix.ts';

eachContext((context) => {
  testPool('retries: with a delay that doubles', { context, workers: 1 }, async (pool) => {
    const started = performance.now();
    const flaky = (): number => (task().attempt < 3 ? process.exit(9) : task().attempt);
    assert.equal(await pool.apply(flaky, [], { retries: { limit: 2, delay: 100 } }), 3);
    const ms = performance.now() - started;
    assert.ok(ms >= 290, `${ms} ms`);
    const last = await rejection(pool.apply(() => process.exit(9), [], { retries: 1 }));
    assert.match(last.message, / Only this task failed, after 2 attempts; a new worker took its place\.$/);
    const only = await rejection(pool.apply(() => process.exit(9)));
    assert.match(only.message, / To try such tasks again, give the call `retries`\.$/);
  });

  testPool(
    'retries: shouldRetry decides about errors that the function threw too',
    { context, workers: 1 },
    async (pool) => {
      const asked: [string, number][] = [];
      const shouldRetry = (error: Error, attempt: number): boolean => {
        asked.push([error.message, attempt]);
        return error instanceof RangeError;
      };
      const flaky = (until: number): number => {
        const { attempt } = task();
        if (attempt < until) throw new RangeError(`attempt ${attempt}`);
        if (attempt === 9) throw new TypeError('never');
        return attempt;
      };
      assert.equal(await pool.apply(flaky, [3], { retries: { limit: 5, shouldRetry } }), 3);
      assert.deepEqual(asked, [
        ['attempt 1', 1],
        ['attempt 2', 2],
      ]);
      const last = await rejection(pool.apply(flaky, [99], { retries: { limit: 2, shouldRetry } }));
      assert.equal(last.message, 'attempt 3');
      assert.equal(String(last.stack).match(/--- on worker/g)?.length, 1, last.stack);
      assert.match(String(last.stack), /attempt 3\/3/);
      const unwilling = await rejection(pool.apply(flaky, [99], { retries: { limit: 9, shouldRetry: () => false } }));
      assert.equal(unwilling.message, 'attempt 1');
      assert.equal(String(unwilling.stack).match(/--- on worker/g)?.length, 1, unwilling.stack);
      const { lost, retried } = pool.statistics();
      assert.deepEqual([lost, retried], [0, 4]);
    },
  );

  testPool('retries: shouldRetry is asked about lost workers and timeouts', { context, workers: 1 }, async (pool) => {
    const kinds: string[] = [];
    const result = await pool.apply(
      async () => {
        const { attempt } = task();
        if (attempt === 1) process.exit(1);
        if (attempt === 2) await new Promise(() => {});
        return attempt;
      },
      [],
      {
        timeout: 100,
        grace: 0,
        retries: {
          limit: 4,
          delay: (attempt: number) => attempt,
          shouldRetry: (error: Error) => {
            kinds.push(error.name);
            return error instanceof WorkerLostError || error instanceof TaskTimeoutError;
          },
        },
      },
    );
    assert.equal(result, 3);
    assert.deepEqual(kinds, ['WorkerLostError', 'TaskTimeoutError']);
  });

  testPool(
    'retries: in map and imap each item for itself, and the order stays',
    { context, workers: 2 },
    async (pool) => {
      const flaky = (x: number): number => {
        if (x % 3 === 0 && task().attempt === 1) throw new Error('once');
        return x;
      };
      const options = { retries: { limit: 1, delay: 5, shouldRetry: () => true } };
      const items = Array.from({ length: 30 }, (_, i) => i);
      assert.deepEqual(await pool.map(flaky, items, options), items);
      const streamed: number[] = [];
      for await (const value of pool.imap(flaky, items, options)) streamed.push(value);
      assert.deepEqual(streamed, items);
    },
  );

  testPool('retries: what shouldRetry throws is what the call rejects with', { context, workers: 1 }, async (pool) => {
    const error = await rejection(
      pool.apply(
        () => {
          throw new Error('first');
        },
        [],
        {
          retries: {
            limit: 3,
            shouldRetry: () => {
              throw new RangeError('odd');
            },
          },
        },
      ),
    );
    assert.ok(error instanceof RangeError && error.message === 'odd');
  });
});
