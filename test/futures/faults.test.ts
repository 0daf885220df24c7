import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PoolBrokenError, range, RemoteError, SerializationError, task, WorkerLostError } from 'manycore';
import { wait } from 'manycore/futures';
import { limitStarts } from '../limit-starts.ts';
import { eventually, rejection } from '../matrix.ts';
import { sleep, square } from '../functions.ts';
import { eachExecutor, hasBegun, testExecutor } from './support.ts';

/** What cannot be read or written where it is told to. */
class Trap {
  readonly where: string;

  constructor(where: string) {
    this.where = where;
  }
}

eachExecutor((make, context) => {
  testExecutor(
    'faults: an argument that cannot be sent fails its call alone (Q396)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const bad = executor.submit((value: unknown) => typeof value, { socket: new WeakMap() });
      const good = executor.submit(square, 3);
      const error = await rejection(bad);
      assert.ok(error instanceof SerializationError);
      assert.equal(error.path, '$.socket');
      assert.equal(await good, 9);
    },
  );

  testExecutor(
    'faults: a worker that ends in a call fails it alone; the executor goes on at once (Q398, Q412, Q405)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const others = Array.from({ length: 20 }, () => executor.submit(sleep, 20));
      const error = await rejection(executor.submit(() => process.exit(99)));
      assert.ok(error instanceof WorkerLostError);
      assert.equal(error.exitCode, 99);
      assert.match(error.message, /exit code 99/);
      for (const future of others) assert.equal(await future, 20);
      assert.equal(await executor.submit(square, 3), 9);
    },
  );

  testExecutor(
    "faults: an error that is thrown, of any kind, is the future's; the executor goes on (Q399)",
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const error = await rejection(
        executor.submit(() => {
          // oxlint-disable-next-line no-throw-literal
          throw 'SystemExit';
        }),
      );
      assert.ok(error instanceof RemoteError && error.value === 'SystemExit');
      const [before] = executor.statistics().workers;
      assert.equal(await executor.submit(square, 3), 9);
      assert.equal(executor.statistics().workers[0]?.id, before?.id);
    },
  );

  testExecutor(
    'faults: a result that throws, or ends the worker, while it is written (Q401)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const throws = executor.submit(() => ({
        get x(): never {
          throw new RangeError('in the getter');
        },
      }));
      const good = executor.submit(square, 3);
      assert.match(String(await rejection(throws)), /in the getter/);
      assert.equal(await good, 9);
      const exits = executor.submit(() => ({
        get x(): never {
          return process.exit(7);
        },
      }));
      const error = await rejection(exits);
      assert.ok(error instanceof WorkerLostError && error.exitCode === 7, String(error));
      assert.equal(await executor.submit(square, 3), 9);
    },
  );

  testExecutor(
    'faults: a worker that dies while a large argument is on its way to it (Q403)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      await executor.submit(square, 1);
      const dies = executor.submit(() => process.exit(1));
      const large = executor.submit((bytes: Uint8Array) => bytes.length, new Uint8Array(30_000_000));
      await wait([dies, large]);
      assert.ok((await dies.exception()) instanceof WorkerLostError);
      assert.equal(await large, 30_000_000);
    },
  );

  testExecutor(
    'faults: each lost call has an error of its own, with the line of its submit (Q406)',
    make,
    { maxWorkers: 2 },
    async (executor) => {
      const a = await rejection(executor.submit(() => process.exit(1)));
      const b = await rejection(executor.submit(() => process.exit(2)));
      assert.notEqual(a, b);
      assert.match(String(a.stack), /faults\.test/);
      assert.notEqual(a.stack, b.stack);
    },
  );

  testExecutor(
    'faults: an error has the stack of the worker and of the submit (Q407, R430)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const error = await rejection(
        executor.submit(function resize() {
          throw new RangeError('too large', { cause: new Error('why') });
        }),
      );
      assert.ok(error instanceof RangeError);
      assert.match(
        String(error.stack),
        /at .*resize[\s\S]*--- on worker 1 .* task 1 of submit\(resize\) ---[\s\S]*faults\.test/,
      );
      assert.equal((error.cause as Error).message, 'why');
    },
  );

  if (context === 'process')
    testExecutor(
      'faults: the error names the signal or the exit code and the process (Q408)',
      make,
      { maxWorkers: 1 },
      async (executor) => {
        for (const [end, text] of [
          [() => process.kill(process.pid, 'SIGKILL'), /SIGKILL/],
          [() => process.exit(0), /exit code 0/],
          [() => process.exit(42), /exit code 42/],
          [() => process.kill(process.pid, 'SIGSEGV'), /SIGSEGV/],
        ] as const) {
          const pid = await executor.submit(() => process.pid);
          const error = await rejection(
            executor.submit(async (die: () => unknown) => {
              die();
              await new Promise(() => setInterval(() => {}, 1_000));
            }, end),
          );
          assert.ok(error instanceof WorkerLostError && error.pid === pid);
          assert.match(error.message, text);
          assert.match(error.message, new RegExp(`pid ${pid}`));
        }
      },
    );

  testExecutor(
    'faults: a worker that ends as it collects an argument, behind its result: the result stands (Q411)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const future = executor.submit(
        (argument: object) => {
          const registry = new FinalizationRegistry(() => process.exit(3));
          registry.register(argument, 0);
          Object.assign(globalThis, { registry });
          setFlagsFromString('--expose-gc');
          const collectGarbage = runInNewContext('gc') as () => void;
          setInterval(collectGarbage, 10);
          return 'kept';
        },
        { text: 'an argument' },
      );
      assert.equal(await future, 'kept');
      await eventually(() => executor.statistics().workers.every(({ id }) => id > 1), 10_000);
      assert.equal(await executor.submit(square, 3), 9);
      assert.equal(executor.statistics().lost, 0);
    },
  );

  testExecutor('faults: a worker that dies behind its result', make, { maxWorkers: 1 }, async (executor) => {
    const future = executor.submit(() => {
      setImmediate(() => process.exit(3));
      return 'kept';
    });
    const outcome = await future.then(
      (value) => value,
      (error: unknown) => error,
    );
    assert.ok(outcome === 'kept' || outcome instanceof WorkerLostError);
    await eventually(() => executor.statistics().workers.every(({ id }) => id > 1));
    assert.equal(await executor.submit(square, 3), 9);
  });

  testExecutor(
    'faults: a hundred megabytes arrive whole (Q413)',
    make,
    { maxWorkers: 1, test: { limit: 60_000 } },
    async (executor) => {
      const bytes = new Uint8Array(100_000_000);
      bytes[99_999_999] = 7;
      assert.equal(await executor.submit((all: Uint8Array) => all.length + all.at(-1)!, bytes), 100_000_007);
    },
  );

  testExecutor(
    'maxTasksPerChild: a worker is replaced behind its third call (Q414, U473)',
    make,
    { maxWorkers: 1, maxTasksPerChild: 3 },
    async (executor) => {
      const ids: number[] = [];
      for (let i = 0; i < 6; i++) ids.push(await executor.submit(() => task().workerId));
      assert.deepEqual(
        ids.map((id) => id === ids[0]),
        [true, true, true, false, false, false],
      );
      assert.equal(new Set(ids).size, 2);
    },
  );

  testExecutor('maxTasksPerChild: a bad number is refused (Q415)', make, { maxWorkers: 1 }, () => {
    assert.throws(() => make({ maxTasksPerChild: 0 }), RangeError);
    assert.throws(() => make({ maxTasksPerChild: '1' as never }), TypeError);
  });

  for (const [maxWorkers, maxTasksPerChild, count] of [
    [1, 2, 6],
    [2, 2, 8],
    [2, 1, 7],
  ] as const)
    testExecutor(
      `maxTasksPerChild: more calls than the workers may do all end: ${maxWorkers}, ${maxTasksPerChild}, ${count} (Q417)`,
      make,
      { maxWorkers, maxTasksPerChild },
      async (executor) => {
        const futures = range(count)
          .toArray()
          .map((i) => executor.submit(square, i));
        assert.deepEqual(
          await Promise.all(futures),
          range(count)
            .toArray()
            .map((i) => i * i),
        );
      },
    );

  testExecutor(
    'maxTasksPerChild: a worker at its limit behind a shutdown is replaced while there is work (Q419)',
    make,
    { maxWorkers: 1, maxTasksPerChild: 1 },
    async (executor) => {
      const futures = [1, 2, 3].map((n) => executor.submit(square, n));
      await executor.shutdown({ wait: false });
      assert.deepEqual(await Promise.all(futures), [1, 4, 9]);
      await eventually(() => executor.statistics().state === 'ended');
    },
  );

  testExecutor(
    'faults: a replacement that cannot be started fails what is queued, which says why (Q422)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      await executor.submit(square, 1);
      const undo = limitStarts(0);
      try {
        const dies = executor.submit(() => process.exit(1));
        const queued = [1, 2, 3].map((n) => executor.submit(square, n));
        assert.ok((await rejection(dies)) instanceof WorkerLostError);
        for (const future of queued) {
          const error = await rejection(future);
          assert.ok(error instanceof PoolBrokenError, error.stack);
          assert.match(error.message, /EAGAIN: no more workers/);
        }
        assert.throws(() => executor.submit(square, 1), PoolBrokenError);
        await executor.shutdown();
      } finally {
        undo();
      }
    },
  );

  testExecutor(
    'faults: a call that ends its worker each time does not strand those behind it',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const futures = Array.from({ length: 12 }, (_, i) =>
        executor.submit((n: number) => (n % 3 === 0 ? process.exit(1) : n), i),
      );
      await wait(futures);
      for (const [i, future] of futures.entries()) {
        if (i % 3 === 0) assert.ok((await rejection(future)) instanceof WorkerLostError);
        else assert.equal(await future, i);
      }
    },
  );

  testExecutor('faults: a class of the program, wherever it is made', make, { maxWorkers: 1 }, async (executor) => {
    const future = executor.submit((trap: Trap) => trap, new Trap('here'));
    await hasBegun(future);
    const trap = await future;
    assert.ok(trap instanceof Trap && trap.where === 'here');
  });
});
