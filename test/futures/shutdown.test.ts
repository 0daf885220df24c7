import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolClosedError, PoolTerminatedError, range } from 'manycore';
import { CancelledError, wait, type Executor, type Future } from 'manycore/futures';
import { Sequencer } from 'manycore/testing';
import { commandOf, descendants } from '#internal/testing/processes.js';
import { collectGarbage, eventually, rejection, testClean } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { sleep, spin, square } from '../functions.ts';
import { eachExecutor, hasBegun, testExecutor } from './support.ts';

// Not a closure: that could hold on to the executor.
async function slowly(n: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 30));
  return n;
}

eachExecutor((make, context) => {
  const Kind = context === 'process' ? 'ProcessPoolExecutor' : 'ThreadPoolExecutor';

  testExecutor('shutdown: submit behind it is refused (P376)', make, { maxWorkers: 1 }, async (executor) => {
    await executor.shutdown();
    for (const call of [() => executor.submit(square, 1), () => executor.map(square, [1])])
      assert.throws(
        call,
        (error: unknown) =>
          error instanceof PoolClosedError && /cannot schedule new futures after shutdown/.test(error.message),
      );
  });

  testExecutor(
    'shutdown: fifty short calls are all done behind it (P379)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const futures = Array.from({ length: 50 }, (_, i) => executor.submit(square, i));
      await executor.shutdown();
      assert.ok(futures.every((future) => future.done()));
      assert.equal(await futures[49], 49 * 49);
    },
  );

  testExecutor(
    'shutdown: with cancelFutures what runs is done, what waits is cancelled, nothing is lost (P380)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const futures = Array.from({ length: 50 }, () => executor.submit(sleep, 50));
      await hasBegun(futures[0]!);
      await executor.shutdown({ cancelFutures: true });
      const cancelled = futures.filter((future) => future.cancelled());
      const done = futures.filter((future) => !future.cancelled());
      assert.ok(cancelled.length > 20 && done.length > 0, `${cancelled.length} cancelled`);
      for (const future of done) assert.equal(await future, 50);
      for (const future of cancelled) assert.ok((await rejection(future)) instanceof CancelledError);
    },
  );

  testExecutor('shutdown: twice, in every way, does no harm (P381)', make, { maxWorkers: 1 }, async (executor) => {
    const future = executor.submit(sleep, 100);
    await hasBegun(future);
    const queued = executor.submit(square, 1);
    void executor.shutdown({ wait: false });
    const waits = [executor.shutdown(), executor.shutdown({ cancelFutures: true }), executor.shutdown({ wait: false })];
    await Promise.all(waits);
    await executor.shutdown({ cancelFutures: true });
    assert.equal(await future, 100);
    assert.ok(queued.cancelled());
    assert.throws(() => executor.shutdown({ cancel_futures: true } as object), /Did you mean "cancelFutures"/);
    assert.throws(() => executor.shutdown({ waits: true } as object), /Did you mean "wait"/);
  });

  testClean('shutdown: leaving `await using` waits; no worker is left (P383, P389)', {}, async () => {
    let futures: Future<number>[] = [];
    let executor: Executor;
    {
      await using inner = make({ maxWorkers: 2 });
      executor = inner;
      futures = [1, 2, 3].map((n) => inner.submit(sleep, n * 20));
    }
    assert.deepEqual(await Promise.all(futures), [20, 40, 60]);
    assert.deepEqual([executor.statistics().workers.length, executor.statistics().state], [0, 'ended']);
    await using unused = make();
    await unused.shutdown();
    assert.equal(unused.statistics().state, 'ended');
  });

  testClean(
    'shutdown: an executor that is dropped does its queued work, then its workers end (P384, Q420)',
    {},
    async () => {
      let ref: WeakRef<Executor> | undefined;
      const futures = await (async () => {
        const executor = make({ maxWorkers: 1, maxTasksPerChild: 3 });
        ref = new WeakRef(executor);
        await executor.submit(square, 1);
        return range(10)
          .toArray()
          .map((n) => executor.submit(slowly, n));
      })();
      await eventually(() => {
        collectGarbage();
        return ref?.deref() === undefined;
      });
      assert.deepEqual(await Promise.all(futures), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      // That the workers end is what testClean looks at.
      if (context === 'process') await eventually(() => descendants(process.pid).length === 0);
    },
  );

  testExecutor(
    'shutdown: without waiting it returns at once; the work is done, the workers end (P385)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      using order = new Sequencer(['returned', 'worked']);
      const futures = [
        executor.submit(() => order.step('worked')),
        executor.submit(sleep, 1),
        executor.submit(sleep, 1),
      ];
      await executor.shutdown({ wait: false });
      assert.ok(futures.every((future) => !future.done()));
      await order.step('returned');
      assert.equal((await wait(futures)).done.size, 3);
      await eventually(() => executor.statistics().state === 'ended');
    },
  );

  testExecutor(
    'shutdown: calls that cannot be sent hold their errors (P390)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const trap = {
        get x(): never {
          throw new Error('trap');
        },
      };
      const futures = Array.from({ length: 20 }, (_, i) =>
        executor.submit((value: unknown) => value, i % 2 === 0 ? trap : i),
      );
      const stuck = executor.submit(() => new WeakMap());
      await executor.shutdown();
      assert.ok((await stuck.exception()) instanceof Error);
      for (const [i, future] of futures.entries()) {
        if (i % 2 === 0) assert.match(String(await future.exception()), /args\[0\]\.x/);
        else assert.equal(await future, i);
      }
    },
  );

  for (const how of ['killWorkers', 'terminateWorkers'] as const) {
    testExecutor(
      `${how}: busy, waiting and later calls (P392, P393, Q421)`,
      make,
      { maxWorkers: 1, maxTasksPerChild: 1 },
      async (executor) => {
        await executor.submit(square, 1);
        const running = executor.submit(spin);
        const told: string[] = [];
        running.addDoneCallback((future) => told.push(future.done() ? 'done' : 'open'));
        await hasBegun(running);
        const pending = Array.from({ length: 5 }, () => executor.submit(square, 2));
        const startedMs = performance.now();
        await executor[how]();
        assert.ok(performance.now() - startedMs < 3_000);
        for (const future of [running, ...pending]) assert.ok((await rejection(future)) instanceof PoolTerminatedError);
        assert.deepEqual([executor.statistics().workers.length, told], [0, ['done']]);
        assert.throws(() => executor.submit(square, 1), /after shutdown/);
        await executor[how]();
        await executor.shutdown();
      },
    );

    testExecutor(
      `${how}: with no worker started, and behind a shutdown, it does nothing (P392)`,
      make,
      {},
      async (executor) => {
        await executor[how]();
        assert.throws(() => executor.submit(square, 1), PoolClosedError);
        const other = make({ maxWorkers: 1 });
        await other.submit(square, 1);
        await other.shutdown();
        await other[how]();
      },
    );
  }

  if (context === 'process')
    testExecutor(
      'killWorkers: what the workers have started ends with them (P394)',
      make,
      { maxWorkers: 1 },
      async (executor) => {
        const pid = await executor.submit(async () => {
          const { spawn } = await import('node:child_process');
          return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }).pid ?? 0;
        });
        assert.notEqual(commandOf(pid), '(zombie)');
        await executor.killWorkers();
        await eventually(() => !descendants(process.pid).includes(pid) && commandOf(pid) === '(zombie)');
      },
    );

  test(`a program that ends right behind submit does the work, ${context} (P377)`, async () => {
    const { code, stdout, stderr } = await runScript(
      `import { ${Kind} } from 'manycore/futures';
       const executor = new ${Kind}(1);
       executor.submit(async () => { await new Promise((r) => setTimeout(r, 200)); console.log('apple'); });`,
    );
    assert.deepEqual([code, stdout, stderr], [0, 'apple\n', '']);
  });

  test(`submit in an exit handler is refused, ${context} (P378)`, async () => {
    const { code, stdout } = await runScript(
      `import { ${Kind} } from 'manycore/futures';
       process.on('exit', () => {
         try { executor.submit(Math.sqrt, 1); } catch (error) { console.log(error.code, error.message); }
       });
       const executor = new ${Kind}(1);
       console.log(await executor.submit(Math.sqrt, 9));`,
    );
    assert.equal(code, 0);
    assert.match(stdout, /^3\nERR_MANYCORE_POOL_CLOSED .*cannot schedule new futures after interpreter shutdown/);
  });

  test(`a program ends behind a shutdown that cancels and does not wait; what was cancelled prints nothing, ${context} (P387)`, async () => {
    const { code, stdout, stderr } = await runScript(
      `import { ${Kind} } from 'manycore/futures';
       const executor = new ${Kind}(1);
       const print = async (text) => { await new Promise((r) => setTimeout(r, 100)); console.log(text); };
       const first = executor.submit(print, 'first');
       const others = [1, 2, 3].map((n) => executor.submit(print, n));
       while (!first.running()) await new Promise((r) => setTimeout(r, 1));
       executor.shutdown({ wait: false, cancelFutures: true });
       console.log(others.map((f) => f.cancelled()).join());`,
    );
    assert.deepEqual([code, stdout, stderr], [0, 'true,true,true\nfirst\n', '']);
  });

  test(`a program that kills itself leaves no worker, busy or not, ${context} (P395)`, async () => {
    const { signal } = await runScript(
      `import { ${Kind} } from 'manycore/futures';
       const executor = new ${Kind}(2);
       await executor.submit(Math.sqrt, 4);
       const busy = executor.submit(() => { for (;;); });
       while (!busy.running()) await new Promise((r) => setTimeout(r, 1));
       process.kill(process.pid, 'SIGKILL');`,
    );
    assert.equal(signal, 'SIGKILL');
  });
});
