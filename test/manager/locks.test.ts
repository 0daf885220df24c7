import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { Pool } from 'manycore';
import type { EventProxy, LockProxy, QueueProxy, RLockProxy } from 'manycore/managers';
import { eachContext, eventually, rejection } from '../matrix.ts';
import { runIn, testManager } from './support.ts';

eachContext((context) => {
  testManager('manager: an event set in a child wakes who waits (G178)', async (manager) => {
    const event = manager.Event();
    assert.equal(await event.wait({ timeout: 5 }), false);
    const waiting = event.wait();
    await runIn(context, (given: EventProxy) => given.set(), [event]);
    assert.equal(await waiting, true);
    assert.equal(await event.isSet(), true);
    await event.clear();
    assert.equal(await event.isSet(), false);
  });

  testManager('manager: a lock acquired in a child is released here, and only once (G179)', async (manager) => {
    const lock = manager.Lock();
    await using pool = new Pool(1, { context });
    await pool.apply(async (given: LockProxy) => void (await given.acquire()), [lock]);
    assert.equal(await lock.locked(), true);
    await lock.release();
    assert.equal(await lock.locked(), false);
    assert.equal((await rejection(lock.release())).name, 'LockStateError');
  });

  testManager('manager: an RLock belongs to its client (G180)', async (manager) => {
    const lock = manager.RLock();
    await using pool = new Pool(1, { context });
    await lock.acquire();
    await lock.acquire();
    const error = await rejection(pool.apply((given: RLockProxy) => given.release(), [lock]));
    assert.equal(error.name, 'LockStateError');
    await lock.release();
    assert.equal(await pool.apply((given: RLockProxy) => given.acquire({ timeout: 1 }), [lock]), undefined);
    await lock.release();
    assert.equal(await pool.apply(async (given: RLockProxy) => (await given.acquire()).token > 0, [lock]), true);
  });

  testManager('manager: a client that dies loses its locks, and the next one is told (I17)', async (manager) => {
    const lock = manager.Lock();
    const semaphore = manager.BoundedSemaphore(1);
    const condition = manager.Condition();
    const pool = new Pool(1, { context });
    const first = await pool.apply(
      async (...given) => {
        const [one, two, three] = given;
        await two.acquire();
        await three.acquire();
        void three.wait();
        return (await one.acquire()).token;
      },
      [lock, semaphore, condition] as const,
    );
    const next = lock.acquire();
    await turn();
    await pool.terminate();
    const grant = await next;
    assert.equal(grant.ownerDied, true);
    assert.ok(grant.token > first, 'tokens grow');
    await semaphore.acquire({ timeout: 5_000 });
    await condition.acquire({ timeout: 5_000 });
    await condition.notify();
    await grant.release();
    assert.equal((await lock.acquire()).ownerDied, false);
  });
});

testManager('manager: an old grant is worth nothing (I18)', async (manager) => {
  const lock = manager.Lock();
  const old = await lock.acquire();
  await lock.release();
  const now = await lock.acquire();
  assert.equal((await rejection(old.release())).name, 'LockStateError');
  assert.equal(await lock.locked(), true);
  assert.equal(await lock.callMethod('valid', [now.token]), true);
  assert.equal(await lock.callMethod('valid', [old.token]), false);
});

testManager('manager: semaphores, conditions and barriers are as their local kinds (G181)', async (manager) => {
  const semaphore = manager.Semaphore(2);
  await semaphore.acquire();
  await semaphore.acquire();
  assert.equal(await semaphore.getValue(), 0);
  assert.equal(await semaphore.acquire({ timeout: 1 }), undefined);
  assert.equal(await semaphore.acquire({ block: false, timeout: 60_000 }), undefined);
  assert.equal((await rejection(semaphore.run(() => 1, { timeout: 1 }))).name, 'TimeoutError');
  const third = semaphore.acquire();
  await semaphore.release();
  await third;
  for (let i = 0; i < 5; i++) await semaphore.release();
  assert.equal(await semaphore.getValue(), 5);
  const bounded = manager.BoundedSemaphore(1);
  assert.equal((await rejection(bounded.release())).name, 'LockStateError');

  const condition = manager.Condition();
  assert.equal((await rejection(condition.notify())).name, 'LockStateError');
  assert.equal((await rejection(condition.wait())).name, 'LockStateError');
  let ready = false;
  await condition.acquire();
  const waiting = condition.waitFor(() => ready);
  ready = true;
  await condition.run(() => condition.notifyAll());
  assert.equal(await waiting, true);
  assert.equal(await condition.wait({ timeout: 1 }), false);
  await condition.release();

  const lock = manager.Lock();
  const shared = manager.Condition(lock);
  await lock.run(async () => assert.equal(await shared.wait({ timeout: 1 }), false));
  assert.equal((await rejection(manager.Condition(5 as never).release())).name, 'ArgumentTypeError');

  const barrier = manager.Barrier(3);
  assert.equal(await barrier.parties(), 3);
  const places = [barrier.wait(), barrier.wait()];
  await eventually(async () => (await barrier.nWaiting()) === 2);
  places.push(barrier.wait());
  assert.deepEqual((await Promise.all(places)).toSorted(), [0, 1, 2]);
  const lone = rejection(barrier.wait());
  await eventually(async () => (await barrier.nWaiting()) === 1);
  await barrier.abort();
  assert.equal((await lone).name, 'BrokenBarrierError');
  assert.equal(await barrier.broken(), true);
  await barrier.reset();
  assert.equal(await barrier.broken(), false);
  assert.equal((await rejection(barrier.wait({ timeout: 1 }))).name, 'BrokenBarrierError');
  assert.equal(await barrier.broken(), true);
});

