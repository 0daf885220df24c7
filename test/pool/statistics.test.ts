import assert from 'node:assert/strict';
import { Pool, type ProgressSnapshot, range, task } from 'manycore';
import { faults, virtualClock } from 'manycore/testing';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

async function untilAborted(): Promise<void> {
  const { signal } = task();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

function compute(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

testClean('statistics: what a worker spends its time with, and the five slowest tasks (V519)', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({
    workers: 1,
    clock,
    initializer: () => clock.sleep(30),
    faults: faults().delayStart({ worker: 1, ms: 100 }),
  });
  const times = (): number[] => {
    const { startUpMs, initializerMs, workingMs, waitingMs } = pool.statistics().workers[0]!;
    return [startUpMs, initializerMs, workingMs, waitingMs];
  };
  const all = pool.map((ms: number) => clock.sleep(ms), [50, 10, 200, 30, 20, 40], { chunkSize: 1, name: 'sleep' });
  await clock.pass(120);
  assert.deepEqual(times(), [0, 0, 0, 0]);
  await clock.pass(20);
  assert.deepEqual(times(), [100, 30, 10, 0]);
  await clock.pass(350);
  await all;
  assert.deepEqual(times(), [100, 30, 350, 10]);
  await clock.pass(120);
  assert.deepEqual(times(), [100, 30, 350, 130]);
  const { slowest } = pool.statistics();
  assert.deepEqual(
    slowest.map(({ id, index, ms }) => [id, index, ms]),
    [
      [3, 2, 200],
      [1, 0, 50],
      [6, 5, 40],
      [4, 3, 30],
      [5, 4, 20],
    ],
  );
  assert.deepEqual(slowest[0], { id: 3, name: 'sleep', index: 2, count: 1, workerId: 1, ms: 200 });
  assert.ok(Object.isFrozen(slowest) && Object.isFrozen(slowest[0]));
});

eachContext((context) => {
  testClean('statistics: the times of a real worker are those of its clock (V519)', {}, async () => {
    const beganMs = performance.now();
    await using pool = new Pool(1, { context, initializer: compute, initArgs: [30] });
    await pool.map((x: number) => x, range(1_000));
    await pool.apply(compute, [100], { name: 'long' });
    const { workers, slowest } = pool.statistics();
    const { startUpMs, initializerMs, workingMs, waitingMs } = workers[0]!;
    assert.ok(startUpMs > 0 && initializerMs >= 30 && workingMs >= 100 && waitingMs >= 0);
    const sum = startUpMs + initializerMs + workingMs + waitingMs;
    // A tick of the clock may be between two that are compared.
    assert.ok(sum <= performance.now() - beganMs + 1, `${sum}`);
    const { ms, ...longest } = slowest[0]!;
    assert.ok(ms >= 100);
    assert.deepEqual(longest, { id: 1_001, name: 'long', index: undefined, count: 1, workerId: 1 });
    assert.ok(slowest.length <= 5);
    assert.ok(slowest.every((one, i) => i === 0 || one.ms <= slowest[i - 1]!.ms));
  });

  testPool('statistics: what is waiting, running, done', { context, workers: 1, name: 'numbers' }, async (pool) => {
    await pool.map((x: number) => x, range(10));
    await rejection(
      pool.apply(() => {
        throw new Error('no');
      }),
    );
    const stop = new AbortController();
    const running = pool.map(untilAborted, range(3), { signal: stop.signal, chunkSize: 1 });
    await eventually(() => pool.statistics().workers[0]?.tasks !== 0);
    const now = pool.statistics();
    assert.deepEqual([now.name, now.context, now.state], ['numbers', context, 'running']);
    assert.equal(now.waiting + now.running, 3);
    assert.deepEqual([now.succeeded, now.failed, now.lost, now.retried], [10, 1, 0, 0]);
    const [worker] = now.workers;
    assert.ok(worker !== undefined);
    assert.deepEqual([worker.id, worker.state, worker.finished], [1, 'ready', 11]);
    assert.ok(Number.isInteger(worker.pid));
    assert.ok(Object.isFrozen(now) && Object.isFrozen(now.workers) && Object.isFrozen(worker));
    stop.abort();
    await rejection(running);
    pool.close();
    assert.match(pool.statistics().state, /closing|ended/);
    await pool.join();
    assert.deepEqual([pool.statistics().state, pool.statistics().workers.length], ['ended', 0]);
  });

  testPool('events: workers come and go', { context, workers: 1 }, async (pool) => {
    const events: unknown[] = [];
    pool.on('workerStart', ({ id }) => events.push(['start', id]));
    pool.on('workerExit', ({ id, exitCode }) => events.push(['exit', id, exitCode]));
    await pool.apply(() => 1);
    await rejection(pool.apply(() => process.exit(6)));
    await pool.apply(() => 1);
    assert.deepEqual(events, [
      ['start', 1],
      ['exit', 1, 6],
      ['start', 2],
    ]);
  });

  testPool(
    'events: an error that no task caught is told, and its worker replaced (A26)',
    { context, workers: 1 },
    async (pool) => {
      const errors: Error[] = [];
      pool.on('workerError', (error) => errors.push(error));
      const first = await pool.apply(() => {
        setTimeout(() => {
          throw new RangeError('later');
        }, 5);
        return task().workerId;
      });
      await eventually(() => errors.length > 0);
      assert.ok(errors[0] instanceof RangeError);
      assert.doesNotMatch(String(errors[0].stack), /dist\/worker|src\/worker|node:internal/);
      await eventually(async () => (await pool.apply(() => task().workerId)) !== first);
    },
  );

  testPool('progress: a function is told, up to the end (V518)', { context, workers: 1 }, async (pool) => {
    for (const form of ['map', 'imap'] as const) {
      const seen: ProgressSnapshot[] = [];
      const options = { progress: (snapshot: ProgressSnapshot) => void seen.push(snapshot), name: 'squares' };
      if (form === 'map') await pool.map((x: number) => x * x, range(50), options);
      else for await (const _ of pool.imap((x: number) => x * x, range(50).toArray(), options)) continue;
      const last = seen.at(-1);
      assert.ok(last !== undefined);
      assert.deepEqual([last.label, last.done, last.total, last.failed, last.finished], ['squares', 50, 50, 0, true]);
    }
    const failed: ProgressSnapshot[] = [];
    const error = new Error('no');
    await rejection(
      pool.map(() => Promise.reject(error), [1, 2], { progress: (snapshot) => void failed.push(snapshot) }),
    );
    assert.deepEqual([failed.at(-1)?.finished, failed.at(-1)?.failed], [true, 2]);
  });

  testPool('progress: what a task tells reaches the pool', { context, workers: 1 }, async (pool) => {
    const told: unknown[] = [];
    pool.on('taskProgress', (progress) => told.push(progress));
    await pool.apply(
      async () => {
        task().progress(1, 4);
        await new Promise((resolve) => setTimeout(resolve, 20));
        task().progress(4, 4);
      },
      [],
      { name: 'render' },
    );
    await eventually(() => told.length >= 2);
    assert.equal(told.length, 2);
  });

  testPool('progress: of a task that floods the newest is told, now and then (H9)', { context }, async (pool) => {
    const flood = 1_000_000;
    const told: number[] = [];
    pool.on('taskProgress', ({ done }) => told.push(done));
    await pool.apply(
      (count: number) => {
        const self = task();
        for (let done = 1; done <= count; done++) self.progress(done, count);
      },
      [flood],
    );
    await eventually(() => told.at(-1) === flood);
    assert.ok(told.length < flood / 20, String(told.length));
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
  });

  testPool(
    'a result that prints and reports while it is read arrives whole',
    { context, workers: 1 },
    async (pool, t) => {
      const printed: string[] = [];
      t.mock.method(process.stderr, 'write', (text: string) => printed.push(text) > 0);
      const make = (length: number): object => {
        const self = task();
        return {
          before: 1,
          get printed() {
            console.error('read'.repeat(length));
            self.progress(1, 2);
            return length;
          },
          after: [2],
        };
      };
      const results = await pool.map(make, [1, 20_000, 2]);
      const failed = await rejection(
        pool.apply(() => ({
          get printed(): unknown {
            console.error('once more');
            throw new Error('not to be read');
          },
        })),
      );
      t.mock.restoreAll();
      assert.deepEqual(
        results,
        [1, 20_000, 2].map((printed) => ({ before: 1, printed, after: [2] })),
      );
      assert.match(failed.message, /not to be read/);
      const lines = printed.join('').split('\n');
      for (const line of ['read', 'read'.repeat(20_000), 'readread', 'once more'])
        assert.ok(lines.includes(line), line.slice(0, 20));
    },
  );

  testPool('task: number, attempt and worker (V496)', { context, workers: 2 }, async (pool) => {
    const seen = await pool.map(() => [task().id, task().attempt, task().workerId] as const, range(20));
    assert.deepEqual(
      seen.map(([id]) => id),
      range(1, 21).toArray(),
    );
    assert.ok(seen.every(([, attempt, worker]) => attempt === 1 && (worker === 1 || worker === 2)));
    assert.throws(() => task(), /outside of a task/);
  });

  testPool('task: numbers go on behind calls whose items were not counted', { context, workers: 2 }, async (pool) => {
    const id = (): number => task().id;
    function* three(): Generator<number> {
      yield* [1, 2, 3];
    }
    async function* asynchronously(): AsyncGenerator<number> {
      yield* three();
    }
    const seen: number[] = [];
    for await (const each of pool.imap(id, three())) seen.push(each);
    for await (const each of pool.imapUnordered(id, asynchronously())) seen.push(each);
    seen.push(...(await pool.map(id, asynchronously())), await pool.apply(id));
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      range(1, 11).toArray(),
    );
    const open = pool.imap(id, three());
    const later = await pool.apply(id);
    const numbers: number[] = [];
    for await (const each of open) numbers.push(each);
    assert.deepEqual(numbers, [11, 12, 13]);
    assert.ok(later > 13);
    assert.ok((await pool.apply(id)) > later, 'no number is given twice');
  });

  testPool('workers keep their state between tasks (V498)', { context, workers: 1 }, async (pool) => {
    const state = globalThis as { visits?: number };
    const visit = (): number => (state.visits = (state.visits ?? 0) + 1);
    assert.deepEqual([await pool.apply(visit), await pool.apply(visit), await pool.apply(visit)], [1, 2, 3]);
  });

  testPool('broadcast: once on each worker, with arguments', { context, workers: 3 }, async (pool) => {
    const seen = await pool.broadcast((a: number, b: number) => [task().workerId, a + b], [1, 2]);
    assert.deepEqual(
      seen.toSorted(([a = 0], [b = 0]) => a - b),
      [
        [1, 3],
        [2, 3],
        [3, 3],
      ],
    );
    const error = await rejection(
      pool.broadcast(() => {
        if (task().workerId === 2) throw new Error('second');
      }),
    );
    assert.equal(error.message, 'second');
  });
});
