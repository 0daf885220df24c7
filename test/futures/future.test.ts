import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { CancelledError, Future, InvalidStateError, TimeoutError } from 'manycore/futures';
import { RemoteError, WorkerLostError } from 'manycore';
import { eventually, rejection, testClean } from '../matrix.ts';
import { sleep, spin, square } from '../functions.ts';
import { eachExecutor, hasBegun, testExecutor } from './support.ts';

const boom = new RangeError('boom');

/** A future in each of the five states. */
function inEachState(): [pending: Future<string>, ...Future<string>[]] {
  const [pending, running, cancelled, raised, returned] = Array.from({ length: 5 }, () => new Future<string>()) as [
    Future<string>,
    Future<string>,
    Future<string>,
    Future<string>,
    Future<string>,
  ];
  running.setRunningOrNotifyCancel();
  cancelled.cancel();
  raised.setException(boom);
  returned.setResult('value');
  return [pending, running, cancelled, raised, returned];
}

testClean('future: callbacks get the future itself, once, whatever its end (M317)', {}, async () => {
  const told: [string, Future<number>][] = [];
  const make = (name: string): Future<number> => {
    const future = new Future<number>();
    future.addDoneCallback((done) => told.push([name, done]));
    return future;
  };
  const [value, failed, cancelled] = [make('value'), make('failed'), make('cancelled')];
  value.setResult(5);
  failed.setException(boom);
  cancelled.cancel();
  assert.deepEqual(
    told.map(([name]) => name),
    ['value', 'failed', 'cancelled'],
  );
  assert.ok(told[0]?.[1] === value && told[1]?.[1] === failed && told[2]?.[1] === cancelled);
  assert.equal(await value.result(), 5);
  assert.equal(await failed.exception(), boom);
  assert.ok(cancelled.cancelled());
});

testClean(
  'future: a callback that throws is reported, the others run, in the order of adding (M318)',
  { warnings: /exception calling callback for <Future state=finished returned number>: RangeError: boom/ },
  async () => {
    const future = new Future<number>();
    const told: number[] = [];
    future.addDoneCallback(() => told.push(1));
    future.addDoneCallback(() => {
      throw boom;
    });
    future.addDoneCallback(async () => {
      throw boom;
    });
    future.addDoneCallback(() => told.push(2));
    future.setResult(1);
    assert.deepEqual(told, [1, 2]);
    assert.equal(await future, 1);
  },
);

testClean(
  'future: a callback that is added late is called at once, and what it throws is reported too (M320)',
  { warnings: /exception calling callback/ },
  () => {
    const future = new Future<number>();
    future.setResult(1);
    let told = 0;
    future.addDoneCallback(() => told++);
    assert.equal(told, 1);
    future.addDoneCallback(() => {
      throw boom;
    });
    assert.throws(() => future.addDoneCallback('no function' as never), /Cannot use "no function" as the callback/);
  },
);

testClean('future: its text tells its state (M321)', {}, () => {
  assert.deepEqual(
    inEachState().map((future) => inspect(future)),
    ['pending', 'running', 'cancelled', 'finished raised RangeError', 'finished returned string'].map(
      (state) => `<Future state=${state}>`,
    ),
  );
  for (const [value, name] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [new Date(), 'Date'],
    [Object.create(null), 'object'],
    [[], 'Array'],
  ] as const) {
    const future = new Future<unknown>();
    future.setResult(value);
    assert.equal(inspect(future), `<Future state=finished returned ${name}>`);
  }
});

testClean('future: cancel, cancelled, done and running in each state (M322, M323, M324, M325)', {}, () => {
  const states = inEachState();
  const ask = (what: (future: Future<string>) => boolean): boolean[] => states.map(what);
  assert.deepEqual(
    ask((future) => future.cancelled()),
    [false, false, true, false, false],
  );
  assert.deepEqual(
    ask((future) => future.done()),
    [false, false, true, true, true],
  );
  assert.deepEqual(
    ask((future) => future.running()),
    [false, true, false, false, false],
  );
  assert.deepEqual(
    ask((future) => future.cancel()),
    [true, false, true, false, false],
  );
  assert.deepEqual(
    ask((future) => future.cancelled()),
    [true, false, true, false, false],
  );
});

