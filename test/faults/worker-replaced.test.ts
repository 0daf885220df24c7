import assert from 'node:assert/strict';
import { PoisonTaskError, task } from 'manycore';
import { processes, scenario, until } from './support.ts';

scenario(
  'maxTasksPerChild against dispatch, a thousand times: none lost, none doubled (C18)',
  { maxTasksPerChild: 25 },
  async ({ pool }) => {
    const ran = await pool.map(
      (x) => x,
      Array.from({ length: 1_000 }, (_, i) => i),
      { chunkSize: 1 },
    );
    assert.deepEqual(
      ran,
      Array.from({ length: 1_000 }, (_, i) => i),
    );
    const { succeeded, lost } = pool.statistics();
    assert.equal(succeeded, 1_000);
    assert.equal(lost, 0);
  },
);

scenario(
  'an idle timeout against dispatch (C18)',
  { workers: undefined as never, min: 0, max: 2, idleTimeout: 5 },
  async ({ submit }) => {
    for (let i = 0; i < 30; i++) {
      assert.equal(await submit((x) => x, [i]).result, i);
      await new Promise((resolve) => setTimeout(resolve, i % 10));
    }
  },
);

scenario('a poison task is quarantined, others go on (C20)', {}, async ({ pool, submit }) => {
  const poison = submit(() => process.exit(9), [], { retries: 5 });
  const others = Array.from({ length: 50 }, (_, i) => submit((x) => x, [i]).result);
  const error = await poison.error();
  assert.ok(error instanceof PoisonTaskError, error.stack);
  assert.equal(error.attempts, 3);
  assert.deepEqual(
    await Promise.all(others),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.equal(pool.statistics().lost, 3);
});

scenario('retries: a task that dies once succeeds the second time (C20)', {}, async ({ submit }) => {
  const result = submit(() => (task().attempt === 1 ? process.exit(1) : task().attempt), [], { retries: 1 });
  assert.equal(await result.result, 2);
});

scenario(
  'an elastic pool under load while its workers are killed: it follows the load (C19)',
  { contexts: processes, workers: undefined as never, min: 1, max: 4, idleTimeout: 100 },
  async ({ pool }) => {
    for (let wave = 0; wave < 3; wave++) {
      const settled = Promise.allSettled(
        Array.from({ length: 40 }, (_, i) =>
          pool.apply((x) => new Promise<number>((resolve) => setTimeout(() => resolve(x), 10)), [i]),
        ),
      );
      await until('it has grown', () => pool.statistics().workers.length >= 2 || pool.statistics().waiting === 0);
      const { pid } = pool.statistics().workers[0]!;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const rejected = (await settled).filter((outcome) => outcome.status === 'rejected');
      assert.ok(rejected.length <= 1, `${rejected.length} rejections`);
      assert.ok(pool.statistics().workers.length <= 4);
      await until('it has shrunk', () => pool.statistics().workers.length === 1);
    }
  },
);
