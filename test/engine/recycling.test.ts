import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlainPool, returns, type PlainJob } from './plain-pool.ts';

/** Workers that could run something now: up, and not only finishing. */
function capacity(pool: PlainPool): number {
  return [...pool.engine.members].filter(({ state }) => state === 'ready').length;
}

/** The least capacity that the pool had while time passed. */
function leastCapacity(pool: PlainPool, ms: number): number {
  const until = pool.timeline.now + ms;
  let least = capacity(pool);
  while (pool.timeline.step(until)) least = Math.min(least, capacity(pool));
  return least;
}

const seats = (pool: PlainPool): number[] => [...pool.engine.members].map(({ seat }) => seat).toSorted((a, b) => a - b);

for (const why of ['memory', 'age'] as const) {
  test(`recycling: by ${why}, the replacement is up before the old worker is retired: no gap in capacity`, () => {
    const maxAgeMs = why === 'age' ? 1_000 : undefined;
    const pool = new PlainPool({ size: 3, maxAgeMs }, { bootMs: 200 });
    pool.timeline.pass(250);
    const job = pool.submit(3_000, () => returns(4));
    pool.timeline.pass(100);
    if (why === 'memory') pool.engine.recycle([...pool.engine.members][0]!, 'memory');
    assert.equal(leastCapacity(pool, 3_000), 3);
    pool.timeline.run(() => job.done(3_000), 60_000);
    assert.equal(job.values.size, 3_000);
    assert.ok(pool.links.length >= 4);
    assert.ok(pool.links[0]!.endedInPeace);
  });
}

test('recycling: old workers are replaced one at a time, and not those that did nothing', () => {
  const pool = new PlainPool({ size: 4, maxAgeMs: 500 }, { bootMs: 50 });
  const job = pool.submit(400, () => returns(2));
  let most = 0;
  pool.timeline.run(() => job.done(400), 60_000);
  while (pool.timeline.step(20_000)) most = Math.max(most, pool.engine.members.size);
  assert.equal(pool.links.length, 8, 'each of the first four once, then all is quiet');
  assert.ok(most <= 6, `${most} at once`);
  assert.deepEqual(seats(pool), [0, 1, 2, 3]);
  assert.equal(pool.clock.timers, 0);
  pool.close();
});

test('recycling: by tasks, the next worker is started before the old one has used them up', () => {
  const pool = new PlainPool({ size: 1, tasksPerWorker: 100 }, { bootMs: 60 });
  const job = pool.submit(500, () => returns(5));
  pool.timeline.run(() => job.done(500), 60_000);
  assert.equal(job.values.size, 500);
  const tasks = new Map<number, number>();
  for (const { workerId } of job.begun) tasks.set(workerId, (tasks.get(workerId) ?? 0) + 1);
  assert.deepEqual([...tasks.values()], [100, 100, 100, 100, 100]);
  const gaps = job.begun.slice(1).map(({ atMs }, i) => atMs - job.begun[i]!.atMs);
  // The first worker's boot is over before the first item.
  assert.ok(Math.max(...gaps) < 30, `a gap of ${Math.max(...gaps)} ms`);
});

test('recycling: a replacement has the seat of the worker that it replaces, and waits for it (V496)', () => {
  const pool = new PlainPool({ size: 3, tasksPerWorker: 4 }, { bootMs: 5 });
  const atWork = new Map<number, number>();
  const job = pool.submit(120, () => returns(7));
  const seatOf = new Map<number, number>();
  while (!job.done(120) && pool.timeline.step(60_000)) {
    for (const { id, seat } of pool.engine.members) seatOf.set(id, seat);
    atWork.clear();
    for (const { link, seat, state } of pool.engine.members)
      if (state !== 'ending' && link.running().length > 0) atWork.set(seat, (atWork.get(seat) ?? 0) + 1);
    for (const [seat, count] of atWork) assert.equal(count, 1, `${count} at work in seat ${seat}`);
  }
  assert.equal(job.values.size, 120);
  assert.ok(pool.links.length >= 30);
  assert.deepEqual(new Set(seatOf.values()), new Set([0, 1, 2]));
});

test('recycling: with several tasks at once, the replacement gets the slots that the old worker does not use', () => {
  const pool = new PlainPool({ size: 1, concurrency: 10 }, { bootMs: 5 });
  const long = pool.submit(1, () => returns(5_000));
  pool.timeline.pass(20);
  pool.engine.recycle([...pool.engine.members][0]!, 'memory');
  pool.timeline.pass(20);
  let most = 0;
  const job: PlainJob = pool.submit(200, () => returns(10));
  while (!job.done(200) && pool.timeline.step(4_000)) {
    let running = 0;
    for (const { link } of pool.engine.members) running += link.running().length;
    most = Math.max(most, running);
  }
  assert.ok(job.done(200), 'it does not wait for the long one');
  assert.equal(most, 10);
  pool.timeline.run(() => long.done(1), 60_000);
  pool.close();
});

test('elastic: a sawtooth of load from 3 to 20 and back starts no more workers than its teeth need (S444)', () => {
  for (const periodMs of [1_000, 4_000, 20_000]) {
    const pool = new PlainPool({ min: 3, max: 20, idleTimeoutMs: 5_000 }, { bootMs: 40 });
    pool.timeline.pass(100);
    const jobs: PlainJob[] = [];
    const periods = 10;
    for (let period = 0; period < periods; period++) {
      pool.timeline.after(period * periodMs, () => jobs.push(pool.submit(100, () => returns(200), { chunkSize: 1 })));
    }
    let most = 0;
    pool.timeline.run(() => pool.alive === 20, pool.timeline.now + 1_000);
    assert.equal(pool.alive, 20, 'it has grown within a second');
    const end = pool.timeline.now + periods * periodMs;
    while (pool.timeline.step(end)) most = Math.max(most, pool.alive);
    pool.timeline.pass(30_000);
    assert.ok(jobs.length === periods && jobs.every((job) => job.values.size === 100));
    assert.deepEqual([most, pool.alive, pool.clock.timers], [20, 3, 0]);
    // Teeth that are closer than the idle time find the workers still there.
    const teeth = periodMs > 5_000 ? periods : 1;
    assert.equal(pool.links.length, 3 + 17 * teeth, `period ${periodMs}`);
  }
});

test('elastic: a load that rises and falls slowly starts few workers more than once', () => {
  const pool = new PlainPool({ min: 3, max: 20, idleTimeoutMs: 2_000 }, { bootMs: 40 });
  const jobs: PlainJob[] = [];
  for (let second = 0; second < 120; second++) {
    const tooth = 20 - Math.abs((second % 40) - 20);
    pool.timeline.after(second * 1_000, () => jobs.push(pool.submit(tooth, () => returns(900), { chunkSize: 1 })));
  }
  pool.timeline.pass(150_000);
  assert.ok(jobs.every((job) => job.failures.length === 0));
  assert.equal(pool.alive, 3);
  assert.ok(pool.links.length <= 3 + 17 * 3 + 10, `${pool.links.length} starts`);
});
