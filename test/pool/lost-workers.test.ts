import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { range, task, WorkerLostError } from 'manycore';
import { sleep, square } from '../functions.ts';
import { eachContext, eventually, rejection, testPool } from '../matrix.ts';

const squares = (count: number): number[] => Array.from({ length: count }, (_, i) => i * i);

eachContext((context) => {
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
        assert.match(String(error.stack), /fails.*lost-workers/);
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
      assert.match(String(error.stack), /lost-workers/);
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
});

testPool('a worker that is killed as the next task comes is replaced (L305)', { workers: 1 }, async (pool) => {
  const pid = await pool.apply(() => process.pid);
  process.kill(pid, 'SIGKILL');
  assert.notEqual(await pool.apply(() => process.pid, [], { retries: 1 }), pid);
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
