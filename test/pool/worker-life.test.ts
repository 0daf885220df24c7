import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  cpuCount,
  getContext,
  Pool,
  PoolTerminatedError,
  task,
  TimeoutError,
  workerState,
} from 'manycore';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

/** Which worker runs this: the process, and in it the thread. */
function whoAmI(): string {
  return `${process.pid}/${process.getBuiltinModule('node:worker_threads').threadId}`;
}

/** The cores that the calling thread may use, as the system writes them. */
function myCores(): string {
  const status = readFileSync('/proc/thread-self/status', 'latin1');
  return /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '';
}

interface Count {
  tasks: number;
}

const count = (): number => (workerState<Count>().tasks += 1);
const start = (): void => void Object.assign(workerState(), { tasks: 0 });

eachContext((context) => {
  testPool(
    'worker state: one object for each worker, which its initializer and all its tasks share (V498)',
    { context, workers: 2, initializer: start },
    async (pool) => {
      const counts = await pool.map(() => [whoAmI(), count()] as const, Array(20).fill(0), { chunkSize: 1 });
      const byWorker = group(counts);
      for (const mine of byWorker.values())
        assert.deepEqual(
          mine.map(([, n]) => n).toSorted((a, b) => a - b),
          mine.map((_, i) => i + 1),
        );
      assert.deepEqual(workerState(), {});
    },
  );

  testClean('finalizer: runs once in each worker that ends, behind its tasks (V501)', {}, async () => {
    const pool = new Pool(3, { context, initializer: start, finalizer: () => workerState<Count>().tasks });
    await pool.map(count, Array(30).fill(0), { chunkSize: 1 });
    assert.deepEqual(pool.finalizerResults(), []);
    pool.close();
    await pool.join();
    const counts = pool.finalizerResults() as number[];
    assert.equal(counts.length, 3);
    assert.equal(
      counts.reduce((sum, n) => sum + n, 0),
      30,
    );
  });

  testClean(
    'finalizer: also in workers that are recycled or not needed any more, and asynchronous (V501)',
    {},
    async () => {
      const finalizer = async (): Promise<string> => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return whoAmI();
      };
      const pool = new Pool({ context, min: 1, max: 2, maxTasksPerChild: 2, finalizer });
      const seen = new Set(await pool.map(whoAmI, Array(10).fill(0), { chunkSize: 1 }));
      pool.close();
      await pool.join();
      const ended = pool.finalizerResults();
      assert.ok(ended.length >= 5, String(ended.length));
      assert.equal(new Set(ended).size, ended.length);
      for (const worker of seen) assert.ok(ended.includes(worker));
    },
  );

  testClean('finalizer: a result of 10 MB (V502)', {}, async () => {
    const pool = new Pool(2, { context, finalizer: () => new Uint8Array(10 * 2 ** 20).fill(7) });
    pool.close();
    await pool.join();
    const results = pool.finalizerResults() as Uint8Array[];
    assert.equal(results.length, 2);
    for (const bytes of results) assert.ok(bytes.length === 10 * 2 ** 20 && bytes.at(-1) === 7);
  });

  testClean('finalizer: what it throws comes out of join, and of what cannot travel too (V503)', {}, async () => {
    for (const [finalizer, message] of [
      [
        () => {
          throw new RangeError('at the end');
        },
        /at the end/,
      ],
      [() => Promise.reject(new Error('later')), /later/],
      [() => ({ promise: Promise.resolve() }), /the result|\$\.promise/],
    ] as const) {
      const pool = new Pool(1, { context, finalizer });
      const told: Error[] = [];
      pool.on('workerError', (error) => told.push(error));
      assert.equal(await pool.apply(() => 1), 1);
      pool.close();
      const error = await rejection(pool.join());
      assert.match(error.message, message);
      assert.deepEqual(told, [error]);
      assert.deepEqual(pool.finalizerResults(), []);
    }
  });

  testClean('finalizer: not when the workers are terminated; one that cannot travel is refused', {}, async () => {
    const pool = new Pool(1, { context, finalizer: () => 'ran' });
    await pool.apply(() => 1);
    await pool.terminate();
    assert.deepEqual(pool.finalizerResults(), []);
    const promise = Promise.resolve();
    assert.throws(
      () => new Pool(1, { context, finalizer: () => promise }),
      /finalizer.*variable "promise" cannot travel/,
    );
    assert.throws(() => new Pool(1, { context, finalizer: 1 as never }), ArgumentTypeError);
  });

  testClean('cpus: each worker runs where it is told, and so does its replacement (V505)', {}, async () => {
    const last = cpuCount() - 1;
    const pool = new Pool(2, { context, cpus: [0, [0, last]], maxTasksPerChild: 2 });
    const both = last === 1 ? '0-1' : [...new Set([0, last])].join();
    const seen = await pool.map(() => [task().workerIndex, myCores()] as const, Array(12).fill(0), { chunkSize: 1 });
    for (const [index, cores] of seen) assert.equal(cores, index === 0 ? '0' : both);
    await pool.terminate();
  });

  testClean('cpus: a list of another length, cores that are not there (V505)', {}, () => {
    const { Pool: Bound } = getContext(context);
    assert.throws(() => new Bound(2, { cpus: [0] }), ArgumentRangeError);
    assert.throws(() => new Bound(1, { cpus: [-1] }), ArgumentRangeError);
    assert.throws(() => new Bound(1, { cpus: [60_000] }), /core 60000 in cpus\[0\]/);
    assert.throws(() => new Bound(1, { cpus: [[]] }), ArgumentRangeError);
    assert.throws(() => new Bound(1, { cpus: 0 as never }), ArgumentTypeError);
    assert.throws(() => new Bound(1, { cpus: ['0' as never] }), ArgumentTypeError);
    assert.throws(() => new Pool({ workers: 0, cpus: [0] }), ArgumentTypeError);
  });

  testPool(
    'the same workers do one map after the other, also with another function (V506)',
    { context, workers: 2 },
    async (pool) => {
      await pool.broadcast(() => 0);
      const slow = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve(whoAmI()), 20));
      const workers = async (fn: () => Promise<string>): Promise<string[]> =>
        [...new Set(await pool.map(fn, Array(8).fill(0), { chunkSize: 1 }))].toSorted();
      const first = await workers(slow);
      assert.equal(first.length, 2);
      assert.deepEqual(await workers(slow), first);
      assert.deepEqual(await workers(async () => `${await slow()}`), first);
    },
  );

  testPool(
    'join: one that takes too long says so, and the pool goes on (U478)',
    { context, workers: 1 },
    async (pool) => {
      const gate = pool.apply(() => new Promise((resolve) => setTimeout(() => resolve('done'), 300)));
      const second = pool.apply(() => 2);
      pool.close();
      const error = await rejection(pool.join({ timeout: 20 }));
      assert.ok(error instanceof TimeoutError);
      assert.match(error.message, /The pool has not ended after 20 ms/);
      assert.equal(pool.statistics().state, 'closing');
      assert.deepEqual(await Promise.all([gate, second]), ['done', 2]);
      await pool.join({ timeout: 10_000 });
      assert.equal(pool.statistics().state, 'ended');
    },
  );

  testPool(
    'a chunk of five tasks may take longer than the timeout of each (U483)',
    { context, workers: 1 },
    async (pool) => {
      const slow = (x: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(x), 100));
      const items = [1, 2, 3, 4, 5];
      assert.deepEqual(await pool.map(slow, items, { chunkSize: 5, timeout: 1_800 }), items);
    },
  );

  testPool(
    'items are cut by their number in a chunk, and that is the only way to say it (V494)',
    // A chunk counts as one task: a worker for each.
    { context, workers: 1, maxTasksPerChild: 1 },
    async (pool) => {
      assert.throws(() => pool.map(Math.abs, [1], { chunkSize: 1, nSplits: 3 } as object), /Unknown option "nSplits"/);
      const chunks = new Map<number, number[]>();
      const seen = await pool.map((x: number) => [task().workerId, x] as const, [0, 1, 2, 3, 4, 5, 6], {
        chunkSize: 3,
      });
      for (const [id, x] of seen) chunks.set(id, [...(chunks.get(id) ?? []), x]);
      assert.deepEqual([...chunks.values()], [[0, 1, 2], [3, 4, 5], [6]]);
    },
  );

  testPool(
    'an input that says a wrong length is read to its end, no further (V495)',
    { context, workers: 2 },
    async (pool) => {
      for (const length of [2, 50, -1, NaN]) {
        const lying = (): Iterable<number> & { length: number; size: number } => ({
          length,
          size: length,
          *[Symbol.iterator]() {
            for (let i = 0; i < 5; i++) yield i;
          },
        });
        const same = (x: number): number => x;
        assert.deepEqual(await pool.map(same, lying()), [0, 1, 2, 3, 4]);
        const streamed: number[] = [];
        const totals = new Set<number | undefined>();
        for await (const x of pool.imap(same, lying(), { progress: ({ total }) => void totals.add(total) }))
          streamed.push(x);
        assert.deepEqual(streamed, [0, 1, 2, 3, 4]);
        assert.ok([...totals].every((total) => total === undefined || total === 5));
      }
    },
  );

  testClean('what all tasks share is sent once to each worker (V497)', {}, async () => {
    let read = 0;
    const table = {
      get rows() {
        read++;
        return Array.from({ length: 1_000 }, (_, i) => i);
      },
    };
    const keep = (shared: { rows: number[] }): void => void Object.assign(workerState(), shared);
    const pool = new Pool(2, { context, initializer: keep, initArgs: [table as { rows: number[] }] });
    const sum = (): number => workerState<{ rows: number[] }>().rows.reduce((a, b) => a + b, 0);
    const sums = await pool.map(sum, Array(50).fill(0), { chunkSize: 1 });
    assert.deepEqual(new Set(sums), new Set([499_500]));
    assert.equal(read, 1);
    await pool.terminate();
  });

  testClean('workers that are ended while they load modules leave no file open', {}, async () => {
    // The moment differs, from the start of the worker until the module is there.
    for (let ms = 0; ms < 60; ms += 3) {
      const pool = new Pool(1, { context });
      const result = pool.apply(async () => typeof (await import('manycore')).task);
      await Promise.race([result, new Promise((resolve) => setTimeout(resolve, ms))]).finally(() => pool.terminate());
      await result.catch((error: unknown) => assert.ok(error instanceof PoolTerminatedError));
    }
  });

  testPool('each task has a number of its own, whatever the call (V522)', { context, workers: 2 }, async (pool) => {
    const id = (): number => task().id;
    const all = [
      ...(await pool.map(id, Array(50).fill(0))),
      ...(await Promise.all(Array.from({ length: 50 }, () => pool.apply(id)))),
      ...(await pool.broadcast(id)),
      ...(await pool.starmap(
        id,
        Array.from({ length: 20 }, () => [] as []),
      )),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  testPool(
    'cyclic garbage of a task is collected when the next one runs (S448)',
    { context, workers: 1 },
    async (pool) => {
      await pool.apply(() => {
        const cycle: { self?: unknown; bytes: Uint8Array } = { bytes: new Uint8Array(1_000) };
        cycle.self = cycle;
        Object.assign(workerState(), { cycle: new WeakRef(cycle) });
      });
      const isGone = (): boolean => {
        setFlagsFromString('--expose-gc');
        (runInNewContext('gc') as () => void)();
        return workerState<{ cycle: WeakRef<object> }>().cycle.deref() === undefined;
      };
      await eventually(() => pool.apply(isGone));
    },
  );
});

testClean('finalizer: a pool without workers has it too', {}, async () => {
  const pool = new Pool({ workers: 0, finalizer: () => 'end' });
  assert.equal(await pool.apply(() => 1), 1);
  pool.close();
  await pool.join();
  assert.deepEqual(pool.finalizerResults(), ['end']);
});

function group(pairs: readonly (readonly [string, number])[]): Map<string, (readonly [string, number])[]> {
  const map = new Map<string, (readonly [string, number])[]>();
  for (const pair of pairs) map.set(pair[0], [...(map.get(pair[0]) ?? []), pair]);
  return map;
}
