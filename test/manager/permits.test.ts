import { strict as assert } from 'node:assert';
import { Manager } from 'manycore';
import { maxWaitingCalls } from '#internal/limits.js';
import { Call, type Holder } from '#internal/manager/objects/call.js';
import { BarrierObject, ConditionObject } from '#internal/manager/objects/condition.js';
import { type Grant, Permits, Reentrant } from '#internal/manager/objects/permits.js';
import { rejection, testClean } from '../matrix.ts';
import { testManager, testServer } from './support.ts';

interface Client extends Holder {
  isGone: boolean;
}

function client(): Client {
  return { leases: new Set(), isGone: false, code: undefined };
}

function die(holder: Client): void {
  holder.isGone = true;
  for (const lease of Array.from(holder.leases)) lease.abandonedBy(holder);
}

for (const [kind, make] of [
  ['a lock', () => new Permits('Lock', 1, 1)],
  ['an RLock', () => new Reentrant()],
] as const) {
  testClean(
    `permits: ${kind} that was given up for a condition twice is still that of its grant (I18)`,
    {},
    async () => {
      const lock = make();
      const condition = new ConditionObject(lock);
      const [ours, theirs] = [client(), client()];
      const [token] = lock.acquire(new Call(ours)) as Grant;
      for (let i = 0; i < 3; i++) {
        const waiting = condition.wait(new Call(ours));
        assert.equal(lock.valid(new Call(ours), token), false, 'others may have it');
        const [other] = condition.acquire(new Call(theirs)) as Grant;
        condition.notify(new Call(theirs));
        condition.release(new Call(theirs), other);
        assert.equal(await waiting, true);
        assert.equal(lock.valid(new Call(ours), token), true);
      }
      lock.release(new Call(ours), token);
      assert.equal(lock.locked(), false);
      assert.equal(lock.valid(new Call(ours), token), false);
    },
  );

  testClean(`permits: an old grant of a condition with ${kind} releases nothing of the next holder's (I18)`, {}, () => {
    const lock = make();
    const condition = new ConditionObject(lock);
    const holder = client();
    const [old] = condition.acquire(new Call(holder)) as Grant;
    condition.release(new Call(holder), old);
    const [token] = condition.acquire(new Call(holder)) as Grant;
    assert.throws(() => condition.release(new Call(holder), old), { name: 'LockStateError' });
    assert.equal(condition.valid(new Call(holder), token), true);
  });

  testClean(
    `permits: who dies while it waits for a condition changes nothing of ${kind} of others (I18)`,
    {},
    async () => {
      const lock = make();
      const condition = new ConditionObject(lock);
      const [dying, other] = [client(), client()];
      await lock.acquire(new Call(dying));
      if (lock instanceof Reentrant) await lock.acquire(new Call(dying));
      const call = new Call(dying);
      const waiting = rejection(condition.wait(call));
      await lock.acquire(new Call(other));
      dying.isGone = true;
      call.giveUp(new Error('gone'));
      die(dying);
      await waiting;
      lock.release(new Call(other));
      assert.equal(lock.locked(), false);
    },
  );
}

testClean('permits: an RLock is had again at once by who has it, and never by who has died', {}, async () => {
  const lock = new Reentrant();
  const [first, second] = [client(), client()];
  const grants = [lock.acquire(new Call(first)), lock.acquire(new Call(first))];
  assert.deepEqual(grants[1], grants[0], 'no promise: it has not waited');
  const late = lock.acquire(new Call(second));
  lock.release(new Call(first));
  lock.release(new Call(first));
  // It was granted, and has not had its turn yet.
  die(second);
  assert.equal(await late, undefined);
  assert.equal(lock.locked(), false);
  assert.equal(Array.isArray(lock.acquire(new Call(first))), true);
});

testClean('permits: the places at a barrier are those of who met there', {}, async () => {
  const barrier = new BarrierObject(3);
  const leaving = new Call(client());
  const left = rejection(barrier.wait(leaving) as Promise<number>);
  const places = [barrier.wait(new Call(client()))];
  leaving.giveUp(new Error('left'));
  await left;
  places.push(barrier.wait(new Call(client())), barrier.wait(new Call(client())));
  assert.deepEqual(await Promise.all(places.map(async (place) => place)), [0, 1, 2]);
});

testClean('permits: a semaphore is released in time with the number of its grants', { limit: 20_000 }, () => {
  const many = 50_000;
  const semaphore = new Permits('Semaphore', many);
  const [ours, theirs] = [client(), client()];
  for (let i = 0; i < many; i++) void semaphore.acquire(new Call(ours));
  // Each is the oldest of anybody's.
  for (let i = 0; i < many; i++) semaphore.release(new Call(theirs));
  assert.equal(semaphore.getValue(), many);
});

class Slow {
  static finish: (() => void) | undefined;
  static async make(): Promise<Slow> {
    await new Promise<void>((resolve) => (Slow.finish = resolve));
    return new Slow();
  }
  touch(): number {
    return 1;
  }
}
class Slowly extends Manager {}
Slowly.register('Slow', { create: () => Slow.make() });

testServer(
  'permits: calls of what is still being made wait as others do, and can be given up (2.5)',
  { address: { port: 0 }, tls: false, manager: Slowly },
  async (connected) => {
    const slow = connected.create<Slow>('Slow');
    const control = new AbortController();
    const given = rejection(slow.callMethod('touch', [], control.signal));
    const waiting = Array.from({ length: maxWaitingCalls - 1 }, () => slow.touch());
    const refused = rejection(slow.touch());
    assert.equal((await refused).name, 'ArgumentRangeError');
    control.abort();
    assert.equal((await given).name, 'AbortError');
    const last = slow.touch();
    assert.equal(await connected.list([1]).length(), 1);
    Slow.finish!();
    assert.equal(new Set(await Promise.all([...waiting, last])).size, 1);
  },
);

testManager('permits: a condition whose lock is held by a grant is waited for again and again', async (manager) => {
  const lock = manager.Lock();
  const condition = manager.Condition(lock);
  const woken = lock.run(async () => {
    await condition.wait({ timeout: 1 });
    await condition.wait({ timeout: 1 });
  });
  await woken;
  assert.equal(await lock.locked(), false);
});
