import assert from 'node:assert/strict';
import { PoolBrokenError } from 'manycore';
import { wait } from 'manycore/futures';
import { sleep, square } from '../functions.ts';
import { eachExecutor, testExecutor } from './support.ts';

const state = globalThis as { prepared?: string };

function prepare(...parts: string[]): void {
  state.prepared = parts.join('-');
}

eachExecutor((make) => {
  testExecutor(
    'initializer: every call sees what it made (R425)',
    make,
    { maxWorkers: 2, initializer: prepare as () => void, initArgs: ['a', 'b'] },
    async (executor) => {
      const futures = Array.from({ length: 8 }, () => executor.submit(() => state.prepared));
      assert.deepEqual(
        await Promise.all(futures),
        Array.from({ length: 8 }, () => 'a-b'),
      );
      assert.equal(state.prepared, undefined, 'not here');
    },
  );

  const salt = 'pepper';
  testExecutor(
    'initializer: a closure goes too (R428)',
    make,
    {
      maxWorkers: 1,
      initializer: () => {
        state.prepared = salt;
      },
    },
    async (executor) => {
      assert.equal(await executor.submit(() => state.prepared), 'pepper');
    },
  );

  testExecutor(
    'initializer: one that throws breaks the executor: what is queued and what comes later (R426, R429)',
    make,
    {
      maxWorkers: 1,
      initializer: () => {
        throw new RangeError('no database');
      },
    },
    async (executor) => {
      const futures = [executor.submit(square, 1), executor.submit(sleep, 10)];
      await wait(futures);
      for (const future of futures) {
        const error = await future.exception();
        assert.ok(error instanceof PoolBrokenError, String(error));
        assert.ok(error.cause instanceof RangeError);
      }
      assert.throws(() => executor.submit(square, 1), PoolBrokenError);
      assert.equal(executor.statistics().state, 'broken');
      await executor.shutdown();
    },
  );
});
