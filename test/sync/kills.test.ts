import { strict as assert } from 'node:assert';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Barrier, Condition, Lock, Process, RLock, Semaphore, SharedEvent } from 'manycore';
import { allocate, type BlockReference } from '#internal/memory/block.js';
import { assertSoon, eventually, testClean, testPool } from '../matrix.ts';
import './support.ts';

/** Real SIGKILLs at any access to shared memory: a few rounds of each in the suite, `--whole` does a hundred. */
const rounds = Number(process.env['KILL_ROUNDS'] ?? 4);
const limit = 20_000 + rounds * 1_000;
/** The memory of all rounds is there before the first: see `support.ts`. */
for (let i = 0; i < 4 * rounds; i++) void new Condition();
/** A survivor that takes longer is blocked. */
const patience = { timeout: 5_000 };

/** Numbers that the rounds go through, so that all accesses have their turn. */
function accessOf(round: number): number {
  return 1 + ((round * 37) % 211);
}

/** In a child: it is killed at its nth access from now on. */
function killAtAccess(nth: number): void {
  let left = nth;
  for (const name of ['load', 'store', 'add', 'and', 'or', 'exchange', 'compareExchange'] as const) {
    const original = Atomics[name] as (...args: unknown[]) => unknown;
    Reflect.set(Atomics, name, (...args: unknown[]) => {
      if (--left === 0) process.kill(process.pid, 'SIGKILL');
      return original(...args);
    });
  }
}

function start<A extends unknown[]>(target: (...args: A) => unknown, ...args: A): Process {
  return new Process({ target: target as (...args: unknown[]) => unknown, args }).start();
}

async function killed(child: Process): Promise<number> {
  await child.join();
  assert.equal(child.exitCode, -9);
  return performance.now();
}

/** Where a child says that it is inside. */
const page = allocate(64);
const blockUrl = import.meta.resolve('#internal/memory/block.js');

for (const kind of ['Lock', 'RLock'] as const) {
  for (const form of ['sync', 'async'] as const) {
    const test = `kills: ${kind} (${form}): killed at any step, the next one has it within 100 ms and is told, ${rounds} of 100 rounds (G1 G2)`;
    testClean(test, { limit }, async () => {
      const delays: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const lock = kind === 'Lock' ? new Lock() : new RLock();
        page.words[0] = 0;
        const use = async (
          its: Lock | RLock,
          reference: BlockReference,
          url: string,
          depth: number,
          isSync: boolean,
          kill: typeof killAtAccess,
          nth: number,
        ): Promise<void> => {
          const { Block } = (await import(url)) as {
            Block: { attach(reference: BlockReference): { words: Int32Array } };
          };
          const { words } = Block.attach(reference);
          kill(nth);
          for (;;) {
            for (let i = 0; i < depth; i++)
              if (isSync) its.acquireSync();
              else await its.acquire();
            words[0] = 1;
            words[0] = 0;
            for (let i = 0; i < depth; i++) its.release();
          }
        };
        const depth = kind === 'Lock' ? 1 : 3;
        const child = start(use, lock, page.refer(), blockUrl, depth, form === 'sync', killAtAccess, accessOf(round));
        let end = 0;
        const death = killed(child).then((at) => (end = at));
        // In every second round the others meet it there.
        if (round % 2 === 0) await death;
        for (let isLast = false; !isLast;) {
          isLast = end > 0;
          const guard = await lock.acquire(patience);
          assert.ok(guard !== undefined, `round ${round}: it is not to be had`);
          if (end > 0) delays.push(performance.now() - end);
          assert.ok(page.words[0] === 0 || guard.ownerDied, `round ${round}: killed inside, and it was not told`);
          page.words[0] = 0;
          guard.release();
          await nextTurn();
        }
        assert.equal(lock.acquireSync(patience)?.ownerDied, false);
        lock.release();
        await death;
      }
      assertSoon(delays);
    });
  }
}

