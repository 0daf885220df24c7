import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drainGraceMs, initializerFailures, killGraceMs } from '#internal/limits.js';
import { Random } from './random.ts';
import { PlainPool, returns, type PlainJob } from './plain-pool.ts';

const never = { kind: 'never' } as const;

test('crew: elastic: 3 workers grow to 20 within 1 s under 100 tasks of 0.2 s and shrink to 3 when idle (S444)', () => {
  const pool = new PlainPool({ min: 3, max: 20, idleTimeoutMs: 5_000 }, { bootMs: 50 });
  pool.timeline.pass(100);
  const few = pool.submit(3, () => returns(5));
  pool.timeline.run(() => few.done(3));
  assert.equal(pool.alive, 3);

  const start = pool.timeline.now;
  const many = pool.submit(100, () => returns(200));
  pool.timeline.run(() => pool.alive === 20, start + 1_000);
  assert.equal(pool.alive, 20);
  pool.timeline.run(() => many.done(100), start + 60_000);
  const took = pool.timeline.now - start;
  assert.ok(took < 1_500, `100 tasks of 0.2 s on up to 20 workers took ${took} ms`);

  pool.timeline.pass(5_100);
  assert.equal(pool.alive, 3);
  pool.timeline.pass(60_000);
  assert.deepEqual([pool.alive, pool.links.length, pool.clock.timers], [3, 20, 0]);
});

test('crew: elastic: no thrash under a steady load, and no growth for a burst that is done at once (C19)', () => {
  const pool = new PlainPool({ min: 1, max: 8, idleTimeoutMs: 500 }, { bootMs: 50 });
  pool.timeline.pass(100);
  const burst = pool.submit(100, () => returns(0.01));
  pool.timeline.run(() => burst.done(100));
  pool.timeline.pass(1_000);
  assert.equal(pool.links.length, 1);

  for (let i = 0; i < 600; i++) {
    pool.submit(3, () => returns(80));
    pool.timeline.pass(100);
  }
  assert.ok(pool.alive >= 3, `${pool.alive} workers`);
  assert.ok(pool.links.length <= 10, `${pool.links.length} workers were started in a minute`);
  pool.timeline.pass(2_000);
  assert.equal(pool.alive, 1);
});

test('crew: elastic: tasks that wait behind long ones make the pool grow, also when all were sent', () => {
  const pool = new PlainPool({ min: 3, max: 20 }, { bootMs: 50, block: 1 });
  pool.timeline.pass(100);
  const job = pool.submit(12, () => returns(10_000));
  pool.timeline.pass(500);
  assert.equal(job.begun.length, 12);
});

test('crew: elastic from nothing: a worker is started for the first task', () => {
  const pool = new PlainPool({ min: 0, max: 2, idleTimeoutMs: 100 });
  assert.equal(pool.links.length, 0);
  const job = pool.submit(1, () => returns(1));
  pool.timeline.pass(1_000);
  assert.ok(job.done(1));
  assert.deepEqual([pool.alive, pool.clock.timers], [0, 0]);
});

test('crew: an idle timeout of 0 ends idle workers only', () => {
  const pool = new PlainPool({ min: 0, max: 2, idleTimeoutMs: 0 });
  const job = pool.submit(20, () => returns(50));
  pool.timeline.pass(5_000);
  assert.ok(job.done(20));
  assert.ok(pool.links.length <= 6, `${pool.links.length} workers`);
  assert.deepEqual([pool.alive, pool.clock.timers], [0, 0]);
});

test('crew: the replacement is started before the recycled worker is gone', () => {
  const pool = new PlainPool({ size: 1, tasksPerWorker: 3 }, { block: 1 });
  const job = pool.submit(9, () => returns(10));
  let least = Infinity;
  pool.timeline.run(() => {
    least = Math.min(least, pool.alive);
    return job.done(9);
  });
  assert.equal(least, 1);
  assert.deepEqual(
    [1, 2, 3].map((id) => job.begun.filter(({ workerId }) => workerId === id).length),
    [3, 3, 3],
  );
});

