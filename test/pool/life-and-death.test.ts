import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, PoolClosedError, PoolRunningError, PoolTerminatedError, range, task, WorkerLostError } from 'manycore';
import { sleep, square } from '../functions.ts';
import { contexts, eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

const squares = (count: number): number[] => Array.from({ length: count }, (_, i) => i * i);

eachContext((context) => {
  testPool(
    'close: right after submitting, with one task for each worker, all is done (L293)',
    { context, workers: 2, maxTasksPerChild: 1 },
    async (pool) => {
      const results = range(6)
        .toArray()
        .map((i) => pool.apply(square, [i]));
      pool.close();
      await pool.join();
      assert.deepEqual(await Promise.all(results), squares(6));
    },
  );

  testPool(
    'maxTasksPerChild: a worker for each task (U473)',
    { context, workers: 1, maxTasksPerChild: 1 },
    async (pool) => {
      const ids = [];
      for (let i = 0; i < 4; i++) ids.push(await pool.apply(() => task().workerId));
      assert.equal(new Set(ids).size, 4);
    },
  );

  testPool(
    'maxTasksPerChild: a chunk counts as one task (L295)',
    { context, workers: 1, maxTasksPerChild: 2 },
    async (pool) => {
      const ids = await pool.map(() => task().workerId, range(60), { chunkSize: 10 });
      const tasks = new Map<number, number>();
      for (const id of ids) tasks.set(id, (tasks.get(id) ?? 0) + 1);
      for (const items of tasks.values()) assert.ok(items === 10 || items === 20, `${items} items`);
    },
  );

  testPool('close: exit handlers of the workers run before they end (L296)', { context, workers: 2 }, async (pool) => {
    const base = join(tmpdir(), `pooltest-exit-${process.pid}-${context}`);
    const files = await pool.broadcast(
      async (prefix: string) => {
        const fs = await import('node:fs');
        const { workerId } = task();
        process.on('exit', () => fs.writeFileSync(`${prefix}-${workerId}`, 'bye'));
        return `${prefix}-${workerId}`;
      },
      [base],
    );
    pool.close();
    await pool.join();
    assert.deepEqual(
      files.map((file) => existsSync(file)),
      [true, true],
    );
    for (const file of files) rmSync(file);
  });

  testPool(
    'close: further calls are refused, what was queued is done (L297, B11, U475)',
    { context, workers: 1 },
    async (pool) => {
      const queued = pool.map(square, range(50), { chunkSize: 1 });
      const streamed = pool.imap(square, range(50));
      pool.close();
      for (const call of [
        () => pool.apply(square, [1]),
        () => pool.map(square, [1]),
        () => pool.imap(square, [1]),
        () => pool.broadcast(square, [1]),
        () => pool.starmapAsync(square, [[1]]),
        () => pool.mapSettled(square, []),
      ])
        assert.throws(
          call,
          (error: unknown) =>
            error instanceof PoolClosedError && /was closed and takes no more work/.test(error.message),
        );
      pool.close();
      assert.deepEqual(await queued, squares(50));
      const values: number[] = [];
      for await (const value of streamed) values.push(value);
      assert.deepEqual(values, squares(50));
      await pool.join();
      await pool.join();
      assert.equal(pool.statistics().state, 'ended');
      assert.throws(() => pool.apply(square, [1]), PoolClosedError);
    },
  );

  testPool('join: before close is refused (L298, U477)', { context, workers: 1 }, async (pool) => {
    const error = await rejection(pool.join());
    assert.ok(error instanceof PoolRunningError);
    assert.match(error.message, /call close\(\) or terminate\(\) first/);
    assert.equal(await pool.apply(square, [3]), 9);
  });

  testPool(
    'terminate: what was given up before is not counted; only a block that ends asks whether `await` was forgotten',
    { context, workers: 2 },
    async (pool) => {
      const controller = new AbortController();
      const givenUp = pool.apply(sleep, [60_000], { signal: controller.signal });
      await eventually(() => pool.statistics().running > 0);
      controller.abort();
      await rejection(givenUp);
      const left = rejection(pool.apply(sleep, [60_000]));
      await pool[Symbol.asyncDispose]();
      assert.match((await left).message, /ended while 1 task was not done\. Did you forget `await` at life-and-death/);
    },
  );

  testPool(
    'terminate: ten thousand long tasks are gone at once, all rejected (L299, L300, V515)',
    { context, workers: 2 },
    async (pool) => {
      await pool.broadcast(() => 0);
      const results = range(10_000)
        .toArray()
        .map(() => pool.apply(sleep, [60_000]));
      const mapped = pool.map(sleep, [60_000, 60_000]);
      const streamed = pool.imap(sleep, [60_000]);
      const next = rejection(streamed.next());
      await eventually(() => pool.statistics().running > 0);
      const started = performance.now();
      await pool.terminate();
      assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
      for (const outcome of await Promise.allSettled([...results, mapped]))
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof PoolTerminatedError);
      const error = await next;
      assert.ok(error instanceof PoolTerminatedError);
      assert.match(
        error.message,
        /was terminated while 1000\d tasks were not done\. The first was called at life-and-death\.test\.[jt]s:\d+\./,
      );
      assert.throws(
        () => pool.apply(square, [1]),
        (thrown: unknown) => thrown instanceof PoolClosedError && /terminated/.test(thrown.message),
      );
      await pool.terminate();
      await pool.join();
    },
  );

  testPool('terminate: at once after the start, and twice at the same time', { context, workers: 2 }, async (pool) => {
    const result = pool.apply(square, [1]);
    await Promise.all([pool.terminate(), pool.terminate()]);
    assert.ok((await rejection(result)) instanceof PoolTerminatedError);
  });

  testPool('terminate: while a closed pool is still at work', { context, workers: 1 }, async (pool) => {
    const result = pool.apply(sleep, [60_000]);
    pool.close();
    const joined = pool.join();
    await pool.terminate();
    await joined;
    assert.ok((await rejection(result)) instanceof PoolTerminatedError);
  });

  testPool('terminate: while much is being sent (U479)', { context, workers: 1 }, async (pool) => {
    // A text goes through the pipe, which takes a little at a time. Who is quick nevertheless is not done.
    const big = 'x'.repeat(100 * 2 ** 20);
    const result = pool.apply((text: string) => new Promise<number>(() => text.length), [big]);
    await new Promise((resolve) => setImmediate(resolve));
    const started = performance.now();
    await pool.terminate();
    assert.ok(performance.now() - started < 2_000);
    assert.ok((await rejection(result)) instanceof PoolTerminatedError);
  });

  testPool('pools are left alone by a using of a closed pool (L302)', { context, workers: 1 }, async (pool) => {
    pool.close();
    await pool[Symbol.asyncDispose]();
    assert.equal(pool.statistics().state, 'ended');
  });

  testClean(
    'a pool that is dropped without close is named in one warning, and its workers end (L303)',
    { warnings: /ResourceWarning: The pool "lost", made at life-and-death\.test\.[jt]s:\d+, was dropped without/ },
    async () => {
      const { setFlagsFromString } = await import('node:v8');
      const { runInNewContext } = await import('node:vm');
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      const warnings: Error[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      process.on('warning', note);
      let exits = 0;
      await (async () => {
        const pool = new Pool({ context, workers: 1, name: 'lost' });
        pool.on('workerExit', () => exits++);
        assert.equal(await pool.apply(square, [3]), 9);
      })();
      await eventually(() => {
        collect();
        return warnings.length > 0;
      });
      process.off('warning', note);
      assert.equal(warnings.length, 1);
      assert.equal(exits, 0, 'the pool is gone, and its listeners with it');
    },
  );

  testPool(
    'a worker that ends itself fails its call alone and is replaced (L307, L308, A16)',
    { context, workers: 2 },
    async (pool) => {
      const others = pool.map(sleep, [50, 50, 50, 50], { chunkSize: 1 });
      for (const code of [7, 0, 123]) {
        const error = await rejection(pool.apply((exitCode: number) => process.exit(exitCode), [code]));
        assert.ok(error instanceof WorkerLostError);
        assert.equal(error.exitCode, code);
        assert.equal(error.phase, 'running');
        assert.match(error.message, new RegExp(`exit code ${code} while running task \\d+`));
      }
      assert.deepEqual(await others, [50, 50, 50, 50]);
      await eventually(() => pool.statistics().workers.filter(({ state }) => state === 'ready').length === 2);
      assert.deepEqual(await pool.map(square, range(10)), squares(10));
    },
  );

  testPool(
    'a worker that ends in one item of a map fails that item alone (L306, V509)',
    { context, workers: 2 },
    async (pool) => {
      const fatal = (i: number): number => {
        if (i === 13) process.exit(5);
        return i * i;
      };
      const settled = await pool.mapSettled(fatal, range(100));
      const failed = settled.flatMap((outcome, i) =>
        outcome.status === 'rejected' ? [[i, outcome.reason as Error] as const] : [],
      );
      assert.deepEqual(
        failed.map(([i]) => i),
        [13],
      );
      const [, error] = failed[0]!;
      assert.ok(error instanceof WorkerLostError);
      assert.equal(error.task?.index, 13);
      assert.equal(error.exitCode, 5);
      const lost = await rejection(pool.map(fatal, range(100)));
      assert.ok(lost instanceof WorkerLostError);
    },
  );

  testPool(
    'one of a hundred calls ends its worker: the others are done (V510)',
    { context, workers: 2 },
    async (pool) => {
      const calls = range(100)
        .toArray()
        .map((i) => pool.apply((x: number) => (x === 40 ? process.exit(1) : x), [i]));
      const outcomes = await Promise.allSettled(calls);
      assert.deepEqual(
        outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : [])),
        [40],
      );
    },
  );

  testPool(
    'all workers end at once, a hundred tasks wait: all end, and the pool works (L312)',
    { context, workers: 3 },
    async (pool) => {
      await pool.broadcast(() => 0);
      const calls = range(100)
        .toArray()
        .map((i) => pool.apply(sleep, [i % 5]));
      const deaths = pool.broadcast(() => process.exit(1));
      assert.ok((await rejection(deaths)) instanceof WorkerLostError);
      for (const outcome of await Promise.allSettled(calls))
        assert.ok(outcome.status === 'fulfilled' || outcome.reason instanceof WorkerLostError);
      assert.deepEqual(await pool.map(square, range(10)), squares(10));
    },
  );

  testPool(
    'an error whose class cannot be rebuilt is stood in for, with its name, message and stack, and harms no later task (L309)',
    { context, workers: 1 },
    async (pool) => {
      const fails = (): never => {
        // It is made of what cannot leave its process, so it cannot either.
        const server = createServer();
        class Picky extends RangeError {
          readonly pair: readonly [string, string];
          constructor(a: string, b: string) {
            super(`${a.toUpperCase()} and ${b.toUpperCase()}`);
            this.name = 'Picky';
            this.pair = [a, b];
          }
          get server(): unknown {
            return server;
          }
        }
        throw new Picky('x', 'y');
      };
      for (let i = 0; i < 20; i++) {
        const error = await rejection(pool.apply(fails));
        assert.equal(Object.getPrototypeOf(error), RangeError.prototype, 'the nearest class that is here');
        assert.deepEqual([error.name, error.message], ['Picky', 'X and Y']);
        assert.match(String(error.stack), /fails.*life-and-death/);
        assert.deepEqual(Reflect.get(error, 'pair'), ['x', 'y']);
      }
      assert.equal(await pool.apply(square, [3]), 9);
      assert.deepEqual([pool.statistics().lost, pool.statistics().workers[0]?.id], [0, 1]);
    },
  );

  testPool(
    'an error whose constructor takes other arguments is rebuilt without it (L309)',
    { context, workers: 1 },
    async (pool) => {
      class Picky extends Error {
        readonly pair: readonly [string, string];
        constructor(a: string, b: string) {
          super(`${a.toUpperCase()} and ${b.toUpperCase()}`);
          this.name = 'Picky';
          this.pair = [a, b];
        }
      }
      const error = await rejection(
        pool.apply(() => {
          throw new Picky('x', 'y');
        }),
      );
      assert.ok(error instanceof Picky);
      assert.deepEqual([error.name, error.message, error.pair], ['Picky', 'X and Y', ['x', 'y']]);
      assert.match(String(error.stack), /life-and-death/);
      assert.equal(await pool.apply(square, [3]), 9);
    },
  );

  testPool(
    'a worker that ends while it is idle is replaced, and no task suffers (L305)',
    { context, workers: 1 },
    async (pool) => {
      const exits: number[] = [];
      pool.on('workerExit', ({ id }) => exits.push(id));
      const pid = await pool.apply(() => process.pid);
      if (context === 'process') process.kill(pid, 'SIGKILL');
      // Nobody else can end a thread: it does so itself, when its task is done.
      else await pool.apply(() => void setTimeout(() => process.exit(1), 20));
      await eventually(() => exits.length === 1);
      assert.deepEqual(exits, [1]);
      assert.equal(await pool.apply(() => task().workerId), 2);
      assert.equal(pool.statistics().lost, 0);
    },
  );

  testPool(
    'a worker that is ended in a task: the call says how, and the next one has another (L306, U470)',
    { context, workers: 1 },
    async (pool) => {
      await pool.apply(() => 0);
      const { pid } = pool.statistics().workers[0]!;
      const error = await rejection(
        pool.apply(() => {
          if (process.getBuiltinModule('node:worker_threads').isMainThread) process.kill(process.pid, 'SIGKILL');
          else process.exit(9);
          for (;;);
        }),
      );
      assert.ok(error instanceof WorkerLostError);
      const [shown, how] =
        context === 'process' ? ['pid', 'was killed by SIGKILL'] : ['thread', 'was lost: it ended with exit code 9'];
      assert.deepEqual(
        [error.signal, error.exitCode, error.pid, error.phase],
        [...(context === 'process' ? ['SIGKILL', null] : [null, 9]), pid, 'running'],
      );
      assert.match(error.message, new RegExp(`Worker 1 \\(${shown} ${pid}\\) ${how} while running task 2`));
      assert.equal(await pool.apply(square, [3]), 9);
    },
  );

  testPool('several pools at once do not disturb each other', { context, workers: 1 }, async (pool) => {
    await using other = new Pool({ context, workers: 1 });
    const [a, b] = await Promise.all([pool.map(square, range(50)), other.map(square, range(50))]);
    assert.deepEqual([a, b], [squares(50), squares(50)]);
  });
});

