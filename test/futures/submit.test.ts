import assert from 'node:assert/strict';
import { ArgumentRangeError, ArgumentTypeError, cpuCount, task, TaskTimeoutError, WorkerLostError } from 'manycore';
import { ProcessPoolExecutor, ThreadPoolExecutor, wait, type Future } from 'manycore/futures';
import { collectGarbage, eventually, rejection, testClean } from '../matrix.ts';
import { sleep, spin, square } from '../functions.ts';
import { eachExecutor, hasBegun, testExecutor } from './support.ts';

testClean('executor: the default sizes (N351)', {}, async () => {
  for (const [executor, size] of [
    [new ThreadPoolExecutor(), Math.min(32, cpuCount() + 4)],
    [new ProcessPoolExecutor(), cpuCount()],
  ] as const) {
    const futures = Array.from({ length: size * 3 }, () => executor.submit(sleep, 100));
    await eventually(() => executor.statistics().workers.length === size);
    await wait(futures);
    assert.equal(executor.statistics().workers.length, size);
    await executor.shutdown();
  }
});

testClean('executor: options that are wrong are named (N348, N344)', {}, () => {
  for (const maxWorkers of [0, -1, 1.5]) {
    assert.throws(() => new ProcessPoolExecutor(maxWorkers), ArgumentRangeError);
    assert.throws(() => new ThreadPoolExecutor({ maxWorkers }), ArgumentRangeError);
  }
  assert.throws(() => new ProcessPoolExecutor('4' as never), ArgumentTypeError);
  assert.throws(() => new ProcessPoolExecutor({ max_workers: 4 } as object), /Did you mean "maxWorkers"/);
  assert.throws(() => new ProcessPoolExecutor({ workers: 4 } as object), /Did you mean "maxWorkers"/);
  assert.throws(() => new ThreadPoolExecutor({ context: 'thread' } as object), /Unknown option "context"/);
  assert.throws(() => new ProcessPoolExecutor({ context: 'thread' as never }), /there is ThreadPoolExecutor/);
  assert.throws(() => new ProcessPoolExecutor({ context: 'fork' as never }), /Node cannot fork/);
});

