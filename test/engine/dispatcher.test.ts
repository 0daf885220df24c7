import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timing } from '#internal/engine/batching.js';
import type { Lease, Terms } from '#internal/engine/task.js';
import { batchMs, firstBatchSize } from '#internal/limits.js';
import type { Act } from './simulated-link.ts';
import { PlainJob, PlainPool, returns } from './plain-pool.ts';

/** A pool whose batches are noted as they are sent, with ready workers. */
function watched(...args: ConstructorParameters<typeof PlainPool>): { pool: PlainPool; sent: Lease[] } {
  const pool = new PlainPool(...args);
  const sent: Lease[] = [];
  for (const link of pool.links) {
    const send = link.send.bind(link);
    link.send = (lease) => {
      sent.push({ ...lease });
      return send(lease);
    };
  }
  pool.timeline.pass(20);
  return { pool, sent };
}

function known(meanMs: number): Timing {
  const timing = new Timing();
  timing.meanMs = meanMs;
  return timing;
}

/** How long it takes until all items are settled. */
function timeOf(pool: PlainPool, size: number, act: (index: number) => Act, terms: Partial<Terms> = {}): number {
  const start = pool.timeline.now;
  const job = pool.submit(size, act, terms);
  pool.timeline.run(() => job.done(size), start + 600_000);
  assert.ok(job.done(size));
  return pool.timeline.now - start;
}

test('dispatcher: an unknown function starts with a small batch on each worker, and nothing is sent behind it', () => {
  const { pool, sent } = watched({ size: 3 });
  pool.submit(1_000, () => returns(5));
  assert.deepEqual(
    sent.map(({ count }) => count),
    [firstBatchSize, firstBatchSize, firstBatchSize],
  );
});

test('dispatcher: a known function goes out in batches of about a millisecond, two to each worker', () => {
  const { pool, sent } = watched({ size: 2 });
  pool.submit(1_000, () => returns(0.1), { timing: known(0.1) });
  assert.deepEqual(
    sent.map(({ count }) => count),
    Array.from({ length: 4 }, () => batchMs / 0.1),
  );
});

test('dispatcher: nothing is sent ahead to a worker from which nothing can be taken back', () => {
  const { pool, sent } = watched({ size: 2 }, { canTakeBack: false });
  pool.submit(1_000, () => returns(0.1), { timing: known(0.1) });
  assert.equal(sent.length, 2);
});

test('dispatcher: batches get smaller towards the end (guided self-scheduling)', () => {
  const { pool, sent } = watched({ size: 2 });
  timeOf(pool, 400, () => returns(0.001), { timing: known(0.001) });
  const sizes = sent.map(({ count }) => count);
  assert.equal(sizes[0], 100);
  assert.ok(
    sizes.slice(-4).every((size) => size <= 2),
    sizes.join(' '),
  );
  for (const [i, size] of sizes.entries()) if (i > 0) assert.ok(size <= sizes[i - 1]!, sizes.join(' '));
});

test('dispatcher: one task of 2 s among 1,000 of 1 ms on 2 workers ends within 1.1 times the ideal', () => {
  for (const long of [0, 1, 2, 3, 500]) {
    const { pool } = watched({ size: 2 }, { delayMs: () => 0.05 });
    const took = timeOf(pool, 1_001, (index) => returns(index === long ? 2_000 : 1));
    // The long one alone takes two seconds; the small ones fit beside it, or beside and before it.
    const ideal = Math.max(2_000, (2_000 + 1_000) / 2, long / 2 + 2_000);
    assert.ok(took <= ideal * 1.1, `at place ${long}: ${took.toFixed(0)} ms, ideally ${ideal}`);
  }
});

test('dispatcher: what waits behind a long task is taken over by an idle worker within milliseconds', () => {
  const { pool } = watched({ size: 2 }, { block: 1 });
  const job = pool.submit(8, (index) => returns(index === 0 ? 1_000 : 1));
  pool.timeline.pass(30);
  assert.equal(job.values.size, 7, 'all but the long one are done');
  assert.equal(new Set(job.begun.filter(({ index }) => index !== 0).map(({ workerId }) => workerId)).size, 1);
});

test('dispatcher: items do not change hands for ever where workers need long to wake', () => {
  for (const delayMs of [3, 30, 200]) {
    const { pool, sent } = watched({ size: 2 }, { delayMs: () => delayMs });
    pool.timeline.pass(1_000);
    const job = pool.submit(1, () => returns(1));
    pool.timeline.run(() => job.done(1), pool.timeline.now + 20_000);
    assert.ok(job.done(1), `with ${delayMs} ms`);
    assert.ok(sent.length < 20, `${sent.length} times sent`);
  }
});

