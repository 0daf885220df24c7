import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import {
  AbortError,
  BlockingError,
  Lock,
  LockStateError,
  Process,
  RLock,
  SharedEvent,
  SharedValue,
  TimeoutError,
} from 'manycore';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';
import { until } from './support.ts';

testClean('lock: acquired, not acquired again, released, and not released again (D91)', {}, async () => {
  const lock = new Lock();
  assert.ok(await lock.acquire());
  assert.equal(await lock.acquire({ block: false }), undefined);
  assert.equal(lock.acquireSync({ block: false }), undefined);
  assert.equal(lock.release(), undefined);
  assert.throws(() => lock.release(), LockStateError);
  assert.ok(lock.acquireSync());
  lock.release();
});

testClean('lock: a guard gives back once, by `release`, `using` or `await using`', {}, async () => {
  const lock = new Lock();
  const guard = lock.acquireSync();
  assert.equal(guard.ownerDied, false);
  guard.release();
  guard.release();
  {
    using held = lock.acquireSync();
    assert.equal(lock.locked(), true);
    assert.ok(held);
  }
  {
    await using held = await lock.acquire();
    assert.equal(lock.locked(), true);
    assert.ok(held);
  }
  assert.equal(lock.locked(), false);
});

testClean(
  'RLock: who waited has it from the step on that lets it in, however other code of its thread looks',
  {},
  async () => {
    const lock = new RLock();
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const first = lock.run(() => finished);
    const second = lock.acquire();
    finish();
    // In each microtask it is either one's or the other's, never nobody's.
    for (let i = 0; i < 50; i++) {
      assert.match(inspect(lock), /^<RLock\((?:MainProcess, 1|None, 0)\)>$/);
      await Promise.resolve();
    }
    await first;
    (await second).release();
    assert.equal(lock.locked(), false);
  },
);

testClean('lock: run and runSync give it back, also when the function throws', {}, async () => {
  const lock = new Lock();
  assert.equal(await lock.run(async () => lock.locked()), true);
  assert.equal(
    lock.runSync(() => lock.locked()),
    true,
  );
  await assert.rejects(
    lock.run(() => Promise.reject(new Error('inside'))),
    /inside/,
  );
  assert.throws(() =>
    lock.runSync(() => {
      throw new Error('inside');
    }),
  );
  // @ts-expect-error A promise would be settled without the lock.
  assert.throws(() => lock.runSync(async () => Promise.reject(new Error('inside'))), BlockingError);
  assert.equal(lock.locked(), false);
  const guard = lock.acquireSync();
  const late = await rejection(lock.run(() => 1, { timeout: 5 }));
  assert.ok(late instanceof TimeoutError);
  assert.equal(late.message, 'The Lock was not free within 5 ms.');
  assert.throws(() => lock.runSync(() => 1, { block: false }), {
    name: 'TimeoutError',
    message: 'The Lock is not free.',
  });
  guard.release();
});

testClean(
  'lock: timeouts: 0 and less do not wait, others wait that long; `block: false` has none (D97)',
  {},
  async () => {
    const lock = new Lock();
    lock.acquireSync();
    const times: number[] = [];
    for (const options of [{ timeout: 0 }, { timeout: -5 }, { block: false, timeout: 5_000 }, { timeout: 200 }]) {
      for (const acquire of [() => lock.acquireSync(options), () => lock.acquire(options)]) {
        const since = performance.now();
        assert.equal(await acquire(), undefined);
        times.push(performance.now() - since);
      }
    }
    assert.ok(
      times.slice(0, 6).every((ms) => ms < 100),
      String(times),
    );
    assert.ok(
      times.slice(6).every((ms) => ms > 190 && ms < 2_000),
      String(times),
    );
    lock.release();
  },
);

testClean('lock: wrong options are named', {}, async () => {
  const lock = new Lock();
  assert.throws(() => lock.acquireSync({ timeuot: 1 } as object), /Did you mean "timeout"/);
  assert.throws(() => lock.acquireSync({ signal: AbortSignal.timeout(5) } as object), /Unknown option "signal"/);
  assert.throws(() => lock.acquireSync(5 as never), /such as \{ timeout: 5_000 \} \(milliseconds\)\.$/);
  await assert.rejects(lock.acquire({ timeout: '1' } as never), /expected milliseconds/);
  await assert.rejects(lock.acquire(false as never), /such as \{ block: false \}\.$/);
  await assert.rejects(lock.acquire({ blocking: false } as object), /Did you mean "block"/);
  await assert.rejects((lock.run as () => Promise<unknown>)(), {
    name: 'ArgumentTypeError',
    message: 'Cannot use undefined as the function of run: expected a function.',
  });
  assert.equal(lock.locked(), false);
});

