import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlainPool, returns, type PlainJob } from './plain-pool.ts';

const never = { kind: 'never' } as const;

function timeoutOf(job: PlainJob, index: number): { readonly ranMs: number; readonly atMs: number } {
  const found = job.failures.find((failed) => failed.index === index)?.failure;
  assert.equal(found?.kind, 'timeout');
  return { ranMs: found.ranMs, atMs: job.begun.find((begun) => begun.index === index)!.atMs };
}

test('deadlines: a timeout counts from the start of the task on its worker, not from its submission', () => {
  const pool = new PlainPool({ size: 1 });
  const job = pool.submit(3, (index) => (index < 2 ? returns(80) : never), { timeoutMs: 100 });
  pool.timeline.pass(1_000);
  assert.equal(job.values.size, 2);
  const { ranMs, atMs } = timeoutOf(job, 2);
  assert.ok(atMs > 160 && ranMs >= 100 && ranMs < 205, `ran ${ranMs} ms`);
  pool.close();
  assert.equal(pool.clock.timers, 0);
});

test('deadlines: a short timeout is kept while a long one is watched', () => {
  const pool = new PlainPool({ size: 1 });
  const long = pool.submit(1, () => returns(1), { timeoutMs: 60_000 });
  pool.timeline.pass(20);
  const short = pool.submit(1, () => never, { timeoutMs: 50 });
  pool.timeline.pass(200);
  assert.ok(long.done(1));
  assert.ok(timeoutOf(short, 0).ranMs < 60);
});

test('deadlines: a worker that is ended for a timeout takes no other item with it', () => {
  const pool = new PlainPool({ size: 1 });
  const job = pool.submit(6, (index) => (index === 1 ? never : returns(5)), { timeoutMs: 50 });
  pool.timeline.pass(2_000);
  assert.ok(job.done(6));
  assert.deepEqual(
    job.failures.map(({ index, failure }) => [index, failure.kind]),
    [[1, 'timeout']],
  );
});

test('deadlines: tasks that all run too long do not break the pool: their workers were ended, they did not die', () => {
  const pool = new PlainPool({ size: 2, restart: { intensity: 3, periodMs: 60_000 } });
  const job = pool.submit(40, () => never, { timeoutMs: 20 });
  pool.timeline.pass(5_000);
  assert.equal(pool.broken, undefined);
  assert.ok(job.done(40));
  assert.ok(job.failures.every(({ failure }) => failure.kind === 'timeout'));
});

test('deadlines: with more tasks at once, only those that ran too long time out', () => {
  const pool = new PlainPool({ size: 1, concurrency: 4 });
  const job = pool.submit(4, (index) => (index === 0 ? never : returns(30)), { timeoutMs: 100 });
  pool.timeline.pass(1_000);
  assert.ok(job.done(4));
  assert.deepEqual(
    job.failures.map(({ index }) => index),
    [0],
  );
});

test('deadlines: an idle pool has no timer', () => {
  const pool = new PlainPool({ size: 2 });
  const job = pool.submit(10, () => returns(1), { timeoutMs: 100 });
  pool.timeline.pass(10_000);
  assert.ok(job.done(10));
  assert.equal(pool.clock.timers, 0);
});