testClean('future: result and exception without time to wait, in each state (M326, M327)', {}, async () => {
  const names = async (ask: (future: Future<string>) => Promise<unknown>): Promise<unknown[]> =>
    Promise.all(
      inEachState().map((future) => ask(future).catch((error: Error) => (error === boom ? 'boom' : error.name))),
    );
  assert.deepEqual(await names((future) => future.result({ timeout: 0 })), [
    'TimeoutError',
    'TimeoutError',
    'CancelledError',
    'boom',
    'value',
  ]);
  assert.deepEqual(await names((future) => future.exception({ timeout: 0 })), [
    'TimeoutError',
    'TimeoutError',
    'CancelledError',
    boom,
    undefined,
  ]);
  assert.throws(() => new Future().result({ timeouts: 1 } as object), /Did you mean "timeout"/);
});

testClean('future: who waits for one that is cancelled elsewhere hears of it (M329)', {}, async () => {
  const future = new Future<number>();
  const waits = [rejection(future), rejection(future.result({ timeout: 5_000 })), rejection(future.exception())];
  setImmediate(() => future.cancel());
  for (const error of await Promise.all(waits)) assert.ok(error instanceof CancelledError, error.name);
});

testClean('future: a second outcome is refused, the first stays (M330)', {}, async () => {
  const future = new Future<number>();
  future.setResult(1);
  const second = [
    ['setResult', () => future.setResult(2)],
    ['setException', () => future.setException(boom)],
  ] as const;
  for (const [method, call] of second)
    assert.throws(call, {
      name: 'InvalidStateError',
      message: `Cannot call ${method}: the outcome is set already, <Future state=finished returned number>.`,
    });
  assert.equal(await future, 1);
  const failed = new Future<number>();
  failed.setException(boom);
  assert.throws(() => failed.setException(new Error('second')), InvalidStateError);
  assert.equal(await failed.exception(), boom);
  const cancelled = new Future<number>();
  cancelled.cancel();
  assert.throws(() => cancelled.setResult(1), InvalidStateError);
});

testClean('future: setRunningOrNotifyCancel tells whether to run it (M331)', {}, () => {
  const [pending, running, cancelled, , returned] = inEachState();
  assert.equal(pending.setRunningOrNotifyCancel(), true);
  assert.equal(pending.running(), true);
  assert.equal(pending.cancel({ force: true }), false);
  assert.equal(cancelled!.setRunningOrNotifyCancel(), false);
  assert.throws(
    () => running!.setRunningOrNotifyCancel(),
    /Cannot call setRunningOrNotifyCancel: the future is running already\.$/,
  );
  assert.throws(() => returned!.setRunningOrNotifyCancel(), InvalidStateError);
});