testClean(
  'kills: Semaphore: the permits of one that is killed at any step are there again (G2)',
  { limit },
  async () => {
    for (let round = 0; round < rounds; round++) {
      const semaphore = new Semaphore(2);
      const use = async (its: Semaphore, isSync: boolean, kill: typeof killAtAccess, nth: number): Promise<void> => {
        kill(nth);
        for (;;) {
          for (let i = 0; i < 2; i++)
            if (isSync) its.acquireSync();
            else await its.acquire();
          its.release();
          its.release();
        }
      };
      const child = start(use, semaphore, round % 2 === 0, killAtAccess, accessOf(round));
      const death = killed(child);
      if (round % 3 === 0) await death;
      for (let i = 0; i < 2; i++) assert.ok(await semaphore.acquire(patience), `round ${round}: permit ${i}`);
      await death;
      assert.equal(await semaphore.acquire({ timeout: 60 }), undefined);
      semaphore.release();
      semaphore.release();
      assert.equal(semaphore.getValue(), 2);
    }
  },
);

testClean('kills: Event: killed while it sets, those that wait pass or go on waiting (G2)', { limit }, async () => {
  for (let round = 0; round < rounds; round++) {
    const event = new SharedEvent();
    const set = (its: SharedEvent, kill: typeof killAtAccess, nth: number): void => {
      kill(nth);
      its.set();
      process.kill(process.pid, 'SIGKILL');
    };
    const waits = Array.from({ length: 10 }, () => event.wait(patience));
    await killed(start(set, event, killAtAccess, 1 + (round % 16)));
    if (!event.isSet()) event.set();
    assert.ok((await Promise.all(waits)).every(Boolean), `round ${round}`);
  }
});

testClean(
  'kills: Condition: a dead waiter takes no notification; one that dies notifying blocks nobody (G2)',
  { limit },
  async () => {
    for (let round = 0; round < rounds; round++) {
      const condition = new Condition();
      const isWaiting = (n: number): Promise<void> => eventually(() => inspect(condition).endsWith(`, ${n})>`));
      const wait = (its: Condition): void => void its.lock.runSync(() => its.waitSync());
      const waiter = start(wait, condition);
      await isWaiting(1);
      const living = condition.lock.run(() => condition.wait(patience));
      await isWaiting(2);
      process.kill(waiter.pid!, 'SIGKILL');
      await killed(waiter);
      await condition.lock.run(() => condition.notify());
      assert.equal(await living, true, `round ${round}: the notification went to the dead`);
      const waits = Array.from({ length: 3 }, () => condition.lock.run(() => condition.wait(patience)));
      const notify = (its: Condition, kill: typeof killAtAccess, nth: number): void => {
        its.lock.runSync(() => {
          kill(nth);
          its.notify(2);
        });
        process.kill(process.pid, 'SIGKILL');
      };
      await isWaiting(3);
      await killed(start(notify, condition, killAtAccess, 1 + (round % 24)));
      await condition.lock.run(() => condition.notifyAll(), patience);
      assert.deepEqual(await Promise.all(waits), [true, true, true], `round ${round}`);
    }
  },
);

testPool(
  'kills: Barrier: it is broken for those that have arrived, or they are late (G2)',
  // In most rounds the others wait until their time is over.
  { workers: 1, test: { limit: limit + rounds * 4_000 } },
  async (pool) => {
    for (let round = 0; round < rounds; round++) {
      const barrier = new Barrier(3, { timeout: 3_000 });
      const meet = async (at: Barrier): Promise<string> => {
        for (;;) {
          try {
            at.waitSync();
          } catch (error) {
            return (error as Error).name;
          }
        }
      };
      const meetAsync = async (at: Barrier): Promise<string> => {
        for (;;) {
          try {
            await at.wait();
          } catch (error) {
            return (error as Error).name;
          }
        }
      };
      const walk = (at: Barrier, kill: typeof killAtAccess, nth: number): void => {
        kill(nth);
        for (;;) at.waitSync();
      };
      const others = [pool.apply(meet, [barrier]), meetAsync(barrier)];
      await eventually(() => barrier.waiting === 2);
      await killed(start(walk, barrier, killAtAccess, accessOf(round)));
      assert.deepEqual(await Promise.all(others), ['BrokenBarrierError', 'BrokenBarrierError'], `round ${round}`);
      assert.equal(barrier.broken, true);
    }
  },
);