testManager('manager: a barrier runs its action, in the server', async (manager) => {
  const log = manager.list<string>();
  const barrier = manager.Barrier(2, () => log.append('all there'));
  await Promise.all([barrier.wait(), barrier.wait()]);
  assert.deepEqual(await log.value(), ['all there']);
});

testManager('manager: a queue is exact, and its errors keep their classes (G183)', async (manager) => {
  const queue = manager.Queue<number>(2);
  assert.equal(await queue.empty(), true);
  assert.equal((await rejection(queue.getNowait())).name, 'QueueEmptyError');
  assert.equal((await rejection(queue.get({ timeout: 1 }))).name, 'QueueEmptyError');
  await queue.put(1);
  await queue.put(2);
  assert.equal(await queue.full(), true);
  assert.equal((await rejection(queue.putNowait(3))).name, 'QueueFullError');
  assert.equal((await rejection(queue.put(3, { timeout: 1 }))).name, 'QueueFullError');
  const third = queue.put(3);
  const rest: number[] = [];
  for await (const item of queue) {
    rest.push(item);
    if (rest.length === 3) break;
  }
  await third;
  assert.deepEqual(rest, [1, 2, 3]);
  assert.equal(await queue.qsize(), 0);
  const many = Array.from({ length: 100 }, (_, i) => queue.put(i));
  for (let i = 0; i < 100; i++) assert.equal(await queue.get(), i);
  await Promise.all(many);
  const joinable = manager.JoinableQueue<number>();
  await joinable.put(1);
  assert.equal(await joinable.join({ timeout: 1 }), false);
  await joinable.get();
  const joined = joinable.join();
  await joinable.taskDone();
  assert.equal(await joined, true);
  assert.equal((await rejection(joinable.taskDone())).name, 'QueueTaskError');
});

testManager('manager: a signal gives a wait up, and what it waited for goes to others', async (manager) => {
  const lock = manager.Lock();
  const queue: QueueProxy<number> = manager.Queue<number>();
  const grant = await lock.acquire();
  const stop = new AbortController();
  const lost = [rejection(lock.acquire({ signal: stop.signal })), rejection(queue.get({ signal: stop.signal }))];
  const next = lock.acquire();
  stop.abort(new Error('enough'));
  for (const error of await Promise.all(lost)) {
    assert.equal(error.name, 'AbortError');
    assert.equal((error.cause as Error).message, 'enough');
  }
  await grant.release();
  await (await next).release();
  await queue.put(1);
  assert.equal(await queue.get(), 1);
  assert.equal((await rejection(queue.get({ signal: AbortSignal.abort() }))).name, 'AbortError');
});

testManager('manager: two locks guard one counter in two processes', async (manager) => {
  await using pool = new Pool(2);
  const lock = manager.Lock();
  const value = manager.Value('i', 0);
  await pool.map(async () => {
    for (let i = 0; i < 50; i++) {
      await using _ = await lock.acquire();
      await value.set((await value.get()) + 1);
    }
  }, [1, 2]);
  assert.equal(await value.get(), 100);
});

testManager('manager: wrong arguments are named, and a wait in vain says how long it was', async (manager) => {
  const [lock, condition, queue] = [manager.Lock(), manager.Condition(), manager.Queue(1)];
  const message = async (call: () => unknown): Promise<string> => (await rejection((async () => call())())).message;
  const options =
    /^Cannot use 5 as options of \w+: expected an object, such as \{ timeout: 5_000 \} \(milliseconds\)\.$/;
  for (const call of [
    () => lock.acquire(5 as never),
    () => condition.wait(5 as never),
    () => queue.get(5 as never),
    () => manager.Event().wait(5 as never),
    () => manager.Barrier(2).wait(5 as never),
  ])
    assert.match(await message(call), options);
  assert.match(await message(() => condition.waitFor(true as never)), /true as the predicate of waitFor/);
  assert.match(await message(() => lock.run(5 as never)), /5 as the function of run/);
  assert.equal(
    await message(() => manager.list(5 as never)),
    'Cannot use 5 as the items of a list: expected an iterable, such as an array.',
  );
  await using _ = await lock.acquire();
  assert.equal(await message(() => lock.run(() => 1, { timeout: 5 })), 'The Lock was not free within 5 ms.');
  assert.equal(await message(() => queue.get({ timeout: 5 })), 'The queue is empty: nothing came within 5 ms.');
  await queue.put(1);
  assert.equal(await message(() => queue.putNowait(2)), 'The queue is full: it has 1 item.');
  const late = 'The barrier is broken: 1 of 2 had arrived after 5 ms.';
  assert.equal(await message(() => manager.Barrier(2).wait({ timeout: 5 })), late);
});
