import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Pool } from 'manycore';
import { checkLeaks, leftovers } from 'manycore/testing';
import { eachContext, eventually, rejection, testClean } from '../matrix.ts';

eachContext((context) => {
  testClean('checkLeaks: a pool that is terminated leaves nothing; the result is returned', {}, async () => {
    const squares = await checkLeaks(async () => {
      await using pool = new Pool(2, { context });
      return await pool.map((x: number) => x * x, [1, 2, 3]);
    });
    assert.deepEqual(squares, [1, 4, 9]);
  });
});

testClean('checkLeaks: a worker, a descriptor and a timer that are left are named', {}, async () => {
  let pool: Pool | undefined;
  let fd = -1;
  let timer: NodeJS.Timeout | undefined;
  const error = await rejection(
    checkLeaks(
      async () => {
        pool = new Pool(1);
        await pool.apply(() => 0);
        fd = openSync(fileURLToPath(import.meta.url), 'r');
        timer = setInterval(() => {}, 1_000);
      },
      { graceMs: 20 },
    ),
  );
  try {
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_ASSERTION');
    assert.match(error.message, /^Left behind:/);
    assert.match(error.message, new RegExp(`\\n {2}process ${pool?.statistics().workers[0]?.pid}: .*node`));
    assert.match(error.message, new RegExp(`\\n {2}descriptor ${fd} -> .*leftovers`));
    assert.match(error.message, /\n {2}resource Timeout x \d/);
  } finally {
    clearInterval(timer);
    closeSync(fd);
    await pool?.terminate();
  }
});

test('leftovers: tells the new processes apart', async () => {
  const before = leftovers();
  const pool = new Pool(1);
  await pool.apply(() => 0);
  assert.deepEqual(
    before.newProcesses(),
    pool.statistics().workers.map(({ pid }) => pid),
  );
  await pool.terminate();
  await eventually(() => before.newProcesses().length === 0);
});
