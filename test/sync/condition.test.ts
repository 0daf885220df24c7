import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { AbortError, Condition, Lock, LockStateError, Semaphore } from 'manycore';
import { ConditionCore, conditionWords } from '#internal/sync/condition-core.js';
import { create } from '#internal/sync/shared-object.js';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';
import './support.ts';

testClean('condition: without its lock it cannot be waited for or notified (D104)', {}, async () => {
  for (const condition of [new Condition(), new Condition(new Lock())]) {
    assert.ok((await rejection(condition.wait())) instanceof LockStateError);
    for (const use of [() => condition.waitSync(), () => condition.notify(), () => condition.notifyAll()])
      assert.throws(use, LockStateError);
  }
  assert.throws(() => new Condition({} as never), TypeError);
  assert.match(inspect(new Condition()), /^<Condition\(<RLock\(None, 0\)>, 0\)>$/);
});

testClean(
  'condition: a wait releases the lock however often it is held, and acquires it as often again',
  {},
  async () => {
    const condition = new Condition();
    const { lock } = condition;
    lock.acquireSync();
    lock.acquireSync();
    assert.equal(condition.waitSync({ timeout: 5 }), false);
    assert.equal(inspect(lock), '<RLock(MainProcess, 2)>');
    assert.equal(await condition.wait({ timeout: 5 }), false);
    assert.equal(inspect(lock), '<RLock(MainProcess, 2)>');
    lock.release();
    lock.release();
  },
);

testClean(
  'condition: waitFor returns what its function returned last, also when that was nothing in time (D106)',
  {},
  async () => {
    const condition = new Condition();
    const since = performance.now();
    await condition.lock.run(async () => {
      assert.equal(await condition.waitFor(() => 0, { timeout: 60 }), 0);
      assert.equal(
        condition.waitForSync(() => '', { timeout: 60 }),
        '',
      );
      assert.equal(await condition.waitFor(async () => 'at once'), 'at once');
    });
    assert.ok(performance.now() - since > 100);
  },
);

testClean('condition: an aborted wait has the lock again, and the notification goes to another', {}, async () => {
  const condition = new Condition(new Lock());
  const { lock } = condition;
  const controller = new AbortController();
  const aborted = lock.run(() => condition.wait({ signal: controller.signal }));
  const other = lock.run(() => condition.wait({ timeout: 5_000 }));
  await eventually(() => inspect(condition).endsWith(', 2)>'));
  await lock.run(() => {
    condition.notify();
    controller.abort();
  });
  assert.ok((await rejection(aborted)) instanceof AbortError);
  assert.equal(await other, true);
  assert.equal(lock.locked(), false);
});

testClean('condition: more waits of one thread than it can count are refused, and the others notified', {}, () => {
  const core = create(conditionWords, (place) => new ConditionCore(place));
  const waits = Array.from({ length: 32_767 }, () => core.begin());
  assert.throws(() => core.begin(), { name: 'SharedMemoryError' });
  core.notify(Number.MAX_SAFE_INTEGER);
  assert.throws(() => core.begin(), { name: 'SharedMemoryError' });
  assert.equal(waits.filter((wait) => wait.try() === true).length, 32_767);
  assert.equal(core.waiting, 0);
  assert.equal(core.begin().giveUp(), false);
});

eachContext((context) => {
  const sleep = async (condition: Condition, awake: Semaphore, isSync: boolean, timeout: number): Promise<boolean> => {
    const notified = isSync
      ? condition.lock.runSync(() => condition.waitSync({ timeout }))
      : await condition.lock.run(() => condition.wait({ timeout }));
    if (notified) awake.release();
    return notified;
  };

  /** Waits until so many wait; it needs the lock to be free, as they do. */
  const sleeping = (condition: Condition, n: number): Promise<void> =>
    eventually(() => inspect(condition).endsWith(`, ${n})>`), 10_000, `${n} wait`);

  testPool('condition: two wait, each notification wakes one (D100)', { context, workers: 2 }, async (pool) => {
    const condition = new Condition();
    const awake = new Semaphore(0);
    const sleepers = [false, true].map((isSync) => pool.apply(sleep, [condition, awake, isSync, 10_000]));
    await sleeping(condition, 2);
    for (let n = 1; n <= 2; n++) {
      await condition.lock.run(() => condition.notify());
      await eventually(() => awake.getValue() === n);
      assert.equal(inspect(condition).endsWith(`, ${2 - n})>`), true);
    }
    assert.deepEqual(await Promise.all(sleepers), [true, true]);
    await condition.lock.run(() => condition.notify());
    assert.equal(awake.getValue(), 2);
  });

  testPool('condition: all that still wait are woken by notifyAll (D101)', { context, workers: 3 }, async (pool) => {
    const condition = new Condition();
    const awake = new Semaphore(0);
    const six = (timeout: number): Promise<boolean>[] => [
      ...[false, true, false].map((isSync) => pool.apply(sleep, [condition, awake, isSync, timeout])),
      ...[0, 1, 2].map(() => sleep(condition, awake, false, timeout)),
    ];
    assert.deepEqual(await Promise.all(six(50)), Array<boolean>(6).fill(false));
    assert.equal(inspect(condition).endsWith(', 0)>'), true);
    const waits = six(10_000);
    await sleeping(condition, 6);
    await condition.lock.run(() => condition.notifyAll());
    assert.deepEqual(await Promise.all(waits), Array<boolean>(6).fill(true));
    assert.equal(awake.getValue(), 6);
  });

  testPool('condition: notify(n) wakes n, of those that there are (D102)', { context, workers: 3 }, async (pool) => {
    const condition = new Condition();
    const awake = new Semaphore(0);
    const waits = [
      ...[false, true, false].map((isSync) => pool.apply(sleep, [condition, awake, isSync, 10_000])),
      ...[0, 1, 2].map(() => sleep(condition, awake, false, 10_000)),
    ];
    await sleeping(condition, 6);
    await condition.lock.run(() => condition.notify(2));
    await eventually(() => awake.getValue() === 2);
    await sleeping(condition, 4);
    await condition.lock.run(() => condition.notify(4));
    await Promise.all(waits);
    assert.equal(awake.getValue(), 6);
    await condition.lock.run(() => condition.notify(3));
    assert.equal(await condition.lock.run(() => condition.wait({ timeout: 20 })), false);
  });

  testPool('condition: waitFor sees the steps of another (D105)', { context, workers: 1 }, async (pool) => {
    const condition = new Condition();
    const steps = new Semaphore(0);
    const watching = pool.apply(
      (its: Condition, state: Semaphore) =>
        its.lock.run(() => its.waitFor(() => (state.getValue() === 4 ? 'four' : undefined))),
      [condition, steps],
    );
    await sleeping(condition, 1);
    for (let i = 0; i < 4; i++) {
      await condition.lock.run(() => {
        steps.release();
        condition.notify();
      });
    }
    assert.equal(await watching, 'four');
  });
});