test('dispatcher: what a stopped worker was sent is taken over, although it runs nothing (C11)', () => {
  const { pool } = watched({ size: 2 }, (id) => ({ delayMs: () => (id === 1 ? 60_000 : 0.05) }));
  pool.timeline.pass(120_000);
  const job = pool.submit(1, () => returns(1));
  pool.timeline.pass(1_000);
  assert.ok(job.done(1));
  assert.deepEqual(
    job.begun.map(({ workerId }) => workerId),
    [2],
  );
});

test('dispatcher: what waits behind a long task is taken over, although its worker was slow to begin it', () => {
  const { pool } = watched({ size: 2 }, (id) => ({ block: 1, delayMs: () => (id === 1 ? 5 : 0.05) }));
  const job = pool.submit(3, (index) => returns(index === 0 ? 1_000 : 1), { timing: known(1) });
  pool.timeline.pass(60);
  assert.equal(job.values.size, 2);
});

test('dispatcher: without work to take over, an idle worker beside a busy one costs nothing', () => {
  const { pool } = watched({ size: 2 });
  pool.submit(1, () => returns(10_000));
  pool.timeline.pass(100);
  assert.equal(pool.clock.timers, 0);
});

test('dispatcher: pinned items behind a long task are not taken back over and over', () => {
  const { pool } = watched({ size: 2 });
  const [busy] = [...pool.engine.members];
  pool.submit(1, () => returns(10_000));
  const jobs: PlainJob[] = [];
  pool.engine.pin((pinned) => {
    const job = new PlainJob(() => returns(1), { pinned });
    jobs.push(job);
    return job;
  });
  pool.engine.dispatch();
  pool.timeline.pass(100);
  assert.equal(pool.clock.timers, 0);
  assert.equal(busy!.leases.open, 2);
  pool.timeline.pass(20_000);
  assert.ok(jobs.length === 2 && jobs.every((job) => job.done(1)));
});

test('dispatcher: chunks stay together, the last one is what is left', () => {
  const { pool, sent } = watched({ size: 2 });
  timeOf(pool, 10, () => returns(1), { chunkSize: 4 });
  assert.deepEqual(
    sent.map(({ from, count }) => [from, count]).toSorted((a, b) => a[0]! - b[0]!),
    [
      [0, 4],
      [4, 4],
      [8, 2],
    ],
  );
});

test('dispatcher: a chunk that a dead worker had not begun goes out whole again', () => {
  const { pool } = watched({ size: 2 });
  const starts: Lease[] = [];
  const job = new PlainJob(() => returns(50), { chunkSize: 5 });
  pool.engine.add(job, 0, 10);
  pool.engine.dispatch();
  pool.links[0]!.die();
  pool.links[1]!.die();
  for (const link of [3, 4]) assert.equal(pool.links[link - 1], undefined);
  pool.timeline.pass(6);
  for (const member of pool.engine.members) starts.push(...member.leases);
  assert.deepEqual(
    starts.map(({ from, count }) => [from, count]).toSorted((a, b) => a[0]! - b[0]!),
    [
      [0, 5],
      [5, 5],
    ],
  );
});

test('dispatcher: higher priorities overtake what waits, not what runs', () => {
  const { pool } = watched({ size: 1 }, { block: 1 });
  const low = pool.submit(20, () => returns(10));
  pool.timeline.pass(5);
  const high = pool.submit(2, () => returns(10), { priority: 1 });
  pool.timeline.run(() => high.done(2));
  assert.ok(low.values.size <= firstBatchSize + 1, `${low.values.size} of the low ones came first`);
});

test('dispatcher: an item that cannot be encoded fails alone', () => {
  const { pool } = watched({ size: 2 });
  pool.refused = (_, index) => (index % 3 === 1 ? new Error('cannot travel') : undefined);
  const job = pool.submit(30, () => returns(0.1));
  pool.timeline.pass(1_000);
  assert.ok(job.done(30));
  assert.deepEqual(
    job.failures.map(({ index, failure }) => [index % 3, failure.kind]),
    Array.from({ length: 10 }, () => [1, 'unsendable']),
  );
});

test('dispatcher: no more tasks run at once than the concurrency allows, and all slots are used', () => {
  const { pool } = watched({ size: 2, concurrency: 3 });
  const job = pool.submit(18, () => returns(10));
  pool.timeline.pass(1);
  assert.equal(job.begun.length, 6);
  assert.ok(pool.links.every((link) => link.running().length === 3));
  pool.timeline.run(() => job.done(18));
  assert.ok(pool.timeline.now < 20 + 10 * 3 + 5, `took until ${pool.timeline.now}`);
});

test('dispatcher: 100,000 items of nothing are dispatched in linear time and settle once', () => {
  const { pool } = watched({ size: 2 }, { block: 4_096 });
  const job = pool.submit(100_000, () => returns(0));
  pool.timeline.run(() => job.values.size === 100_000);
  assert.ok(job.done(100_000));
});