testClean('lock: a signal gives the wait up, and the lock goes to the next', {}, async () => {
  const lock = new Lock();
  const guard = lock.acquireSync();
  const controller = new AbortController();
  const first = lock.acquire({ signal: controller.signal });
  const second = lock.acquire();
  controller.abort(new Error('enough'));
  const error = await rejection(first);
  assert.ok(error instanceof AbortError);
  assert.equal((error.cause as Error).message, 'enough');
  assert.ok((await rejection(lock.acquire({ signal: controller.signal }))) instanceof AbortError);
  guard.release();
  (await second).release();
  assert.equal(lock.locked(), false);
});

testClean(
  'lock: those of one thread have it in the order in which they came; the event loop goes on (D122)',
  {},
  async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const order: number[] = [];
    const all = Array.from({ length: 1_000 }, (_, i) => lock.run(() => order.push(i)));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await eventually(() => ticks >= 5);
    assert.equal(order.length, 0);
    guard.release();
    await Promise.all(all);
    clearInterval(timer);
    assert.deepEqual(
      order,
      Array.from({ length: 1_000 }, (_, i) => i),
    );
  },
);

eachContext((context) => {
  testPool(
    'lock: held elsewhere: locked, not to be had, named in the repr (D95 D96)',
    { context, workers: 1 },
    async (pool) => {
      const lock = new Lock();
      const held = new SharedEvent();
      const go = new SharedEvent();
      const holder = pool.apply(
        async (its: Lock, isHeld: SharedEvent, mayGo: SharedEvent) => {
          await using guard = await its.acquire();
          isHeld.set();
          await mayGo.wait();
          return guard.ownerDied;
        },
        [lock, held, go],
      );
      await held.wait();
      assert.equal(lock.locked(), true);
      assert.equal(await lock.acquire({ timeout: 20 }), undefined);
      const other = context === 'process' ? 'SomeOtherProcess' : 'SomeOtherThread';
      assert.equal(inspect(lock), `<Lock(owner=${other})>`);
      const waiting = lock.acquire();
      go.set();
      assert.equal(await holder, false);
      assert.equal((await waiting).ownerDied, false);
      assert.equal(inspect(lock), '<Lock(owner=MainProcess)>');
      lock.release();
      assert.equal(inspect(lock), '<Lock(owner=None)>');
      assert.equal(String(lock as unknown), inspect(lock));
    },
  );

  testPool('lock: anybody may release it, as in Python (D91)', { context, workers: 1 }, async (pool) => {
    const lock = new Lock();
    lock.acquireSync();
    const waiting = lock.acquire();
    await pool.apply((its: Lock) => its.release(), [lock]);
    (await waiting).release();
    const error = await rejection(pool.apply((its: Lock) => its.release(), [lock]));
    assert.ok(error instanceof LockStateError);
  });

  testPool(
    'lock: it travels nested, captured, and back, and is the same lock',
    { context, workers: 1 },
    async (pool) => {
      const lock = new Lock();
      const [same, back] = await pool.apply(
        ({ deep: [first, second] }: { deep: Lock[] }) => {
          lock.acquireSync();
          return [first === second, first!] as const;
        },
        [{ deep: [lock, lock] }],
      );
      assert.equal(same, true);
      assert.equal(back.locked(), true);
      assert.equal(lock.locked(), true);
      back.release();
      assert.equal(lock.locked(), false);
    },
  );

  testPool(
    'lock: four workers, 10,000 locked increments each, async and sync: none is lost (D123)',
    { context, workers: 4 },
    async (pool) => {
      const lock = new Lock();
      const block = (await import('#internal/memory/block.js')).allocate(64);
      const count = async (its: Lock, reference: unknown, isSync: boolean): Promise<void> => {
        const { Block } = await import('#internal/memory/block.js');
        const { words } = Block.attach(reference as never);
        for (let i = 0; i < 10_000; i++) {
          const guard = isSync ? its.acquireSync() : await its.acquire();
          words[0]!++;
          guard.release();
        }
      };
      await Promise.all([0, 1, 2, 3].map((i) => pool.apply(count, [lock, block.refer(), i % 2 === 0])));
      assert.equal(block.words[0], 40_000);
    },
  );

  testPool(
    'lock: who takes it again and again does not keep the others from it (G20)',
    { context, workers: 2 },
    async (pool) => {
      const lock = new Lock();
      const stop = new SharedEvent();
      const hog = pool.apply(
        (its: Lock, mayStop: SharedEvent) => {
          let times = 0;
          while (!mayStop.isSet()) {
            its.runSync(() => {
              for (const end = performance.now() + 0.2; performance.now() < end;);
            });
            times++;
          }
          return times;
        },
        [lock, stop],
      );
      await until(() => lock.locked());
      const waits = await pool.apply(
        (its: Lock) =>
          Array.from({ length: 10 }, () => {
            const since = performance.now();
            its.acquireSync().release();
            return performance.now() - since;
          }),
        [lock],
      );
      for (let i = 0; i < 10; i++) {
        const since = performance.now();
        (await lock.acquire()).release();
        waits.push(performance.now() - since);
      }
      stop.set();
      assert.ok((await hog) > 10);
      assert.ok(Math.max(...waits) < 1_000, String(waits));
    },
  );

  testPool(
    'RLock: acquired three times, released three times; then it is free (D92)',
    { context, workers: 1 },
    async (pool) => {
      const lock = new RLock();
      for (let i = 0; i < 3; i++) assert.ok(i === 1 ? lock.acquireSync() : await lock.acquire());
      assert.equal(inspect(lock), '<RLock(MainProcess, 3)>');
      const [busy, text] = await pool.apply(
        async (its: RLock) =>
          [(await its.acquire({ timeout: 10 })) === undefined, (await import('node:util')).inspect(its)] as const,
        [lock],
      );
      assert.equal(busy, true);
      assert.equal(
        text,
        context === 'process' ? '<RLock(SomeOtherProcess, nonzero)>' : '<RLock(SomeOtherThread, nonzero)>',
      );
      for (let i = 0; i < 3; i++) lock.release();
      assert.throws(() => lock.release(), LockStateError);
      assert.equal(inspect(lock), '<RLock(None, 0)>');
    },
  );

  testPool(
    'RLock: who does not have it cannot release it, and it is still held (D93)',
    { context, workers: 1 },
    async (pool) => {
      const lock = new RLock();
      const guard = lock.acquireSync();
      const error = await rejection(pool.apply((its: RLock) => its.release(), [lock]));
      assert.ok(error instanceof LockStateError);
      assert.equal(lock.locked(), true);
      guard.release();
    },
  );

  testPool('RLock: in `run` a thread has it once, and its other code waits', { context, workers: 1 }, async (pool) => {
    const inside = await pool.apply(
      async (lock: RLock) => {
        const events: string[] = [];
        const twice = (name: string): Promise<unknown> =>
          lock.run(() =>
            lock.run(async () => {
              events.push(`${name} in`);
              await new Promise((resolve) => setTimeout(resolve, 5));
              events.push(`${name} out`);
            }),
          );
        await Promise.all([twice('a'), twice('b')]);
        return events;
      },
      [new RLock()],
    );
    assert.deepEqual(inside, ['a in', 'a out', 'b in', 'b out']);
  });
});

testClean('lock: a Process may block for what its parent releases', {}, async () => {
  const isAbout = new SharedValue('i32');
  const lock = new Lock();
  lock.acquireSync();
  const child = new Process({
    target: (its: Lock, about: SharedValue<'i32'>) => {
      about.value = 1;
      process.exit(its.acquireSync({ timeout: 10_000 }) ? 7 : 1);
    },
    args: [lock, isAbout],
  }).start();
  await eventually(() => isAbout.value === 1);
  lock.release();
  await child.join();
  assert.equal(child.exitCode, 7);
  // It has ended with the lock.
  const guard = await lock.acquire({ timeout: 5_000 });
  assert.equal(guard?.ownerDied, true);
  assert.equal(lock.ownerDied, true);
  guard.release();
});
