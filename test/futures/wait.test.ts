import assert from 'node:assert/strict';
import {
  ALL_COMPLETED,
  asCompleted,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  TimeoutError,
  wait,
} from 'manycore/futures';
import { collectGarbage, eventually, rejection, testClean } from '../matrix.ts';
import { sleep, square } from '../functions.ts';
import { collect, eachExecutor, hasBegun, testExecutor } from './support.ts';

function finished<T>(value: T): Future<T> {
  const future = new Future<T>();
  future.setResult(value);
  return future;
}

function failed(): Future<never> {
  const future = new Future<never>();
  future.setException(new RangeError('boom'));
  return future;
}

function cancelled(): Future<never> {
  const future = new Future<never>();
  future.cancel();
  return future;
}

function running(): Future<number> {
  const future = new Future<number>();
  future.setRunningOrNotifyCancel();
  return future;
}

testClean('wait: one that is given twice counts once (O359)', {}, async () => {
  const future = new Future<number>();
  setImmediate(() => future.setResult(1));
  const { done, notDone } = await wait([future, future]);
  assert.deepEqual([done.size, notDone.size], [1, 0]);
});

testClean('wait: for the first, some done already: at once, exactly those (O361, O362)', {}, async () => {
  const [one, two, open] = [finished(1), cancelled(), running()];
  const { done, notDone } = await wait([open, one, two], { returnWhen: FIRST_COMPLETED });
  assert.deepEqual([[...done], [...notDone]], [[one, two], [open]]);
  const pending = new Future<number>();
  const other = new Future<number>();
  const waiting = wait([pending, other], { returnWhen: 'firstCompleted' });
  pending.cancel();
  assert.deepEqual([...(await waiting).done], [pending], 'cancelled is done');
});

testClean(
  'wait: for the first error, one failed already: at once; a cancelled one is no error (O365)',
  {},
  async () => {
    const [error, open] = [failed(), running()];
    const { done, notDone } = await wait([open, error], { returnWhen: FIRST_EXCEPTION });
    assert.deepEqual([[...done], [...notDone]], [[error], [open]]);
    const late = await wait([running(), cancelled(), finished(1)], { returnWhen: FIRST_EXCEPTION, timeout: 20 });
    assert.deepEqual([late.done.size, late.notDone.size], [2, 1]);
  },
);

testClean('wait: a time limit is no error: what is done and what is not (O367)', {}, async () => {
  const [one, open] = [finished(1), running()];
  for (const timeout of [0, 20]) {
    const { done, notDone } = await wait([one, open], { timeout });
    assert.deepEqual([[...done], [...notDone]], [[one], [open]]);
  }
});

testClean('wait: for nothing returns at once (O368)', {}, async () => {
  for (const returnWhen of [ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION] as const) {
    const { done, notDone } = await wait([], { returnWhen });
    assert.deepEqual([done.size, notDone.size], [0, 0]);
  }
});

testClean('wait: an unknown condition and what is no future are refused (O369)', {}, () => {
  const message = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      assert.equal(
        (error as { code?: unknown }).code,
        error instanceof RangeError ? 'ERR_MANYCORE_ARGUMENT_RANGE' : 'ERR_MANYCORE_ARGUMENT_TYPE',
      );
      return (error as Error).message;
    }
    return 'nothing was thrown';
  };
  const conditions = "expected 'firstCompleted', 'firstException' or 'allCompleted'";
  assert.equal(
    message(() => wait([], { returnWhen: 'soon' as never })),
    `Cannot use returnWhen "soon": ${conditions}.`,
  );
  const future = finished(1);
  const noFuture = 'Cannot use a Promise as future 1 of wait: expected a Future.';
  assert.equal(
    message(() => wait([future, Promise.resolve(1) as never])),
    noFuture,
  );
  const noFutures = (shown: string, of: string): string =>
    `Cannot use ${shown} as the futures of ${of}: expected an iterable, such as an array.`;
  assert.equal(
    message(() => wait(future as never)),
    noFutures('a Promise', 'wait'),
  );
  assert.equal(
    message(() => asCompleted(5 as never)),
    noFutures('5', 'asCompleted'),
  );
  const byFuture = "Cannot use a Map as the futures of asCompleted: give it the Map's keys().";
  assert.equal(
    message(() => asCompleted(new Map([[future, 'url']]) as never)),
    byFuture,
  );
  assert.match(
    message(() => wait([], 5 as never)),
    /such as \{ timeout: 5_000 \} \(milliseconds\)\.$/,
  );
});

