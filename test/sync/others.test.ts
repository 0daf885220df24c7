import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import {
  AbortError,
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Lock,
  LockStateError,
  Semaphore,
  SharedEvent,
} from 'manycore';
import { BarrierCore, barrierWords } from '#internal/sync/barrier-core.js';
import { ConditionCore, conditionWords } from '#internal/sync/condition-core.js';
import { create } from '#internal/sync/shared-object.js';
import { glance } from '#internal/sync/waiters.js';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';
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

testClean('barrier: for one it is open (D119)', {}, async () => {
  const barrier = new Barrier(1);
  assert.equal(await barrier.wait(), 0);
  assert.equal(barrier.waitSync(), 0);
  assert.throws(() => new Barrier(0), RangeError);
  assert.throws(() => new Barrier(2, { action: 5 } as never), TypeError);
  assert.throws(() => new Barrier(2, { acton: () => 1 } as never), /Did you mean "action"/);
});

testClean('barrier: a round is not taken for a broken one that had its number 65,536 rounds before', {}, () => {
  const core = create(barrierWords, (place) => new BarrierCore(place, 2));
  const meet = (): void => {
    const [first, last] = [core.arrival.try(glance), core.arrival.try(glance)] as const;
    assert.ok(typeof first === 'object' && typeof last === 'object');
    core.finish(last.round);
    assert.equal(core.passing(first.round).try(glance), true);
  };
  void core.arrival.try(glance);
  core.reset();
  assert.throws(() => core.passing(0).try(glance), BrokenBarrierError);
  for (let round = 1; round < 65_536 + 16; round++) meet();
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

testClean('barrier: whose time is over says how many had arrived', {}, async () => {
  const barrier = new Barrier(3);
  const first = rejection(barrier.wait());
  const late = await rejection(barrier.wait({ timeout: 20 }));
  assert.ok(late instanceof BrokenBarrierError);
  assert.equal(late.message, 'The barrier is broken: 2 of 3 had arrived after 20 ms.');
  const why = 'somebody waited for too long, gave up, died, or called abort() or reset()';
  assert.equal((await first).message, `The barrier is broken: ${why}.`);
  barrier.reset();
  assert.throws(() => barrier.waitSync({ timeout: 0 }), { message: /: 1 of 3 had arrived after 0 ms\.$/ });
});

testClean('event and condition: wrong arguments are named', {}, async () => {
  assert.match((await rejection(new SharedEvent().wait(1 as never))).message, /such as \{ timeout: 5_000 \} \(mill/);
  const condition = new Condition();
  const message = 'Cannot use true as the predicate of waitFor: expected a function.';
  await assert.rejects(condition.waitFor(true as never), { name: 'ArgumentTypeError', message });
  assert.throws(() => condition.waitForSync(true as never), /the predicate of waitForSync/);
  assert.throws(() => new Condition(5 as never), /Cannot use 5 as the lock of a Condition/);
});

testClean('barrier: two of one thread meet; an aborted one breaks it', {}, async () => {
  const barrier = new Barrier(2);
  assert.deepEqual((await Promise.all([barrier.wait(), barrier.wait()])).toSorted(), [0, 1]);
  const controller = new AbortController();
  const aborted = barrier.wait({ signal: controller.signal });
  assert.deepEqual([barrier.nWaiting, barrier.waiting], [1, 1]);
  controller.abort();
  assert.ok((await rejection(aborted)) instanceof AbortError);
  assert.equal(barrier.broken, true);
  assert.ok((await rejection(barrier.wait())) instanceof BrokenBarrierError);
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

  testPool(
    'barrier: five meet twice, each with a number of its own, and no one overtakes (D110 D111)',
    { context, workers: 4 },
    async (pool) => {
      const barrier = new Barrier(5);
      const arrived = new Semaphore(0);
      const meet = async (at: Barrier, arrivals: Semaphore, isSync: boolean): Promise<[number, number][]> => {
        const seen: [number, number][] = [];
        for (let round = 1; round <= 2; round++) {
          arrivals.release();
          seen.push([isSync ? at.waitSync() : await at.wait(), arrivals.getValue()]);
          if (isSync) at.waitSync();
          else await at.wait();
        }
        return seen;
      };
      const all = await Promise.all([
        ...[0, 1, 2, 3].map((i) => pool.apply(meet, [barrier, arrived, i % 2 === 0])),
        meet(barrier, arrived, false),
      ]);
      for (const round of [0, 1]) {
        assert.deepEqual(all.map((seen) => seen[round]![0]).toSorted(), [0, 1, 2, 3, 4]);
        assert.ok(all.every((seen) => seen[round]![1] === 5 * (round + 1)));
      }
    },
  );

  testPool('barrier: its action runs once a round, before anybody goes on', { context, workers: 2 }, async (pool) => {
    const ran = new Semaphore(0);
    const barrier = new Barrier(3, { action: () => ran.release() });
    const meet = async (at: Barrier, runs: Semaphore): Promise<number> => {
      await at.wait();
      return runs.getValue();
    };
    const all = [pool.apply(meet, [barrier, ran]), pool.apply(meet, [barrier, ran]), meet(barrier, ran)];
    assert.deepEqual(await Promise.all(all), [1, 1, 1]);
  });

  testPool(
    'barrier: an action that throws breaks it: its error there, BrokenBarrierError elsewhere (D113)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3, {
        action: () => {
          throw new TypeError('action');
        },
      });
      const meet = async (at: Barrier): Promise<string> => at.wait().then(String, (error: Error) => error.name);
      const names = await Promise.all([pool.apply(meet, [barrier]), pool.apply(meet, [barrier]), meet(barrier)]);
      assert.deepEqual(names.toSorted(), ['BrokenBarrierError', 'BrokenBarrierError', 'TypeError']);
      assert.equal(barrier.broken, true);
    },
  );

  const outcome = async (at: Barrier, isSync: boolean, timeout?: number): Promise<string> => {
    try {
      const options = timeout === undefined ? {} : { timeout };
      return String(isSync ? at.waitSync(options) : await at.wait(options));
    } catch (error) {
      return (error as Error).name;
    }
  };
  const twoBroken = ['BrokenBarrierError', 'BrokenBarrierError'];

  testPool(
    'barrier: aborted, it is broken for all, until it is reset (D114 D116)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3);
      const waits = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      await eventually(() => barrier.waiting === 2);
      barrier.abort();
      assert.deepEqual(await Promise.all(waits), twoBroken);
      assert.equal(barrier.broken, true);
      assert.equal(await outcome(barrier, false), 'BrokenBarrierError');
      barrier.reset();
      assert.equal(barrier.broken, false);
      const again = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      assert.deepEqual((await Promise.all([...again, outcome(barrier, false)])).toSorted(), ['0', '1', '2']);
    },
  );

  testPool(
    'barrier: a reset breaks it for those that wait, and it can be used at once (D115)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3);
      const waits = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      await eventually(() => barrier.waiting === 2);
      barrier.reset();
      assert.equal(barrier.broken, false);
      assert.deepEqual(await Promise.all(waits), twoBroken);
      const again = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      assert.deepEqual((await Promise.all([...again, outcome(barrier, false)])).toSorted(), ['0', '1', '2']);
    },
  );

  testPool(
    'barrier: one that is late breaks it for all, by the timeout of the wait or the barrier (D117 D118)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3);
      const waits = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync, isSync ? 100 : 10_000]));
      assert.deepEqual(await Promise.all(waits), twoBroken);
      const usual = new Barrier(3, { timeout: 50 });
      const others = [true, false].map((isSync) => pool.apply(outcome, [usual, isSync]));
      assert.deepEqual(await Promise.all(others), twoBroken);
      assert.equal(usual.broken, true);
    },
  );

  testPool('barrier: a thousand rounds in lockstep (D120)', { context, workers: 2 }, async (pool) => {
    const barrier = new Barrier(2);
    const rounds = [new Semaphore(0), new Semaphore(0)];
    const walk = async (at: Barrier, all: Semaphore[], me: number): Promise<number> => {
      let worst = 0;
      for (let i = 0; i < 1_000; i++) {
        all[me]!.release();
        worst = Math.max(worst, Math.abs(all[0]!.getValue() - all[1]!.getValue()));
        if (me === 0) at.waitSync();
        else await at.wait();
      }
      return worst;
    };
    const worst = await Promise.all([0, 1].map((me) => pool.apply(walk, [barrier, rounds, me])));
    assert.ok(Math.max(...worst) <= 1, String(worst));
    assert.deepEqual(
      rounds.map((each) => each.getValue()),
      [1_000, 1_000],
    );
  });
});
