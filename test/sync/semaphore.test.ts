import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { AbortError, BoundedSemaphore, Condition, LockStateError, Semaphore, SharedEvent } from 'manycore';
import { eachContext, rejection, testClean, testPool } from '../matrix.ts';
import './support.ts';

testClean('semaphore: two permits, then none, then as many as are released (D98)', {}, async () => {
  const semaphore = new Semaphore(2);
  assert.ok(await semaphore.acquire());
  assert.equal(semaphore.getValue(), 1);
  assert.ok(semaphore.acquireSync());
  assert.equal(semaphore.getValue(), 0);
  assert.equal(semaphore.locked(), true);
  assert.equal(semaphore.acquireSync({ block: false }), undefined);
  for (let value = 1; value <= 4; value++) {
    semaphore.release();
    assert.equal(semaphore.getValue(), value);
  }
  assert.equal(inspect(semaphore), '<Semaphore(value=4)>');
  assert.equal(semaphore.locked(), false);
});

testClean('semaphore: values that it cannot have are refused', {}, async () => {
  assert.throws(() => new Semaphore(-1), RangeError);
  assert.throws(() => new Semaphore(1.5), RangeError);
  assert.throws(() => new Semaphore('1' as never), TypeError);
  assert.throws(() => new Semaphore(1, { robsut: true } as object), /Did you mean "robust"/);
  assert.equal(new Semaphore(0).acquireSync({ timeout: 5 }), undefined);
  const full = new Semaphore(2 ** 31 - 1);
  assert.throws(() => full.release(), LockStateError);
});

testClean('semaphore: bounded, it is not released above its first value (D99)', {}, async () => {
  const semaphore = new BoundedSemaphore(2);
  assert.equal(inspect(semaphore), '<BoundedSemaphore(value=2, maxvalue=2)>');
  assert.throws(() => semaphore.release(), LockStateError);
  const guard = semaphore.acquireSync();
  guard.release();
  guard.release();
  assert.throws(() => semaphore.release(), LockStateError);
  assert.equal(semaphore.getValue(), 2);
});

testClean(
  'semaphore: those of one thread have it in the order in which they came, as many as there are permits',
  {},
  async () => {
    const semaphore = new Semaphore(3);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        semaphore.run(async () => {
          order.push(i);
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside--;
        }),
      ),
    );
    assert.equal(most, 3);
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    );
  },
);

testClean('event: not set, waits end late; set, they pass at once; cleared, not (D108)', {}, async () => {
  const event = new SharedEvent();
  assert.equal(event.isSet(), false);
  assert.equal(await event.wait({ timeout: 0 }), false);
  assert.equal(event.waitSync({ timeout: 0 }), false);
  const since = performance.now();
  assert.equal(await event.wait({ timeout: 50 }), false);
  assert.equal(event.waitSync({ timeout: 50 }), false);
  assert.ok(performance.now() - since > 80);
  event.set();
  event.set();
  assert.equal(event.isSet(), true);
  assert.equal(await event.wait(), true);
  assert.equal(event.waitSync(), true);
  assert.equal(inspect(event), '<SharedEvent set>');
  event.clear();
  assert.equal(event.isSet(), false);
  assert.equal(inspect(event), '<SharedEvent unset>');
});

testClean('event: who waits when it is set passes, also when it is cleared at once', {}, async () => {
  const event = new SharedEvent();
  const waits = Array.from({ length: 3 }, () => event.wait({ timeout: 2_000 }));
  event.set();
  event.clear();
  assert.deepEqual(await Promise.all(waits), [true, true, true]);
  assert.equal(await event.wait({ timeout: 1 }), false);
  const controller = new AbortController();
  const wait = event.wait({ signal: controller.signal });
  controller.abort();
  assert.ok((await rejection(wait)) instanceof AbortError);
});

testClean('event and condition: wrong arguments are named', {}, async () => {
  assert.match((await rejection(new SharedEvent().wait(1 as never))).message, /such as \{ timeout: 5_000 \} \(mill/);
  const condition = new Condition();
  const message = 'Cannot use true as the predicate of waitFor: expected a function.';
  await assert.rejects(condition.waitFor(true as never), { name: 'ArgumentTypeError', message });
  assert.throws(() => condition.waitForSync(true as never), /the predicate of waitForSync/);
  assert.throws(() => new Condition(5 as never), /Cannot use 5 as the lock of a Condition/);
});

eachContext((context) => {
  testPool(
    'event: set anywhere, it is set for all; a late waiter passes at once (D108 D109)',
    { context, workers: 3 },
    async (pool) => {
      const event = new SharedEvent();
      const early = [
        pool.apply((its: SharedEvent) => its.wait({ timeout: 10_000 }), [event]),
        pool.apply((its: SharedEvent) => its.waitSync({ timeout: 10_000 }), [event]),
      ];
      const own = event.wait({ timeout: 10_000 });
      await pool.apply((its: SharedEvent) => its.set(), [event]);
      assert.deepEqual(await Promise.all([...early, own]), [true, true, true]);
      assert.deepEqual(await pool.apply(async (its: SharedEvent) => [its.isSet(), await its.wait()], [event]), [
        true,
        true,
      ]);
      await pool.apply((its: SharedEvent) => its.clear(), [event]);
      assert.equal(event.isSet(), false);
    },
  );

  testPool(
    'semaphore: its permits are the same for all, and anybody may release one (D98)',
    { context, workers: 2 },
    async (pool) => {
      const semaphore = new Semaphore(0);
      const got = pool.apply(async (its: Semaphore) => (await its.acquire()).ownerDied, [semaphore]);
      const gotSync = pool.apply((its: Semaphore) => its.acquireSync().ownerDied, [semaphore]);
      semaphore.release();
      semaphore.release();
      assert.deepEqual(await Promise.all([got, gotSync]), [false, false]);
      const bounded = new BoundedSemaphore(1);
      const error = await rejection(pool.apply((its: BoundedSemaphore) => its.release(), [bounded]));
      assert.ok(error instanceof LockStateError);
    },
  );
});
