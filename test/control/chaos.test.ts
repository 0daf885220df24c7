import assert from 'node:assert/strict';
import { ArgumentRangeError, ArgumentTypeError, Pool, range } from 'manycore';
import { eachContext, testClean, testPool } from '../matrix.ts';

const square = async (x: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return x * x;
};
const squares = Array.from({ length: 200 }, (_, i) => i * i);

eachContext((context) => {
  for (const mode of context === 'process' ? (['kill', 'stop', 'delay'] as const) : (['kill', 'delay'] as const)) {
    testPool(
      `chaos: ${mode}: with retries nothing is lost, and the pool goes on`,
      { context, workers: 2, chaos: { meanMs: 100, mode, seed: 7 }, test: { limit: 60_000 } },
      async (pool) => {
        let exits = 0;
        pool.on('workerExit', () => exits++);
        const shouldRetry = (): boolean => true;
        assert.deepEqual(
          await pool.map(square, range(200), { chunkSize: 1, retries: { limit: 2, shouldRetry } }),
          squares,
        );
        assert.deepEqual(await pool.mapSettled(square, range(1), { retries: 2 }).then((list) => list.length), 1);
        if (mode === 'kill') assert.ok(exits > 0);
      },
    );
  }

  testClean('chaos: its options are checked', {}, () => {
    const make = (chaos: unknown) => () => new Pool({ context, chaos } as never);
    assert.throws(make({}), ArgumentTypeError);
    assert.throws(make({ meanMs: 0 }), ArgumentRangeError);
    assert.throws(make({ meanMs: 10, mode: 'segfault' }), ArgumentRangeError);
    assert.throws(make({ meanMs: 10, kind: 'kill' }), ArgumentTypeError);
    if (context === 'thread') assert.throws(make({ meanMs: 10, mode: 'stop' }), ArgumentRangeError);
  });
});
