import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from 'manycore';
import { poisonDeaths, stopGraceMs } from '#internal/limits.js';
import { PlainJob, PlainPool, returns } from './plain-pool.ts';

const never = { kind: 'never' } as const;

function pin(pool: PlainPool, act = returns(1)): PlainJob[] {
  const jobs: PlainJob[] = [];
  pool.engine.pin((pinned) => {
    const job = new PlainJob(() => act, { pinned });
    jobs.push(job);
    return job;
  });
  pool.engine.dispatch();
  return jobs;
}

function kindsOf(job: PlainJob): string[] {
  return job.failures.map(({ failure }) => failure.kind);
}

test('engine: a recycled worker whose items were all taken back ends, and so does the pool', () => {
  const pool = new PlainPool({ size: 2, tasksPerWorker: 1 }, (id) => ({ bootMs: id === 1 ? 100 : 5 }));
  const job = pool.submit(2, () => returns(1));
  pool.timeline.run(() => job.done(2));
  pool.close();
  assert.deepEqual([job.values.size, pool.ends, pool.clock.timers], [2, 1, 0]);
});

test('engine: withdrawn items of a draining worker do not keep it', () => {
  const pool = new PlainPool({ size: 1, tasksPerWorker: 4 }, { bootMs: 50 });
  const job = pool.submit(4, () => returns(1));
  pool.timeline.pass(1);
  pool.engine.withdraw(job, undefined);
  assert.ok(job.done(4));
  pool.close();
  assert.equal(pool.ends, 1);
});

test('engine: a withdrawn broadcast never begins where it waits', () => {
  const pool = new PlainPool({ size: 1 }, { bootMs: 50 });
  const [job] = pin(pool);
  pool.engine.withdraw(job!, { value: 'enough' });
  assert.deepEqual(kindsOf(job!), ['aborted']);
  pool.timeline.pass(1_000);
  assert.equal(job!.begun.length, 0);
  assert.equal(pool.engine.members.size, 1);
});

test('engine: a broadcast reaches the workers that are about to be recycled', () => {
  const pool = new PlainPool({ size: 2, tasksPerWorker: 1 });
  pool.timeline.pass(20);
  const jobs = [...pin(pool), ...pin(pool)];
  pool.timeline.pass(1_000);
  assert.ok(jobs.every((job) => job.done(1) && job.values.size === 1));
  assert.equal(pool.alive, 2);
});

test('engine: a recycled worker does what is pinned to it, also when it has nothing else to do', () => {
  const pool = new PlainPool({ size: 1 });
  pool.timeline.pass(20);
  const [job] = pin(pool);
  pool.engine.recycle([...pool.engine.members][0]!, 'memory');
  pool.timeline.pass(1_000);
  assert.equal(job!.values.size, 1);
  assert.deepEqual([pool.alive, pool.links.length], [1, 2]);
});

for (const canTakeBack of [true, false]) {
  const where = canTakeBack ? '' : ', also where nothing can be taken back';
  test(`engine: a worker that has stopped answers what it has begun, and what else it holds is settled${where}`, () => {
    const pool = new PlainPool({ size: 1 }, (id) => ({ block: 2, canTakeBack: canTakeBack || id > 1 }));
    pool.timeline.pass(20);
    const job = pool.submit(6, () => returns(50), { chunkSize: 6 });
    const other = pool.submit(6, () => returns(1), { timing: job.terms.timing });
    pool.timeline.pass(1);
    const [pinned] = pin(pool);
    pool.links[0]!.stop();
    pool.engine.recycle([...pool.engine.members][0]!, 'recycle');
    pool.timeline.pass(1_000);
    assert.ok(job.done(6) && job.begun.every(({ workerId }) => workerId === 1));
    assert.ok(other.done(6) && other.begun.every(({ workerId }) => workerId === 2));
    const failure = pinned!.failures[0]?.failure;
    assert.ok(failure?.kind === 'lost' && failure.loss.phase === 'dispatch');
    assert.equal(pool.links[0]!.endedInPeace, true);
    assert.deepEqual([pool.alive, pool.links.length], [1, 2]);
  });
}

test('engine: workers that stop before they have answered anything are replaced later and later, and break the pool', () => {
  const pool = new PlainPool({ size: 1, restart: { intensity: 10, periodMs: 60_000 } });
  const cause = new Error('left by the initializer');
  const startsMs: number[] = [];
  pool.starting = () => startsMs.push(pool.timeline.now);
  for (let i = 0; i <= 10; i++) {
    const known = pool.links.length - 1;
    pool.timeline.run(() => pool.links.length > known && pool.links.at(-1)!.state === 'up', 60_000);
    pool.links.at(-1)!.stop();
    pool.engine.recycle([...pool.engine.members].at(-1)!, 'recycle', cause);
    pool.timeline.run(() => pool.engine.members.size === 0, pool.timeline.now + 10);
    pool.timeline.run(() => pool.engine.members.size > 0 || pool.broken !== undefined, 60_000);
  }
  assert.equal(pool.broken?.cause, cause);
  assert.equal(startsMs.length, 10);
  assert.ok(startsMs.at(-1)! > 1_500, `the last at ${startsMs.at(-1)}`);
  pool.timeline.pass(10_000);
  assert.equal(pool.ends, 1);
});

