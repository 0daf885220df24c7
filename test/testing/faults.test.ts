import assert from 'node:assert/strict';
import { Pool, WorkerLostError } from 'manycore';
import { faults, virtualClock } from 'manycore/testing';
import { test } from 'node:test';
import { rejection, testClean } from '../matrix.ts';

const double = (x: number): number => x * 2;

testClean('faults: the worker dies at its n-th task, each time the same; only that task is lost', {}, async () => {
  for (let round = 0; round < 3; round++) {
    const clock = virtualClock();
    await using pool = new Pool({ workers: 1, clock, faults: faults().kill({ worker: 1, task: 3 }) });
    const outcomes = await pool.mapSettled(double, [1, 2, 3, 4, 5]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    const error = outcomes[2]?.status === 'rejected' ? (outcomes[2].reason as WorkerLostError) : undefined;
    assert.ok(error instanceof WorkerLostError);
    assert.equal(error.signal, 'SIGKILL');
  }
});

testClean('faults: with retries the task is tried again on another worker', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ workers: 1, clock, faults: faults().kill({ worker: 1, task: 1 }) });
  assert.equal(await pool.apply(double, [4], { retries: 1 }), 8);
  assert.equal(pool.statistics().retried, 1);
});

testClean('faults: a worker that dies in the middle of a task, by the clock', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ workers: 1, clock, faults: faults().kill({ task: 1, afterMs: 500 }) });
  let ended = false;
  const lost = rejection(pool.apply(() => clock.sleep(1_000).then(() => (ended = true))));
  await clock.pass(499);
  assert.equal(pool.statistics().running, 1);
  await clock.pass(1);
  assert.ok((await lost) instanceof WorkerLostError);
  assert.equal(ended, false);
});

testClean('faults: delays of tasks and of starts', {}, async () => {
  const clock = virtualClock();
  const plan = faults().delayStart({ worker: 1, ms: 300 }).delay({ worker: 1, task: 2, ms: 700 });
  await using pool = new Pool({ workers: 1, clock, faults: plan });
  const at: number[] = [];
  const all = pool.map((x: number) => at.push(clock.now()) && x, [1, 2, 3]);
  await clock.pass(2_000);
  await all;
  assert.deepEqual(at, [300, 1_000, 1_000]);
});

testClean('faults: a worker that refuses to start is replaced', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ workers: 1, clock, faults: faults().refuseToStart({ worker: 1 }) });
  const result = pool.apply(double, [1]);
  await clock.pass(1_000);
  assert.equal(await result, 2);
  assert.equal(pool.statistics().workers[0]?.id, 2);
});

test('faults and clock with real workers are refused, with what to do', () => {
  const clock = virtualClock();
  assert.throws(() => new Pool({ clock, context: 'process' }), /Cannot use clock with context "process"/);
  assert.throws(() => new Pool({ workers: 1, faults: faults() }), /Cannot use faults with real workers/);
  assert.throws(() => new Pool({ clock: 5 as never }), /expected what virtualClock\(\) returns/);
  assert.throws(() => new Pool({ workers: 0, faults: {} as never }), /expected what faults\(\) returns/);
});

test('faults: a place or a time that there is not is refused', () => {
  assert.throws(() => faults().kill({ tsk: 1 } as never), /Unknown option "tsk" of kill. Did you mean "task"\?/);
  assert.throws(() => faults().kill({ task: 0 }), /Cannot use task 0: expected a whole number of at least 1/);
  assert.throws(() => faults().kill({ afterMs: -1 }), /Cannot use afterMs -1/);
  assert.throws(() => faults().delay({ task: 1 } as never), /Cannot use ms undefined: expected milliseconds/);
  assert.throws(() => faults().delayStart({ worker: 1.5, ms: 1 }), /Cannot use worker 1.5/);
  assert.throws(() => faults().refuseToStart({ task: 1 } as never), /Unknown option "task" of refuseToStart/);
});
