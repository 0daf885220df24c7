import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { PythonManager } from 'manycore/managers';
import { eventually, rejection, testClean } from '../../matrix.ts';
import { authKey, pythons, servePython } from './server.ts';
import { testPython } from './support.ts';

testPython('python: a queue waits, and its errors keep their classes (G183)', async (manager) => {
  const queue = manager.Queue<number>(2);
  const first = queue.get();
  await queue.put(1);
  assert.equal(await first, 1, 'who waits does not hold up who puts');
  await Promise.all([queue.put(2), queue.put(3)]);
  assert.deepEqual([await queue.full(), await queue.qsize()], [true, 2]);
  assert.equal((await rejection(queue.putNowait(4))).name, 'QueueFullError');
  assert.equal((await rejection(queue.put(4, { timeout: 20 }))).name, 'QueueFullError');
  const third = queue.put(4);
  assert.deepEqual([await queue.get(), await queue.get()], [2, 3]);
  await third;
  assert.equal(await queue.get(), 4);
  assert.equal((await rejection(queue.getNowait())).name, 'QueueEmptyError');
  const start = performance.now();
  assert.equal((await rejection(queue.get({ timeout: 50 }))).name, 'QueueEmptyError');
  assert.ok(performance.now() - start >= 40);
  const stop = new AbortController();
  const given = queue.get({ signal: stop.signal });
  stop.abort();
  assert.equal((await rejection(given)).name, 'AbortError');
  await queue.put(5);
  assert.equal(await queue.get(), 5, 'nobody who has given up gets it');
});

testPython('python: a JoinableQueue is joined', async (manager) => {
  const queue = manager.JoinableQueue<number>();
  await queue.put(1);
  assert.equal(await queue.join({ timeout: 20 }), false);
  const joined = queue.join();
  await queue.get();
  await queue.taskDone();
  assert.equal(await joined, true);
  assert.equal((await rejection(queue.taskDone())).name, 'QueueTaskError');
});

testPython('python: a lock is had by one at a time (G179)', async (manager) => {
  const lock = manager.Lock();
  const order: string[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      lock.run(async () => {
        order.push(`${name} in`);
        await manager.numberOfObjects();
        order.push(`${name} out`);
      }),
    ),
  );
  for (let i = 0; i < order.length; i += 2) assert.equal(order[i]![0], order[i + 1]![0]);
  const grant = await lock.acquire();
  assert.deepEqual([grant.token, grant.ownerDied], [0, false]);
  assert.equal(await lock.acquire({ timeout: 20 }), undefined);
  await grant.release();
  assert.equal((await rejection(lock.release())).name, 'LockStateError');
  const semaphore = manager.Semaphore(2);
  const held = [await semaphore.acquire(), await semaphore.acquire()];
  assert.equal(await semaphore.acquire({ block: false }), undefined);
  for (const each of held) await each.release();
  const bounded = manager.BoundedSemaphore(1);
  assert.equal((await rejection(bounded.release())).name, 'LockStateError');
});

testPython('python: an RLock belongs to its client (G180)', async (manager) => {
  const lock = manager.RLock();
  const places = manager.dict<string, typeof lock>();
  const [first, second] = await Promise.all([lock.acquire(), lock.acquire()]);
  await places.set('lock', lock);
  const again = (await places.get('lock'))!;
  assert.equal(await again.acquire({ timeout: 20 }), undefined, 'another proxy is another holder');
  assert.equal((await rejection(again.release())).name, 'LockStateError');
  await first.release();
  await second.release();
  await (await again.acquire()).release();
  assert.equal((await rejection(lock.release())).name, 'LockStateError');
});

testPython('python: conditions, events and barriers are as their local kinds (G178, G181)', async (manager) => {
  const condition = manager.Condition();
  const ready = manager.list<string>();
  const waiters = ['a', 'b'].map((name) =>
    condition.run(async () => {
      await ready.append(name);
      return condition.wait();
    }),
  );
  await eventually(async () => (await ready.length()) === 2);
  await condition.run(() => condition.notifyAll());
  assert.deepEqual(await Promise.all(waiters), [true, true]);
  assert.equal(await condition.run(() => condition.wait({ timeout: 20 })), false);
  assert.equal((await rejection(condition.wait())).name, 'LockStateError', 'without the lock');
  assert.equal((await rejection(condition.notify())).name, 'LockStateError');

  const event = manager.Event();
  assert.equal(await event.wait({ timeout: 20 }), false);
  const woken = Promise.all([event.wait(), event.wait()]);
  await event.set();
  assert.deepEqual(await woken, [true, true]);
  await event.clear();
  assert.equal(await event.isSet(), false);

  const barrier = manager.Barrier(3);
  assert.equal(await barrier.parties(), 3);
  const two = [barrier.wait(), barrier.wait()];
  await eventually(async () => (await barrier.nWaiting()) === 2);
  const numbers = await Promise.all([...two, barrier.wait()]);
  assert.deepEqual(numbers.toSorted(), [0, 1, 2]);
  assert.equal((await rejection(barrier.wait({ timeout: 20 }))).name, 'BrokenBarrierError');
  assert.equal(await barrier.broken(), true);
  await barrier.reset();
});

testPython('python: a server that is killed: every call is told at once (G197)', async (manager, server) => {
  const event = manager.Event();
  const queue = manager.Queue();
  const waiting = [event.wait(), queue.get()];
  await queue.qsize();
  const errors = Promise.all(waiting.map((each) => rejection(each)));
  const exited = once(server.child, 'exit');
  server.child.kill('SIGKILL');
  for (const error of await errors) assert.equal(error.name, 'ConnectionLostError');
  assert.equal((await rejection(queue.qsize())).name, 'ConnectionLostError', 'and from then on');
  await exited;
  assert.equal(
    (await rejection(PythonManager.connect(server.address, { authKey, legacy: server.legacy }))).name,
    'ConnectionLostError',
    'nobody is there (G199)',
  );
});

for (const python of pythons)
  testClean(`python: a wrong key is refused (G191), Python ${python.version}`, {}, async () => {
    await using server = await servePython(python);
    const { address } = server;
    const { legacy } = python;
    const error = await rejection(PythonManager.connect(address, { authKey: 'wrong', legacy }));
    assert.equal(error.name, 'AuthenticationError');
    await using manager = await PythonManager.connect(address, { authKey, legacy });
    assert.equal(await manager.list([1]).length(), 1, 'others are served on');
  });

testClean('python: options are checked', {}, async () => {
  for (const [address, options, name] of [
    [{ host: '10.0.0.1', port: 1 }, { authKey }, 'ArgumentRangeError'],
    [{ port: 1 }, { authKey: '' }, 'ArgumentRangeError'],
    [{ port: 1 }, { authKey, legacy: 1 }, 'ArgumentTypeError'],
    [{ port: 1 }, { authKey, secure: true }, 'ArgumentTypeError'],
    [7, { authKey }, 'ArgumentTypeError'],
  ] as const) {
    const error = await rejection(PythonManager.connect(address as never, options as never));
    assert.equal(error.name, name);
  }
  assert.throws(() => PythonManager.register('', { type: 'Queue' }), { name: 'ArgumentTypeError' });
  assert.throws(() => PythonManager.register('x', { type: 'Nothing' }), { name: 'ArgumentTypeError' });
});