testPool('a worker that is killed as the next task comes is replaced (L305)', { workers: 1 }, async (pool) => {
  const pid = await pool.apply(() => process.pid);
  process.kill(pid, 'SIGKILL');
  assert.notEqual(await pool.apply(() => process.pid, [], { retries: 1 }), pid);
});

testPool('a task that ignores SIGTERM is killed all the same (U469, A30)', { workers: 1 }, async (pool) => {
  const result = pool.apply(() => {
    process.on('SIGTERM', () => undefined);
    for (;;);
  });
  await eventually(() => pool.statistics().running === 1);
  const started = performance.now();
  await pool.terminate();
  assert.ok(performance.now() - started < 2_000);
  assert.ok((await rejection(result)) instanceof PoolTerminatedError);
});

testPool(
  'a worker that runs out of memory fails its call alone, which says so (L311, A23)',
  { workers: 1, env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=48' }, test: { limit: 60_000 } },
  async (pool) => {
    const error = await rejection(
      pool.apply(() => {
        const hoard: number[][] = [];
        for (;;) hoard.push(Array.from({ length: 10_000 }, Math.random));
      }),
    );
    assert.ok(error instanceof WorkerLostError);
    assert.equal(error.oomHint, true);
    assert.match(error.message, /out of memory/);
    assert.equal(await pool.apply(square, [3]), 9);
  },
);

for (const context of contexts) {
  testClean(
    `close: among a thousand submissions: those before it run, those behind it are refused, ${context}`,
    {},
    async () => {
      const pool = new Pool({ context, workers: 2 });
      const results: Promise<number>[] = [];
      let refused = 0;
      for (let i = 0; i < 1_000; i++) {
        if (i === 500) pool.close();
        try {
          results.push(pool.apply(square, [i]));
        } catch (error) {
          assert.ok(error instanceof PoolClosedError);
          refused++;
        }
      }
      assert.deepEqual(await Promise.all(results), squares(500));
      assert.equal(refused, 500);
      await pool.join();
    },
  );
}
