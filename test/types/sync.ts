// Compiled, never run: what locks and their like take and give, and what must not compile.
import { expectTypeOf } from 'expect-type';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  type Guard,
  Lock,
  type Pool,
  RLock,
  Semaphore,
  SharedEvent,
  SharedValue,
} from 'manycore';
import * as mp from 'manycore';

declare const pool: Pool;

export async function locks(): Promise<void> {
  const lock = new Lock();
  expectTypeOf(await lock.acquire()).toEqualTypeOf<Guard>();
  expectTypeOf(await lock.acquire({ timeout: 5 })).toEqualTypeOf<Guard | undefined>();
  expectTypeOf(lock.acquireSync()).toEqualTypeOf<Guard>();
  expectTypeOf(lock.acquireSync({ block: false })).toEqualTypeOf<Guard | undefined>();
  expectTypeOf(await lock.run(async () => 1)).toEqualTypeOf<number>();
  expectTypeOf(await lock.run(({ ownerDied }) => ownerDied)).toEqualTypeOf<boolean>();
  expectTypeOf(lock.runSync(() => 'a', { timeout: 5 })).toEqualTypeOf<string>();
  expectTypeOf(lock.locked()).toEqualTypeOf<boolean>();
  {
    await using guard = await lock.acquire();
    expectTypeOf(guard.ownerDied).toEqualTypeOf<boolean>();
    using again = lock.acquireSync({ timeout: 5 });
    expectTypeOf(again).toEqualTypeOf<Guard | undefined>();
  }
  // @ts-expect-error -- positional in Python
  await lock.acquire(false);
  // @ts-expect-error -- it may not have been got
  (await lock.acquire({ timeout: 5 })).release();
  // @ts-expect-error -- a blocked thread hears no signal
  lock.acquireSync({ signal: AbortSignal.timeout(5) });
  // @ts-expect-error -- a lock has no value
  void new Lock(2);
  // @ts-expect-error -- the guard is what is disposed of
  using _ = lock;
}

export async function semaphores(): Promise<void> {
  const semaphore = new Semaphore(2, { robust: false });
  expectTypeOf(semaphore.getValue()).toEqualTypeOf<number>();
  expectTypeOf(await semaphore.run(async () => [1])).toEqualTypeOf<number[]>();
  expectTypeOf(new BoundedSemaphore()).toExtend<Semaphore>();
  // @ts-expect-error -- a number
  void new Semaphore('2');
}

export async function conditions(): Promise<void> {
  const condition = new Condition(new Lock());
  expectTypeOf(condition.lock).toEqualTypeOf<Lock | RLock>();
  expectTypeOf(await condition.wait({ timeout: 5 })).toEqualTypeOf<boolean>();
  expectTypeOf(await condition.waitFor(async () => 'now', { timeout: 5 })).toEqualTypeOf<string>();
  expectTypeOf(condition.waitForSync(() => 5)).toEqualTypeOf<number>();
  condition.notify(2);
  // @ts-expect-error -- a semaphore is no lock
  void new Condition(new Semaphore());
  // @ts-expect-error -- milliseconds go in an object
  await condition.wait(5);
}

export async function meetings(): Promise<void> {
  const event = new SharedEvent();
  expectTypeOf(await event.wait({ timeout: 5 })).toEqualTypeOf<boolean>();
  expectTypeOf(event.isSet()).toEqualTypeOf<boolean>();
  expectTypeOf(mp.Event).toEqualTypeOf<typeof SharedEvent>();
  const barrier = new Barrier(2, { action: () => 1, timeout: 5 });
  expectTypeOf(await barrier.wait()).toEqualTypeOf<number>();
  expectTypeOf(barrier.nWaiting).toEqualTypeOf<number>();
  expectTypeOf(barrier.waiting).toEqualTypeOf<number>();
  // @ts-expect-error -- how many?
  void new Barrier();
  // @ts-expect-error -- positional in Python
  void new Barrier(2, () => 1);
  // @ts-expect-error -- only those that wait change it
  barrier.nWaiting = 0;
}

export function arguments_(lock: Lock, counter: SharedValue<'i32'>): void {
  expectTypeOf(pool.apply((l, c) => l.runSync(() => c.add(1)), [lock, counter])).resolves.toEqualTypeOf<number>();
  // @ts-expect-error -- a lock of another kind
  void pool.apply((l: Semaphore) => l.getValue(), [lock]);
}