test('engine: who hears of a loss may give the job up: what had not begun never will', () => {
  const pool = new PlainPool({ size: 1 }, { block: 2 });
  const job = new PlainJob(() => returns(20));
  job.onFail = () => pool.engine.withdraw(job, undefined);
  pool.engine.add(job, 0, 8);
  pool.engine.dispatch();
  pool.timeline.run(() => job.begun.length === 1);
  pool.links[0]!.die();
  pool.timeline.pass(1_000);
  assert.ok(job.done(8));
  assert.equal(job.begun.length, 1);
  assert.deepEqual(kindsOf(job), ['lost', ...Array.from({ length: 7 }, () => 'aborted')]);
});

test('engine: who hears of a loss may submit more: nothing is sent to the dead worker', () => {
  const pool = new PlainPool({ size: 1 }, { block: 1 });
  const job = pool.submit(1, () => ({ kind: 'crash', ms: 1 }));
  let more: PlainJob | undefined;
  job.onFail = () => (more = pool.submit(3, () => returns(1)));
  pool.timeline.pass(1_000);
  assert.deepEqual(kindsOf(job), ['lost']);
  assert.ok(more!.done(3) && more!.values.size === 3);
});

test('engine: who hears of a result may terminate', () => {
  const pool = new PlainPool({ size: 2 });
  const job = new PlainJob((index) => (index === 0 ? { kind: 'throw', ms: 1 } : returns(1)));
  job.onFail = () => pool.engine.terminate(new Error('enough'));
  pool.engine.add(job, 0, 20);
  pool.engine.dispatch();
  pool.timeline.pass(10_000);
  assert.ok(job.done(20));
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

test('engine: what is added after the end fails at once', () => {
  for (const end of ['close', 'terminate'] as const) {
    const pool = new PlainPool({ size: 1 });
    if (end === 'close') pool.close();
    else pool.engine.terminate(new Error('enough'));
    assert.deepEqual(kindsOf(pool.submit(2, () => returns(1))), ['ended', 'ended']);
  }
});

test('engine: an answer for another than its own tasks ends the worker and settles nothing (H2)', () => {
  const nonsense: readonly [string, (pool: PlainPool) => readonly [number, number]][] = [
    ['never sent', ({ links }) => [links[0]!.next + 7, 1]],
    ['answered before', () => [0, 1]],
    ['answered before, and one more', () => [0, 2]],
    ['not begun', ({ links }) => [links[0]!.begun(), 1]],
  ];
  for (const [name, choose] of nonsense) {
    const pool = new PlainPool({ size: 1 }, { block: 1 });
    const job = pool.submit(12, () => returns(10));
    pool.timeline.run(() => job.values.size === 1);
    pool.links[0]!.answerNonsense(...choose(pool));
    pool.timeline.pass(1_000);
    assert.ok(pool.exits[0]?.protocolError instanceof ProtocolError, name);
    assert.ok(job.done(12), name);
    assert.deepEqual(kindsOf(job), ['lost'], name);
    assert.ok(
      [...job.values.values()].every((value) => value === 'value'),
      name,
    );
  }
});

test('engine: an aborted task that heeds its signal keeps its worker, another one loses it after a grace', () => {
  for (const heedsCancel of [true, false]) {
    const pool = new PlainPool({ size: 1 }, { heedsCancel });
    const job = pool.submit(1, () => never, { graceMs: stopGraceMs });
    pool.timeline.pass(20);
    pool.engine.withdraw(job, { value: 'enough' });
    assert.deepEqual(kindsOf(job), ['aborted']);
    pool.timeline.pass(stopGraceMs - 10);
    assert.equal(pool.links[0]!.state, 'up');
    pool.timeline.pass(20);
    assert.equal(pool.links[0]!.state, heedsCancel ? 'up' : 'dead');
    pool.close();
    assert.equal(pool.clock.timers, 0);
  }
});

test('engine: of six tasks on one worker one runs, the others can be cancelled and never begin (M333)', () => {
  const pool = new PlainPool({ size: 1 }, { block: 1 });
  const job = pool.submit(6, () => returns(50));
  pool.timeline.run(() => job.begun.length === 1);
  const items = [0, 1, 2, 3, 4, 5];
  assert.deepEqual(
    items.map((index) => pool.engine.isRunning(job, index)),
    [true, false, false, false, false, false],
  );
  assert.deepEqual(
    items.map((index) => pool.engine.cancel(job, index, false)),
    [false, true, true, true, true, true],
  );
  assert.deepEqual(
    items.map((index) => pool.engine.cancel(job, index, false)),
    [false, false, false, false, false, false],
  );
  pool.engine.dispatch();
  pool.timeline.pass(1_000);
  assert.ok(job.done(6) && job.begun.length === 1 && job.values.size === 1);
  pool.close();
  assert.equal(pool.clock.timers, 0);
});

test('engine: a running task is cancelled by force: its worker is replaced, the tasks behind it go on (U467)', () => {
  const pool = new PlainPool({ size: 1 });
  const job = pool.submit(4, (index) => (index === 0 ? never : returns(1)));
  pool.timeline.run(() => job.begun.length === 1);
  assert.equal(pool.engine.cancel(job, 0, true), true);
  assert.equal(pool.engine.isRunning(job, 0), false);
  assert.deepEqual(kindsOf(job), ['cancelled']);
  pool.timeline.pass(1_000);
  assert.ok(job.done(4) && job.values.size === 3);
  assert.deepEqual([pool.links.length, pool.links[0]!.state], [2, 'dead']);
});

test('engine: cancelling by force what only waits in the running block of another does not end that one', () => {
  const pool = new PlainPool({ size: 1 }, { block: 4 });
  const job = pool.submit(8, (index) => returns(index === 1 ? 5_500 : 1), { graceMs: stopGraceMs });
  pool.timeline.run(() => job.begun.length === 2);
  assert.deepEqual([pool.engine.cancel(job, 2, false), pool.engine.isRunning(job, 2)], [false, false]);
  assert.equal(pool.engine.cancel(job, 2, true), true);
  pool.engine.dispatch();
  pool.timeline.pass(10_000);
  assert.ok(job.done(8) && job.values.size === 7);
  assert.equal(pool.links.length, 1);
  pool.close();
  assert.equal(pool.clock.timers, 0);
});

test('engine: what waits is cancelled in one go, what has begun goes on', () => {
  const pool = new PlainPool({ size: 2 }, { block: 1 });
  const job = pool.submit(40, () => returns(20));
  const [pinned] = pin(pool);
  pool.timeline.run(() => job.begun.length === 2);
  pool.engine.cancelWaiting();
  assert.equal(job.failures.length, 38);
  assert.deepEqual([pool.engine.waiting, kindsOf(pinned!)], [0, ['cancelled']]);
  pool.close();
  assert.ok(job.done(40) && job.values.size === 2);
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

test('engine: no timer of an abort outlives the engine', () => {
  const pool = new PlainPool({ size: 1 });
  const job = pool.submit(2, () => returns(5), { graceMs: stopGraceMs });
  pool.timeline.pass(7);
  pool.engine.withdraw(job, { value: 'enough' });
  pool.close();
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

test('engine: lost items are tried again as often as allowed, and a poison task not for ever (C20)', () => {
  for (const [retries, kind, attempts] of [
    [0, 'lost', 1],
    [1, 'lost', 2],
    [5, 'poison', poisonDeaths],
  ] as const) {
    const pool = new PlainPool({ size: 2 });
    const job = pool.submit(5, (index) => (index === 2 ? { kind: 'crash', ms: 1 } : returns(1)), { retries });
    pool.timeline.pass(5_000);
    assert.ok(job.done(5));
    assert.deepEqual(kindsOf(job), [kind]);
    assert.equal(job.begun.filter(({ index }) => index === 2).length, attempts);
  }
});

test('engine: what a dead worker had not begun is not lost (C3)', () => {
  const pool = new PlainPool({ size: 1 }, { delayMs: () => 2 });
  pool.timeline.pass(50);
  const job = pool.submit(4, () => returns(1));
  pool.links[0]!.die();
  pool.timeline.pass(1_000);
  assert.ok(job.done(4) && job.values.size === 4);
});

test('engine: a result that was sent before the death counts', () => {
  const pool = new PlainPool({ size: 1 }, { delayMs: () => 2, block: 1 });
  const job = pool.submit(1, () => returns(1));
  pool.timeline.run(() => job.begun.length === 1);
  pool.timeline.pass(1.5);
  pool.links[0]!.die();
  pool.timeline.pass(1_000);
  assert.equal(job.values.size, 1);
});

test('engine: close waits for what a surface still adds', () => {
  const pool = new PlainPool({ size: 1 });
  const release = pool.engine.hold();
  pool.engine.close();
  pool.timeline.pass(10_000);
  assert.equal(pool.ends, 0);
  const job = pool.submit(3, () => returns(1));
  release();
  release();
  pool.timeline.pass(10_000);
  assert.ok(job.done(3) && job.values.size === 3);
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

test('engine: terminate settles all at once, whatever the workers do', () => {
  const pool = new PlainPool({ size: 2 }, { heedsTerm: false, heedsClose: false });
  const job = pool.submit(50, () => never);
  const pins = pin(pool);
  pool.timeline.pass(20);
  pool.engine.terminate(new Error('enough'));
  assert.ok(job.done(50) && pins.every((pinned) => pinned.done(1)));
  pool.timeline.pass(1_000);
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});