testClean('future: it is a promise: awaited, raced, chained; and nobody has to look at a failed one', {}, async () => {
  const [, , cancelled, raised, returned] = inEachState();
  assert.ok(returned instanceof Promise && returned instanceof Future);
  assert.equal(await returned.then((text) => text.length), 5);
  assert.deepEqual(
    (await Promise.allSettled([cancelled, raised, returned])).map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
});

eachExecutor((make, context) => {
  testExecutor('future: errors that look like nothing are errors (M332)', make, { maxWorkers: 1 }, async (executor) => {
    for (const nothing of [undefined, null, 0, '', false]) {
      const error = await executor
        .submit((value: unknown) => {
          throw value;
        }, nothing)
        .exception();
      assert.ok(error instanceof RemoteError && error.value === nothing, inspect(error));
    }
    class Falsy extends Error {
      length = 0;
      override valueOf = (): boolean => false;
    }
    const future = executor.submit(() => {
      throw new Falsy('falsy');
    });
    assert.equal((await rejection(future)).message, 'falsy');
  });

  testExecutor(
    'future: of six calls on one worker one runs, the others can be cancelled and never run (M333)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const futures = Array.from({ length: 6 }, () => executor.submit(sleep, 200));
      await hasBegun(futures[0]!);
      assert.deepEqual(
        futures.map((future) => future.running()),
        [true, false, false, false, false, false],
      );
      assert.deepEqual(
        futures.map((future) => future.cancel()),
        [false, true, true, true, true, true],
      );
      assert.deepEqual(
        futures.map((future) => future.cancel()),
        [false, true, true, true, true, true],
      );
      assert.equal(await futures[0], 200);
      assert.equal(futures[0]!.running(), false);
      assert.equal(executor.statistics().succeeded, 1);
      assert.equal(await executor.submit(square, 3), 9);
      for (const future of futures.slice(1)) assert.ok((await rejection(future)) instanceof CancelledError);
    },
  );

  testExecutor(
    'future: cancel by force ends a busy loop at once, its worker is another one then, callbacks are told once (U465, U467, U468)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      await executor.submit(square, 1);
      const [before] = executor.statistics().workers;
      const future = executor.submit(spin);
      const told: boolean[] = [];
      future.addDoneCallback((done) => told.push(done.cancelled()));
      await hasBegun(future);
      assert.equal(future.cancel(), false);
      const startedMs = performance.now();
      assert.equal(future.cancel({ force: true }), true);
      assert.ok((await rejection(future)) instanceof CancelledError);
      assert.deepEqual([future.cancelled(), future.done(), future.running(), told], [true, true, false, [true]]);
      await eventually(() => executor.statistics().workers.every(({ id }) => id !== before?.id), 2_000);
      const endedMs = performance.now() - startedMs;
      assert.ok(endedMs < 500, `${endedMs} ms`);
      assert.equal(await executor.submit(square, 3), 9);
      assert.notEqual(executor.statistics().workers[0]?.id, before?.id);
    },
  );

  testExecutor(
    'future: cancel by force takes one that waits without ending a worker',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const first = executor.submit(sleep, 100);
      const second = executor.submit(sleep, 100);
      await hasBegun(first);
      assert.equal(second.cancel({ force: true }), true);
      assert.equal(await first, 100);
      assert.equal(first.cancel({ force: true }), false);
      assert.equal(executor.statistics().workers[0]?.id, 1);
    },
  );

  testExecutor(
    'future: cancelling while a large argument is on its way, the executor goes on (U480)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      await executor.submit(square, 1);
      const large = new Uint8Array(50_000_000);
      const futures = [0, 1, 2].map(() =>
        executor.submit((_: Uint8Array) => new Promise<void>(() => undefined), large),
      );
      await new Promise((resolve) => setImmediate(resolve));
      for (const future of futures) future.cancel({ force: true });
      for (const future of futures) assert.ok((await rejection(future)) instanceof CancelledError);
      assert.equal(await executor.submit(square, 3), 9);
    },
  );

  testExecutor(
    'future: the outcome of an executor is not for others to set',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const future = executor.submit(square, 3);
      assert.throws(() => future.setResult(5), InvalidStateError);
      assert.throws(() => future.setException(boom), InvalidStateError);
      assert.throws(() => future.setRunningOrNotifyCancel(), InvalidStateError);
      assert.equal(await future, 9);
    },
  );

  testExecutor(
    'future: a wait that ends early leaves the call running (M326)',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const future = executor.submit(sleep, 300);
      const error = await rejection(future.result({ timeout: 20 }));
      assert.ok(error instanceof TimeoutError);
      assert.match(String(error.stack), /future\.test/);
      assert.ok((await rejection(future.exception({ timeout: 0 }))) instanceof TimeoutError);
      assert.equal(await future, 300);
    },
  );

  testExecutor(
    'future: the loss of its worker is its error, and its text',
    make,
    { maxWorkers: 1 },
    async (executor) => {
      const future = executor.submit(() => process.exit(3));
      const error = await future.exception();
      assert.ok(error instanceof WorkerLostError);
      assert.equal(inspect(future), '<Future state=finished raised WorkerLostError>');
      assert.equal(context === 'process' ? error.exitCode : 3, 3);
    },
  );
});
