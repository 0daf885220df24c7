import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkerLostError } from 'manycore';
import { allUp, processes, scenario } from './support.ts';

/** A generator of random numbers with a seed, so that a failure can be looked at again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

for (const everyMs of [60, 5]) {
  scenario(
    `300 tasks of 20 ms, two workers as they are by default, a random one is killed every ${everyMs} ms for 3 s (C7)`,
    { contexts: processes },
    async ({ pool, submit }) => {
      const next = random(everyMs);
      const results = Array.from(
        { length: 300 },
        (_, i) =>
          submit(
            (token) => {
              const endMs = performance.now() + 20;
              while (performance.now() < endMs);
              return token * 7;
            },
            [i],
          ).result,
      );
      const settled = Promise.allSettled(results);
      let kills = 0;
      const endMs = performance.now() + 3_000;
      while (performance.now() < endMs) {
        const pids = pool.statistics().workers.flatMap(({ pid }) => pid ?? []);
        const pid = pids[Math.floor(next() * pids.length)];
        try {
          if (pid !== undefined && process.kill(pid, 'SIGKILL')) kills++;
        } catch {
          // It is gone already.
        }
        await delay(everyMs);
      }
      const afterMs = performance.now();
      const outcomes = await settled;
      assert.ok(performance.now() - afterMs < 30_000);
      const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
      assert.equal(outcomes.length, 300);
      assert.ok(kills > 0);
      assert.ok(rejected.length <= kills, `${rejected.length} rejections by ${kills} kills`);
      for (const { reason } of rejected) assert.ok(reason instanceof WorkerLostError, String(reason));
      outcomes.forEach((outcome, i) => outcome.status === 'fulfilled' && assert.equal(outcome.value, i * 7));
      const probedMs = performance.now();
      assert.equal(await pool.apply(() => 1), 1);
      assert.ok(performance.now() - probedMs < 1_000);
      await allUp(pool, 2);
    },
  );
}
