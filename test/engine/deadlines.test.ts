import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlainJob, PlainPool, returns } from './plain-pool.ts';

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

test('deadlines: a task that is over its time is told so; one that goes on through its grace loses its worker (E1, U469, U489)', () => {
  for (const heedsCancel of [true, false]) {
    const pool = new PlainPool({ size: 1 }, { heedsCancel });
    const job = pool.submit(1, () => never, { timeoutMs: 200, graceMs: 200 });
    pool.timeline.run(() => job.failures.length > 0, 10_000);
    const { ranMs, atMs } = timeoutOf(job, 0);
    assert.ok(ranMs >= 200 && ranMs < 203, `rejected after ${ranMs} ms`);
    pool.timeline.pass(198);
    assert.equal(pool.links[0]!.state, 'up');
    pool.timeline.pass(5);
    assert.equal(pool.links[0]!.state, heedsCancel ? 'up' : 'dead');
    assert.ok(pool.timeline.now - atMs < 410);
    const next = pool.submit(1, () => returns(1));
    pool.timeline.pass(100);
    assert.ok(next.done(1) && job.done(1));
    pool.close();
    assert.equal(pool.clock.timers, 0);
  }
});

test('deadlines: a task that ends within its grace keeps its worker; what it gives comes too late', () => {
  const pool = new PlainPool({ size: 1 }, { heedsCancel: false });
  const job = pool.submit(1, () => returns(150), { timeoutMs: 100, graceMs: 100 });
  pool.timeline.pass(1_000);
  assert.deepEqual([job.values.size, job.failures[0]?.failure.kind, job.counts], [0, 'timeout', [1]]);
  assert.deepEqual([pool.links.length, pool.links[0]!.state], [1, 'up']);
});

test('deadlines: a worker that goes on through a grace gets nothing new, and what it had not begun goes to others', () => {
  const pool = new PlainPool({ size: 2, concurrency: 4 }, { heedsCancel: false });
  const job = pool.submit(1, () => never, { timeoutMs: 50, graceMs: 1_000 });
  pool.timeline.run(() => job.done(1), 1_000);
  const late = job.begun[0]!.workerId;
  const others = pool.submit(20, () => returns(10));
  pool.timeline.pass(500);
  assert.ok(others.done(20) && others.values.size === 20);
  assert.ok(others.begun.every(({ workerId }) => workerId !== late));
});

test('deadlines: 100,000 tasks with as many timeouts are one timer for each worker, and none afterwards (E7)', () => {
  const pool = new PlainPool({ size: 4, concurrency: 1_000 });
  let most = 0;
  const started = performance.now();
  const jobs = Array.from({ length: 100_000 }, (_, i) => {
    const job = new PlainJob(() => returns(1), { timeoutMs: 1_000 + i / 7, line: pool });
    pool.engine.add(job, 0, 1);
    return job;
  });
  pool.engine.dispatch();
  while (pool.engine.progress().open > 0 && pool.timeline.step()) most = Math.max(most, pool.clock.timers);
  const tookMs = performance.now() - started;
  assert.ok(jobs.every((job) => job.values.size === 1));
  // For each worker one more while it boots; and one for stealing.
  assert.ok(most <= 4 * 2 + 1, `${most} timers`);
  pool.close();
  assert.equal(pool.clock.timers, 0);
  assert.ok(tookMs < 30_000, `${tookMs} ms`);
});

test('queue timeout: what has not begun in time fails, what has begun goes on (E3)', () => {
  const pool = new PlainPool({ size: 1 }, { block: 1 });
  const job = pool.submit(5, () => returns(40), { queueTimeoutMs: 100 });
  pool.timeline.pass(1_000);
  assert.ok(job.done(5));
  assert.deepEqual(
    job.failures.map(({ failure }) => failure.kind),
    ['late', 'late'],
  );
  assert.deepEqual([...job.values.keys()], [0, 1, 2]);
  assert.ok(job.begun.every(({ atMs }) => atMs <= 101));
  pool.close();
  assert.equal(pool.clock.timers, 0);
});

test('queue timeout: what was sent ahead and has not begun has waited too; an idle engine has no timer', () => {
  const pool = new PlainPool({ size: 1 }, { block: 1 });
  const warm = pool.submit(20, () => returns(1));
  pool.timeline.pass(100);
  assert.ok(warm.done(20));
  const long = new PlainJob(() => returns(500), { timing: warm.terms.timing });
  const late = new PlainJob(() => returns(1), { timing: warm.terms.timing, queueTimeoutMs: 50 });
  pool.engine.add(long, 0, 1);
  pool.engine.dispatch();
  pool.engine.add(late, 0, 1);
  pool.engine.dispatch();
  pool.timeline.pass(10);
  assert.equal(pool.engine.progress().open - pool.engine.waiting, 2, 'both are sent');
  pool.timeline.pass(100);
  assert.deepEqual([late.failures[0]?.failure.kind, late.begun.length], ['late', 0]);
  pool.timeline.pass(1_000);
  assert.ok(long.done(1));
  const quick = pool.submit(1_000, () => returns(0.01), { queueTimeoutMs: 3_600_000 });
  pool.timeline.run(() => quick.done(1_000), 60_000);
  pool.timeline.pass(10);
  assert.equal(pool.clock.timers, 0);
});

test('queue timeout: 100,000 tasks with as many limits: all settle once, each in its time (E7)', () => {
  const pool = new PlainPool({ size: 1 });
  const jobs = Array.from({ length: 100_000 }, (_, i) => {
    const job = new PlainJob(() => (i === 0 ? { kind: 'never' } : returns(1)), {
      queueTimeoutMs: 10 + i / 10,
      line: pool,
    });
    pool.engine.add(job, 0, 1);
    return job;
  });
  const started = performance.now();
  pool.engine.dispatch();
  pool.timeline.pass(11_000);
  const tookMs = performance.now() - started;
  const late = jobs.filter((job) => job.failures[0]?.failure.kind === 'late').length;
  assert.equal(late, 99_999);
  assert.ok(jobs.slice(1).every((job) => job.done(1)));
  assert.ok(tookMs < 10_000, `${tookMs} ms`);
  pool.engine.terminate(new Error('enough'));
});