testClean('wait: a thousand times for the first leaves nothing in those that go on', {}, async () => {
  const open = running();
  for (let i = 0; i < 1_000; i++) await wait([open, finished(1)], { returnWhen: FIRST_COMPLETED });
  for (let i = 0; i < 100; i++) await wait([open], { timeout: 0 });
  let told = 0;
  open.addDoneCallback(() => told++);
  open.setResult(1);
  assert.equal(told, 1);
});

testClean('asCompleted: each once, finished ones first (O371)', {}, async () => {
  const [late, later, one, two, three] = [running(), running(), finished(1), failed(), cancelled()];
  setImmediate(() => {
    later.setResult(2);
    late.setResult(1);
  });
  const order = await collect(asCompleted([late, later, one, two, three, one, late]));
  assert.deepEqual(order, [one, two, three, later, late]);
});

testClean(
  'asCompleted: finished ones first, then TimeoutError, which says how many are open (O372, O375)',
  {},
  async () => {
    for (const timeout of [0, 30]) {
      const futures = [running(), finished(1), running(), finished(2)];
      const seen: Future<number>[] = [];
      const error = await rejection(
        (async () => {
          for await (const future of asCompleted(futures, { timeout })) seen.push(future);
        })(),
      );
      assert.ok(error instanceof TimeoutError);
      assert.equal(error.message, `2 (of 4) futures unfinished after ${timeout} ms.`);
      assert.deepEqual(seen, [futures[1], futures[3]]);
    }
    const iterator = asCompleted([running()], { timeout: 1 });
    await rejection(iterator.next());
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  },
);

testClean('asCompleted: several may wait, and leaving the loop ends them all', {}, async () => {
  const futures = [running(), running(), running()];
  const iterator = asCompleted(futures);
  const waits = [iterator.next(), iterator.next(), iterator.next()];
  futures[1]!.setResult(1);
  assert.equal((await waits[0])?.value, futures[1]);
  await iterator.return?.();
  assert.deepEqual(
    (await Promise.all(waits.slice(1))).map(({ done }) => done),
    [true, true],
  );
  futures[0]!.setResult(1);
});

testClean('asCompleted: a future that was yielded and dropped can be collected (O374)', {}, async () => {
  let futures: Future<object>[] | undefined = Array.from({ length: 3 }, () => finished({ large: true }));
  const open = new Future<object>();
  const refs = futures.map((future) => new WeakRef(future));
  const iterator = asCompleted([...futures, open]);
  futures = undefined;
  for (let i = 0; i < 3; i++) await iterator.next();
  await eventually(() => {
    collectGarbage();
    return refs.every((ref) => ref.deref() === undefined);
  });
  open.setResult({});
  assert.equal((await iterator.next()).value, open);
});

eachExecutor((make) => {
  testExecutor(
    'wait: for the first, for the first error, for all (O360, O363, O366)',
    make,
    { maxWorkers: 3 },
    async (executor) => {
      const fast = executor.submit(square, 3);
      const slow = executor.submit(sleep, 1_000);
      const first = await wait([slow, fast], { returnWhen: FIRST_COMPLETED });
      assert.deepEqual([[...first.done], [...first.notDone]], [[fast], [slow]]);

      const raises = executor.submit(() => {
        throw new RangeError('boom');
      });
      const error = await wait([fast, raises, slow], { returnWhen: FIRST_EXCEPTION });
      assert.deepEqual([[...error.done], [...error.notDone]], [[fast, raises], [slow]]);

      const all = await wait([fast, raises, slow, cancelled(), failed(), finished(1)], { returnWhen: ALL_COMPLETED });
      assert.deepEqual([all.done.size, all.notDone.size], [6, 0]);
    },
  );

  testExecutor('wait: no wake-up is lost among a hundred calls (O370)', make, { maxWorkers: 2 }, async (executor) => {
    for (let round = 0; round < 5; round++) {
      const futures = Array.from({ length: 100 }, (_, i) => executor.submit(square, i));
      const all = wait(futures);
      let open = new Set(futures);
      while (open.size > 0) open = (await wait(open, { returnWhen: FIRST_COMPLETED })).notDone;
      assert.equal((await all).done.size, 100);
    }
  });

  testExecutor(
    'asCompleted: a handler that shuts down and cancels while it goes on: all come, the cancelled ones as such (P386)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const futures = Array.from({ length: 15 }, () => executor.submit(sleep, 30));
      await hasBegun(futures[0]!);
      let cancelledOnes = 0;
      let seen = 0;
      for await (const future of asCompleted(futures)) {
        seen++;
        if (future.cancelled()) cancelledOnes++;
        else if (seen === 1) void executor.shutdown({ wait: false, cancelFutures: true });
      }
      assert.equal(seen, 15);
      assert.ok(cancelledOnes >= 10 && cancelledOnes < 15, `${cancelledOnes} cancelled`);
    },
  );
});