eachExecutor((make, context) => {
  testExecutor('submit: a call with two arguments (N334)', make, { maxWorkers: 1 }, async (executor) => {
    assert.equal(await executor.submit(Math.pow, 2, 8), 256);
    assert.equal(await executor.submit(() => 'none'), 'none');
    assert.equal(await executor.submit(async (...all: number[]) => all.length, 1, 2, 3, 4, 5), 5);
  });

  testExecutor('submit: names are passed in an object; no function is an error (N335)', make, {}, async (executor) => {
    const call = (options: { self: number; fn: string }): string => `${options.self} ${options.fn}`;
    assert.equal(await executor.submit(call, { self: 1, fn: 'x' }), '1 x');
    assert.throws(() => executor.submit(undefined as never), ArgumentTypeError);
    assert.throws(() => executor.submit({ fn: square } as never, 1 as never), TypeError);
  });

  testExecutor('submit: ten lines of calls at once, all right (N357)', make, { maxWorkers: 2 }, async (executor) => {
    const line = async (start: number): Promise<void> => {
      for (let i = start; i < start + 20; i++) assert.equal(await executor.submit(square, i), i * i);
    };
    await Promise.all(Array.from({ length: 10 }, (_, i) => line(i * 100)));
  });

  testExecutor(
    'submit: a callback submits the next call, a hundred times (N358)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const ends = await new Promise<number>((resolve) => {
        let done = 0;
        const next = (): void => {
          executor.submit(square, done).addDoneCallback(() => {
            if (++done === 100) resolve(done);
            else next();
          });
        };
        next();
      });
      assert.equal(ends, 100);
    },
  );

  testExecutor(
    'submit: many calls in one go before a worker is up (Q404)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const futures = Array.from({ length: 20_000 }, (_, i) => executor.submit(square, i));
      const values = await Promise.all(futures);
      assert.ok(values.every((value, i) => value === i * i));
      assert.ok(futures.every((future) => future.done() && !future.running()));
    },
  );

  testExecutor(
    'submit: never more workers than allowed, none before there is work (N352)',
    make,
    { maxWorkers: 3 },
    async (executor) => {
      assert.equal(executor.statistics().workers.length, 0);
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, executor.statistics().workers.length)), 5);
      await wait(Array.from({ length: 45 }, () => executor.submit(sleep, 10)));
      clearInterval(watch);
      most = Math.max(most, executor.statistics().workers.length);
      assert.equal(most, 3);
    },
  );

  testExecutor(
    'submit: a worker for each call that none is free for, an idle one is used again (N353)',
    make,
    { maxWorkers: 3 },
    async (executor) => {
      for (let i = 0; i < 5; i++) assert.equal(await executor.submit(() => task().workerId), 1);
      assert.equal(executor.statistics().workers.length, 1);
      const [a, b] = [executor.submit(sleep, 2_000), executor.submit(sleep, 2_000)];
      await eventually(() => a.running() && b.running());
      assert.equal(executor.statistics().workers.length, 2);
      await wait([a, b]);
      await executor.submit(square, 1);
      assert.equal(executor.statistics().workers.length, 2);
    },
  );

  testExecutor(
    'submit: nobody keeps an argument or a result that was dropped, not in the worker either (N350)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      let result: WeakRef<object> | undefined;
      let argument: WeakRef<object> | undefined;
      await (async () => {
        const value = { large: 'x'.repeat(1_000) };
        argument = new WeakRef(value);
        result = new WeakRef(
          await executor.submit((object: { large: string; ref?: unknown }) => {
            (globalThis as { kept?: WeakRef<object> }).kept = new WeakRef(object);
            return { length: object.large.length };
          }, value),
        );
      })();
      await eventually(() => {
        collectGarbage();
        return argument?.deref() === undefined && result?.deref() === undefined;
      });
      const isGone = executor.submit(async () => {
        const v8 = await import('node:v8');
        const vm = await import('node:vm');
        v8.setFlagsFromString('--expose-gc');
        const collect = vm.runInNewContext('gc') as () => void;
        const { kept } = globalThis as { kept?: WeakRef<object> };
        for (let i = 0; i < 50 && kept?.deref() !== undefined; i++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          collect();
        }
        return kept?.deref() === undefined;
      });
      assert.equal(await isGone, true);
    },
  );

  testExecutor(
    'submit: arguments are those of the call, whatever happens to them later',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const list = [1, 2, 3];
      const future = executor.submit((numbers: number[]) => numbers.length, list);
      list.length = 0;
      assert.equal(await future, 3);
    },
  );

  testExecutor(
    'submit raced with shutdown: an end or a refusal, never a hang (N349, S451)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const futures: Future<number>[] = [];
      let refused = 0;
      for (let i = 0; i < 200; i++) {
        if (i === 100) queueMicrotask(() => void executor.shutdown({ wait: false }));
        await Promise.resolve();
        try {
          futures.push(executor.submit(square, i));
        } catch (error) {
          assert.match(String(error), /cannot schedule new futures after shutdown/);
          refused++;
        }
      }
      await wait(futures);
      assert.ok(refused > 0 && futures.length >= 100);
      for (const [i, future] of futures.entries()) assert.equal(await future, i * i);
      await executor.shutdown();
    },
  );

  testExecutor(
    'with: a time limit for each call, from its start; the worker is replaced (U465, U466)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const limited = executor.with({ timeout: 100, name: 'limited' });
      const first = executor.submit(sleep, 300);
      const error = await rejection(limited.submit(spin));
      assert.ok(error instanceof TaskTimeoutError && error.task.name === 'limited' && error.timeoutMs === 100);
      assert.equal(await first, 300);
      assert.equal(await limited.submit(square, 3), 9);
    },
  );

  testExecutor('with: one signal for several calls, retries, priority', make, { maxWorkers: 1 }, async (executor) => {
    const stop = new AbortController();
    const stoppable = executor.with({ signal: stop.signal });
    const first = executor.submit(sleep, 200);
    await hasBegun(first);
    const futures = [1, 2, 3].map((n) => stoppable.submit(square, n));
    const order: number[] = [];
    const low = executor.with({ priority: -1 }).submit(square, 1);
    const high = executor.with({ priority: 1 }).submit(square, 2);
    low.addDoneCallback(() => order.push(-1));
    high.addDoneCallback(() => order.push(1));
    stop.abort(new Error('enough'));
    for (const future of futures) {
      const error = await rejection(future);
      assert.deepEqual([error.name, future.cancelled(), future.done()], ['AbortError', false, true]);
    }
    assert.equal((await rejection(stoppable.submit(square, 1))).name, 'AbortError');
    await wait([first, low, high]);
    assert.deepEqual(order, [1, -1]);
    const tries = executor.with({ retries: 1 }).submit(() => (task().attempt === 1 ? process.exit(1) : task().attempt));
    assert.equal(await tries, 2);
    assert.ok((await rejection(executor.submit(() => process.exit(1)))) instanceof WorkerLostError);
    assert.throws(() => executor.with({ timeouts: 1 } as object), /Did you mean "timeout"/);
  });

  testClean('use: the executor is shut down behind the body, its work done', {}, async () => {
    const body = (executor: ProcessPoolExecutor | ThreadPoolExecutor): Future<number> => {
      const future = executor.submit(sleep, 50);
      future.addDoneCallback(() => assert.equal(executor.statistics().state, 'closing'));
      return future;
    };
    const outcome =
      context === 'process'
        ? ProcessPoolExecutor.use(1, async (executor) => [body(executor)])
        : ThreadPoolExecutor.use({ maxWorkers: 1 }, async (executor) => [body(executor)]);
    const [future] = await outcome;
    assert.equal(future?.done(), true);
  });
});
