import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { CancelledError, getReusableExecutor, wait } from 'manycore/futures';
import { Pool, PoolTerminatedError, task, WorkerLostError } from 'manycore';
import { contexts, eventually, rejection, testClean } from '../matrix.ts';
import { sleep, spin, square } from '../functions.ts';
import { hasBegun } from './support.ts';

setFlagsFromString('--expose-gc');

/** The workers of the executor that is the present one are ended behind each test. */
function testReusable(name: string, body: () => Promise<unknown>): void {
  testClean(name, { limit: 30_000 }, async () => {
    try {
      await body();
    } finally {
      await getReusableExecutor({ reuse: true }).killWorkers();
    }
  });
}

for (const context of contexts) {
  testReusable(`getReusableExecutor: the same one again, ${context} (S432)`, async () => {
    const executor = getReusableExecutor({ maxWorkers: 2, context });
    assert.equal(await executor.submit(square, 3), 9);
    assert.equal(getReusableExecutor({ maxWorkers: 2, context }), executor);
    assert.equal(getReusableExecutor({ maxWorkers: 2, context, reuse: true }), executor);
    const fresh = getReusableExecutor({ maxWorkers: 2, context, reuse: false });
    assert.notEqual(fresh, executor);
    await eventually(() => executor.statistics().state === 'ended');
  });

  testReusable(`getReusableExecutor: with reuse the old options stay, ${context} (S433)`, async () => {
    const executor = getReusableExecutor({ maxWorkers: 2, context, name: 'first' });
    assert.equal(getReusableExecutor({ reuse: true }), executor);
    assert.equal(getReusableExecutor({ maxWorkers: 1, context, name: 'other', reuse: true }), executor);
    assert.equal(executor.statistics().name, 'first');
  });

  testReusable(`getReusableExecutor: another initializer makes another executor, ${context} (R431)`, async () => {
    const shared = globalThis as { mark?: string };
    const initializer = (mark: string): void => {
      shared.mark = mark;
    };
    const read = (): string | undefined => shared.mark;
    const one = getReusableExecutor({ maxWorkers: 1, context, initializer, initArgs: ['one'] });
    assert.equal(await one.submit(read), 'one');
    assert.equal(getReusableExecutor({ maxWorkers: 1, context, initializer, initArgs: ['one'] }), one);
    const two = getReusableExecutor({ maxWorkers: 1, context, initializer, initArgs: ['two'] });
    assert.notEqual(two, one);
    assert.equal(await two.submit(read), 'two');
    await eventually(() => one.statistics().state === 'ended');
  });

  testReusable(
    `getReusableExecutor: to a smaller size while calls run: they end, an old worker stays, ${context} (S434, S435)`,
    async () => {
      const executor = getReusableExecutor({ maxWorkers: 2, context });
      const futures = [1, 2, 3, 4].map(() => executor.submit(sleep, 400));
      await eventually(() => futures.filter((future) => future.running()).length === 2);
      const before = executor.statistics().workers.map(({ id }) => id);
      assert.equal(getReusableExecutor({ maxWorkers: 1, context }), executor);
      assert.equal((await wait(futures)).done.size, 4);
      for (const future of futures) assert.equal(await future, 400);
      await eventually(() => executor.statistics().workers.length === 1);
      const [left] = executor.statistics().workers;
      assert.ok(before.includes(left!.id));
      getReusableExecutor({ maxWorkers: 1, context });
      assert.equal(await executor.submit(() => task().workerId), left?.id);
    },
  );

  testReusable(`getReusableExecutor: many sizes with calls in flight, killed or not, ${context} (S437)`, async () => {
    for (const killWorkers of [false, true]) {
      for (const maxWorkers of [6, 2, 1, 6, 3, 1, 4, 5]) {
        const executor = getReusableExecutor({ maxWorkers, context, killWorkers });
        const futures = Array.from({ length: 10 }, (_, i) => executor.submit(square, i));
        assert.equal(await futures[9], 81);
        assert.equal((await wait(futures)).done.size, 10);
      }
      const old = getReusableExecutor({ reuse: true });
      const busy = old.submit(sleep, 50);
      const next = getReusableExecutor({ maxWorkers: 1, context, killWorkers, reuse: false });
      assert.notEqual(old, next);
      if (killWorkers) assert.ok((await rejection(busy)) instanceof PoolTerminatedError);
      else assert.equal(await busy, 50);
      await old.shutdown();
    }
  });

  testReusable(`getReusableExecutor: a resize while a worker is dying, ${context} (S438)`, async () => {
    const executor = getReusableExecutor({ maxWorkers: 2, context });
    const dying = [executor.submit(() => process.exit(1)), executor.submit(square, 2)];
    getReusableExecutor({ maxWorkers: 1, context });
    assert.ok((await rejection(dying[0]!)) instanceof WorkerLostError);
    assert.equal(await getReusableExecutor({ maxWorkers: 2, context }).submit(square, 3), 9);
  });

  testReusable(
    `getReusableExecutor: idle workers end, and come again when there is work, ${context} (S439, S440, S442)`,
    async () => {
      const executor = getReusableExecutor({ maxWorkers: 2, context, idleTimeout: 100 });
      const ids = await Promise.all([executor.submit(() => task().workerId), executor.submit(sleep, 50)]);
      await eventually(() => executor.statistics().workers.length === 0);
      assert.equal(getReusableExecutor({ maxWorkers: 1, context, idleTimeout: 100 }), executor);
      const again = await executor.submit(() => task().workerId);
      assert.notEqual(again, ids[0]);
      // The time is over at any moment of a shutdown.
      await executor.shutdown();
    },
  );

  testReusable(
    `getReusableExecutor: no call is lost with workers that are hardly ever there, ${context} (S440, S441)`,
    async () => {
      const executor = getReusableExecutor({ maxWorkers: 2, context, idleTimeout: 1 });
      for (let round = 0; round < 10; round++) {
        const slow = { text: 'x'.repeat(100_000), round };
        const futures = Array.from({ length: 4 }, () =>
          executor.submit((value: { round: number }) => value.round, slow),
        );
        assert.deepEqual(await Promise.all(futures), [round, round, round, round]);
        await sleep(2);
      }
    },
  );

  testReusable(`getReusableExecutor: one that broke or was shut down is replaced, ${context} (S452)`, async () => {
    const first = getReusableExecutor({ maxWorkers: 1, context });
    await first.shutdown();
    const second = getReusableExecutor({ maxWorkers: 1, context });
    assert.notEqual(first, second);
    assert.equal(await second.submit(square, 3), 9);
    const busy = second.submit(spin);
    await hasBegun(busy);
    await second.killWorkers();
    assert.ok((await rejection(busy)) instanceof PoolTerminatedError);
    const initializer = (): never => {
      throw new Error('broken');
    };
    const broken = getReusableExecutor({ maxWorkers: 1, context, initializer });
    await rejection(broken.submit(square, 3));
    assert.equal(broken.statistics().state, 'broken');
    const third = getReusableExecutor({ maxWorkers: 1, context });
    assert.equal(await third.submit(square, 3), 9);
    const future = third.submit(spin);
    await hasBegun(future);
    future.cancel({ force: true });
    assert.ok((await rejection(future)) instanceof CancelledError);
    assert.equal(await getReusableExecutor({ maxWorkers: 1, context }).submit(square, 4), 16);
  });

  testReusable(
    `getReusableExecutor: asked for in its own workers, which all wait for what they submit there, ${context} (S450)`,
    async () => {
      const options = { maxWorkers: 2, context };
      const executor = getReusableExecutor(options);
      const outer = [0, 1, 2, 3].map((n) =>
        executor.submit(
          async (own: typeof options, tens: number) => {
            const { getReusableExecutor: again } = await import('manycore/futures');
            // More than can run at once there, too.
            const inner = [0, 1, 2, 3].map((i) => again(own).submit((x: number) => x + 1, tens + i));
            return [again(own) === again(own), ...(await Promise.all(inner))] as const;
          },
          options,
          n * 10,
        ),
      );
      assert.deepEqual(
        await Promise.all(outer),
        [0, 10, 20, 30].map((tens) => [true, tens + 1, tens + 2, tens + 3, tens + 4]),
      );
      assert.equal(executor.statistics().workers.length, 2);
    },
  );

  testReusable(`getReusableExecutor: in the workers of its workers, four deep, ${context} (S449)`, async () => {
    const deeper = async (depth: number, own: { maxWorkers: number; context: typeof context }): Promise<number> => {
      const { getReusableExecutor: again } = await import('manycore/futures');
      return depth === 0 ? 0 : 1 + (await again(own).submit(deeper, depth - 1, own));
    };
    assert.equal(await deeper(4, { maxWorkers: 1, context }), 4);
  });

  testReusable(
    `getReusableExecutor: the same options have the same workers; another initializer or life of workers has others, ${context} (V506, V507)`,
    async () => {
      const whoAmI = async (): Promise<string> => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return `${process.pid}/${process.getBuiltinModule('node:worker_threads').threadId}`;
      };
      const options = { maxWorkers: 2, context } as const;
      const workersOf = async (more: object, fn = whoAmI): Promise<string[]> => {
        const executor = getReusableExecutor({ ...options, ...more });
        const futures = Array.from({ length: 8 }, () => executor.submit(fn));
        return [...new Set(await Promise.all(futures))].toSorted();
      };
      const allWorkersOf = async (more: object): Promise<string[]> => {
        let all: string[] = [];
        await eventually(async () => (all = await workersOf(more)).length === 2, 20_000);
        return all;
      };
      let last = await allWorkersOf({});
      for (const fn of [whoAmI, async () => `${await whoAmI()}`])
        for (const worker of await workersOf({}, fn)) assert.ok(last.includes(worker));
      for (const more of [{ initializer: () => undefined }, { maxTasksPerChild: 1_000 }, { env: { ONE: '1' } }]) {
        const others = await allWorkersOf(more);
        for (const worker of others) assert.ok(!last.includes(worker), Object.keys(more)[0]);
        for (const worker of await workersOf(more)) assert.ok(others.includes(worker));
        last = others;
      }
    },
  );
}

testReusable('getReusableExecutor: impossible sizes and options are refused (S443)', async () => {
  for (const maxWorkers of [0, -1]) assert.throws(() => getReusableExecutor({ maxWorkers }), RangeError);
  assert.throws(() => getReusableExecutor({ reuse: 'no' as never }), RangeError);
  assert.throws(() => getReusableExecutor({ max_workers: 2 } as object), /Did you mean "maxWorkers"/);
  const executor = getReusableExecutor(1);
  assert.throws(() => executor.resize(0), RangeError);
  assert.equal(await executor.submit(square, 2), 4);
  await using pool = new Pool(1);
  assert.match(
    String(await rejection(pool.apply((value: unknown) => value, [executor]))),
    /an executor cannot be passed to workers/,
  );
});
