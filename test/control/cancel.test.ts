import assert from 'node:assert/strict';
import { AbortError, NestingError, Pool, range, task } from 'manycore';
import { sleep, spin } from '../functions.ts';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

const workerId = (): number => task().workerId;

eachContext((context) => {
  testPool(
    'cancel: a busy loop is ended at once with a grace of 0, and its worker replaced (E4, U467)',
    { context, workers: 1 },
    async (pool) => {
      const ms: number[] = [];
      for (let i = 0; i < 5; i++) {
        const before = await pool.apply(workerId);
        const stop = new AbortController();
        const ended = new Promise<number>((resolve) => pool.once('workerExit', () => resolve(performance.now())));
        const result = pool.apply(spin, [60_000], { signal: stop.signal, grace: 0 });
        await eventually(() => pool.statistics().running === 1);
        await sleep(20);
        const started = performance.now();
        stop.abort();
        assert.ok((await rejection(result)) instanceof AbortError);
        ms.push((await ended) - started);
        assert.notEqual(await pool.apply(workerId), before);
      }
      const median = ms.toSorted((a, b) => a - b)[2]!;
      // 50 ms on a machine of one's own.
      assert.ok(median < 500, `${median} ms`);
    },
  );

  testPool(
    'cancel: calls that wait, that run, that are done, and from a callback of their own (E4)',
    { context, workers: 1 },
    async (pool) => {
      const stop = new AbortController();
      const { signal } = stop;
      const told: string[] = [];
      const done = await pool.apply(() => 'done', [], { signal });
      const running = pool.applyAsync(sleep, [60_000], {
        signal,
        grace: 0,
        errorCallback: (error) => {
          told.push(error.name);
          stop.abort();
        },
      });
      const waiting = range(50)
        .toArray()
        .map((i) => pool.apply((x: number) => x, [i], { signal }));
      const other = pool.apply((x: number) => x, [7]);
      await eventually(() => pool.statistics().running >= 1);
      stop.abort(new Error('why'));
      for (const result of [running, ...waiting]) {
        const error = await rejection(result);
        assert.ok(error instanceof AbortError && (error.cause as Error).message === 'why');
      }
      assert.deepEqual([done, told, await other], ['done', ['AbortError'], 7]);
      assert.ok((await rejection(pool.apply(workerId, [], { signal }))) instanceof AbortError);
    },
  );

  testPool(
    'cancel: ten thousand calls at once (E4)',
    { context, workers: 2, test: { limit: 60_000 } },
    async (pool) => {
      const controllers = Array.from({ length: 10_000 }, () => new AbortController());
      let told = 0;
      const results = controllers.map(({ signal }, i) =>
        pool.applyAsync((x: number) => x, [i], { signal, errorCallback: () => told++ }),
      );
      const outcomes = Promise.allSettled(results);
      const started = performance.now();
      for (const controller of controllers) controller.abort();
      const aborted = (await outcomes).filter(({ status }) => status === 'rejected').length;
      assert.ok(performance.now() - started < 10_000);
      assert.equal(told, aborted);
      assert.ok(aborted > 9_000, `${aborted} aborted`);
      assert.equal(await pool.apply((x: number) => x, [7]), 7);
    },
  );

  testPool(
    'cancel: while large arguments are being written (E5, U480)',
    { context, workers: 2, test: { limit: 60_000 } },
    async (pool) => {
      await pool.broadcast(() => 0);
      const stop = new AbortController();
      const large = new Uint8Array(30 * 2 ** 20);
      const results = Array.from({ length: 6 }, () =>
        pool.apply((bytes: Uint8Array) => bytes.length, [large], { signal: stop.signal, grace: 0 }),
      );
      setImmediate(() => stop.abort());
      for (const result of await Promise.allSettled(results))
        assert.ok(result.status === 'fulfilled' || result.reason instanceof AbortError);
      assert.equal(await pool.apply((bytes: Uint8Array) => bytes.length, [new Uint8Array(9)]), 9);
    },
  );

  testPool(
    'turns: a second map does not wait for the whole of the first, nor single calls for either',
    { context, workers: 1 },
    async (pool) => {
      await pool.apply(workerId);
      const order: string[] = [];
      const note = (name: string) => () => void order.push(name);
      const first = pool.mapAsync(spin, new Array<number>(60).fill(10), { chunkSize: 1, callback: note('first') });
      const second = pool.mapAsync(spin, [10, 10, 10], { chunkSize: 1, callback: note('second') });
      const single = pool.applyAsync(spin, [10], { callback: note('single') });
      await Promise.all([first, second, single]);
      assert.deepEqual(order, ['single', 'second', 'first']);
    },
  );

  testPool(
    'priority: a steady stream of high priority does not starve a low one for ever',
    { context, workers: 1 },
    async (pool) => {
      const stream = { going: true };
      const low = pool.applyAsync(() => 'low', [], { priority: -5, callback: () => (stream.going = false) });
      const submit = async (): Promise<void> => {
        while (stream.going) await pool.apply(spin, [2], { priority: 5 });
      };
      await Promise.all([low, submit(), submit(), submit()]);
      assert.equal(await low, 'low');
    },
  );
});

testClean(
  'nesting: a task of a pool without workers that waits for its own pool is told, not stuck (S450, A34)',
  {},
  async () => {
    await using pool = new Pool({ workers: 0 });
    const error = await rejection(pool.apply(() => pool.apply(() => 1)));
    assert.ok(error instanceof NestingError);
    assert.match(error.message, /own pool/);
    // Another pool's task may wait for it, and so may what a task leaves behind.
    await using other = new Pool({ workers: 0 });
    assert.equal(await other.apply(() => pool.apply(() => 2)), 2);
    const later = await pool.apply(() => ({ then: undefined, run: () => pool.apply(() => 3) }));
    assert.equal(await later.run(), 3);
  },
);
