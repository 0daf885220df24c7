import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BlockingError,
  CancelledError,
  Future,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
  type Executor,
} from 'manycore/futures';
import { eachContext, testClean } from '../matrix.ts';

const square = (x: number): number => x * x;
const patience = { timeout: 15_000 };

eachContext((context) => {
  const make = (workers: number): Executor =>
    context === 'process' ? new ProcessPoolExecutor(workers) : new ThreadPoolExecutor(workers);

  testClean('blocking: Future.resultSync', {}, async () => {
    await using executor = make(2);
    const future = executor.submit(square, 7);
    assert.equal(future.resultSync(patience), 49);
    assert.equal(future.resultSync(), 49);
    assert.equal(await future, 49);
    const failed = executor.submit(() => {
      throw new RangeError('no');
    });
    assert.throws(() => failed.resultSync(patience), RangeError);
    const slow = executor.submit(sleep, 200, 'slow');
    assert.throws(() => slow.resultSync({ timeout: 10 }), TimeoutError);
    assert.equal(slow.resultSync(patience), 'slow');
    const cancelled = [0, 1, 2, 3, 4, 5, 6, 7].map(() => executor.submit(sleep, 50)).at(-1)!;
    assert.equal(cancelled.cancel(), true);
    assert.throws(() => cancelled.resultSync(), CancelledError);
  });

  testClean('blocking: done callbacks are called meanwhile, and cannot block', {}, async () => {
    await using executor = make(1);
    const seen: unknown[] = [];
    const future = executor.submit(square, 2);
    future.addDoneCallback((done) => {
      seen.push(done.resultSync());
      try {
        executor.submit(square, 3).resultSync();
      } catch (error) {
        seen.push((error as Error).name);
      }
    });
    assert.equal(executor.submit(square, 4).resultSync(patience), 16);
    assert.deepEqual(seen, [4, 'BlockingError']);
  });

  testClean('blocking: Executor.mapSync', {}, async () => {
    await using executor = make(2);
    assert.deepEqual(executor.mapSync(square, [1, 2, 3]), [1, 4, 9]);
    assert.deepEqual(executor.mapSync(Math.pow, new Set([2, 3]), [8, 2, 9]), [256, 9]);
    assert.deepEqual(executor.mapSync(square, []), []);
    assert.deepEqual(executor.with({ retries: 1 }).mapSync(square, [5], { chunkSize: 1, name: 'five' }), [25]);
    const odd = (x: number): number => {
      if (x % 2 === 1) throw new RangeError(`odd ${x}`);
      return x;
    };
    assert.throws(() => executor.mapSync(odd, [2, 3, 4], { timeout: 15_000 }), /odd 3/);
    // What has not begun is dropped.
    assert.throws(
      () => executor.mapSync(sleep, Array<number>(1_000).fill(60), { timeout: 50, chunkSize: 1 }),
      TimeoutError,
    );
    assert.deepEqual(executor.mapSync(square, [6], patience), [36]);
    async function* none(): AsyncGenerator<number> {}
    assert.throws(() => executor.mapSync(square, none() as never), BlockingError);
    assert.throws(() => executor.mapSync(square, [1], { timeOut: 1 } as object), TypeError);
  });
});

testClean('blocking: a future that nobody can settle', {}, () => {
  const future = new Future<number>();
  assert.throws(() => future.resultSync(), BlockingError);
  future.setResult(1);
  assert.equal(future.resultSync(), 1);
});