test('crew: recycling with a boot that fails breaks the pool instead of starting workers for ever', () => {
  const pool = new PlainPool({ size: 1, tasksPerWorker: 1 }, { bootError: new Error('initializer') });
  const job = pool.submit(3, () => returns(1));
  pool.timeline.pass(60_000);
  assert.ok(job.done(3));
  assert.match(pool.broken!.message, /initializer/);
  assert.ok(pool.links.length <= initializerFailures + 1, `${pool.links.length} workers were started`);
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

test('crew: recycling never has more workers at work than the pool has, however many replacements start', () => {
  for (const behaviour of [{}, { canTakeBack: false }, { bootMs: 200 }]) {
    const pool = new PlainPool({ size: 2, tasksPerWorker: 1 }, behaviour);
    const jobs: PlainJob[] = [];
    let atWork = 0;
    let members = 0;
    for (let i = 0; i < 20; i++) {
      jobs.push(pool.submit(1, () => returns(100)));
      pool.timeline.run(() => {
        atWork = Math.max(atWork, pool.links.filter(({ isBusy }) => isBusy).length);
        members = Math.max(members, pool.engine.members.size);
        return false;
      }, pool.timeline.now + 3);
    }
    pool.timeline.run(() => {
      atWork = Math.max(atWork, pool.links.filter(({ isBusy }) => isBusy).length);
      return jobs.every((job) => job.done(1));
    });
    assert.equal(atWork, 2);
    assert.ok(members <= 4, `${members} members`);
  }
});

test('crew: a boot that hangs is ended, also when the worker has its only task already (D3)', () => {
  const pool = new PlainPool({ size: 1, tasksPerWorker: 1, bootTimeoutMs: 1_000 }, (id) => ({ neverBoots: id === 1 }));
  const job = pool.submit(1, () => returns(1));
  pool.timeline.pass(2_000);
  assert.ok(job.done(1));
  assert.equal(job.values.size, 1);
});

test('crew: the boot of each worker is timed alone, and no timer outlives it', () => {
  const pool = new PlainPool({ size: 2, tasksPerWorker: 1 });
  const job = pool.submit(50, () => returns(1));
  pool.timeline.run(() => job.done(50));
  pool.timeline.pass(100);
  assert.equal(pool.clock.timers, 0);
});

test('crew: workers that die at once are replaced ever later, and then no more (D7)', () => {
  const restart = { intensity: 10, periodMs: 60_000 };
  const pool = new PlainPool({ size: 1, restart });
  pool.submit(1, () => returns(1), { pinned: undefined });
  const starts: number[] = [];
  for (let i = 0; i < 30 && pool.broken === undefined; i++) {
    starts.push(pool.timeline.now);
    pool.links.at(-1)!.die();
    const before = pool.links.length;
    pool.timeline.run(() => pool.links.length > before || pool.broken !== undefined);
  }
  assert.equal(starts.length, restart.intensity + 1);
  assert.ok(starts.at(-1)! - starts.at(-2)! >= 499, 'the last delay is the longest');
  assert.equal(pool.ends, 1);
});

test('crew: a worker that dies while it drains neither delays nor displaces its replacement', () => {
  const pool = new PlainPool({ size: 1, tasksPerWorker: 1, restart: { intensity: 100, periodMs: 60_000 } });
  for (let i = 0; i < 6; i++) {
    // Unproductive deaths, so that the next one is made good with a delay.
    pool.links.at(-1)!.die();
    pool.timeline.pass(700);
  }
  const job = pool.submit(1, () => never);
  pool.timeline.pass(50);
  const [old, replacement] = [...pool.engine.members];
  assert.deepEqual([old!.state, replacement!.state], ['draining', 'ready']);
  pool.links.at(-2)!.die();
  pool.timeline.pass(1);
  assert.equal(job.failures[0]?.failure.kind, 'lost');
  assert.equal(replacement!.state, 'ready');
  assert.equal(pool.alive, 1);
});

test('crew: a worker that cannot even be started counts as a death, and is tried again (C6)', () => {
  let failures = 4;
  const pool = new PlainPool({ size: 1 });
  pool.starting = () => {
    if (failures-- > 0) throw new Error('EAGAIN');
  };
  const job = pool.submit(2, () => returns(20), { chunkSize: 1 });
  pool.timeline.pass(10);
  pool.links[0]!.die();
  pool.timeline.pass(2_000);
  assert.ok(job.done(2));
  assert.equal(job.values.size, 1);
  assert.deepEqual([pool.alive, pool.links.length], [1, 2]);
});

test('crew: when workers cannot be started any more, the pool breaks and says why', () => {
  const pool = new PlainPool({ size: 1, restart: { intensity: 5, periodMs: 60_000 } });
  pool.timeline.pass(10);
  pool.starting = () => {
    throw new Error('EMFILE');
  };
  pool.links[0]!.die();
  const job = pool.submit(2, () => returns(1));
  pool.timeline.pass(60_000);
  assert.ok(job.done(2));
  assert.match(pool.broken!.message, /EMFILE/);
  assert.equal(pool.ends, 1);
});

test('crew: a pool whose first workers cannot be started says so at once', () => {
  const options = {
    size: 2,
    start: () => {
      throw new Error('EMFILE');
    },
  };
  const pool = new PlainPool({ size: 0, max: 1 });
  assert.equal(pool.links.length, 0);
  assert.throws(() => {
    const other = new PlainPool({ ...options, min: 0, max: 2 });
    other.starting = options.start;
    other.engine.resize(2, 2);
    other.engine.start();
  }, /EMFILE/);
});

test('crew: one that does not end when asked gets SIGTERM, then SIGKILL', () => {
  const pool = new PlainPool({ size: 1 }, { heedsClose: false, heedsTerm: false });
  pool.timeline.pass(10);
  pool.engine.close();
  pool.timeline.pass(drainGraceMs + killGraceMs - 1);
  assert.equal(pool.ends, 0);
  pool.timeline.pass(10);
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

test('crew: kill storm: 300 tasks of 20 ms, 2 workers, a kill every 60 ms for 3 s (C7)', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = new Random(seed);
    const pool = new PlainPool({ size: 2 }, { bootMs: 40 });
    const job = pool.submit(300, () => returns(20));
    let kills = 0;
    for (let i = 0; i < 50; i++) {
      const living = pool.links.filter(({ state }) => state !== 'dead');
      if (living.length > 0) {
        random.pick(living).die();
        kills++;
      }
      pool.timeline.pass(60);
    }
    pool.timeline.pass(5_000);
    assert.ok(job.done(300));
    assert.ok(job.failures.length <= kills, `${job.failures.length} rejections after ${kills} kills`);
    const probe = pool.submit(1, () => returns(1));
    pool.timeline.pass(1_000);
    assert.ok(probe.done(1));
    assert.equal(pool.alive, 2);
  }
});

test('crew: all workers killed in the same tick (C8)', () => {
  const pool = new PlainPool({ size: 4 });
  const job = pool.submit(40, () => returns(5));
  pool.timeline.pass(12);
  const busy = pool.links.filter(({ isBusy }) => isBusy).length;
  for (const link of pool.links) link.die();
  pool.timeline.pass(5_000);
  assert.ok(job.done(40));
  assert.ok(job.failures.length <= busy);
  assert.equal(pool.alive, 4);
});

test('crew: a smaller size retires workers when they are done, a larger one starts them', () => {
  const pool = new PlainPool({ size: 4 });
  const job = pool.submit(16, () => returns(50));
  pool.timeline.pass(20);
  pool.engine.resize(1, 1);
  assert.equal(pool.alive, 1);
  pool.timeline.pass(5_000);
  assert.ok(job.done(16));
  assert.equal(pool.engine.members.size, 1);
  pool.engine.resize(3, 3);
  assert.equal(pool.alive, 3);
});
