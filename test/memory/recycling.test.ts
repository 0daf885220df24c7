import assert from 'node:assert/strict';
import { Lock, SharedArray } from 'manycore';
import { contexts, testPool } from '../matrix.ts';

// What a thread has once and for all: its first segment, its bell.
void new Lock().locked();

/** `RECYCLES=1000` for all. */
const rounds = Number(process.env['RECYCLES'] ?? 60);

for (const context of contexts) {
  testPool(
    `memory: workers that end one after the other with shared memory in their hands harm nobody: ${context} (G21)`,
    { context, workers: 2, maxTasksPerChild: 1, test: { limit: 20_000 + rounds * 1_000 } },
    async (pool) => {
      const lock = new Lock();
      const counts = new SharedArray('i32', 2);
      const work = async (its: Lock, numbers: SharedArray<'i32'>): Promise<void> => {
        its.runSync(() => numbers.array[0]!++);
        await its.run(() => numbers.array[1]!++);
        // Somebody waits, with a listener and a timer, when the worker ends.
        void its.acquire().then(() => its.acquire().catch(() => undefined));
      };
      await Promise.all(Array.from({ length: rounds }, () => pool.apply(work, [lock, counts])));
      assert.deepEqual([...counts.array], [rounds, rounds]);
      assert.equal(pool.statistics().lost, 0);
    },
  );
}
