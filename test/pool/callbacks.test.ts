import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TaskTimeoutError, WorkerLostError } from 'manycore';
import { contexts, eachContext, eventually, rejection, testPool } from '../matrix.ts';
import { runScript } from '../run-script.ts';

const square = (x: number): number => x * x;

/** Notes what callbacks are given. */
function recorder(): { calls: unknown[][]; callback: (value: unknown) => void; errorCallback: (error: Error) => void } {
  const calls: unknown[][] = [];
  return {
    calls,
    callback: (value) => calls.push(['value', value]),
    errorCallback: (error) => calls.push(['error', error]),
  };
}

eachContext((context) => {
  testPool('callbacks: a result, once (J248)', { context, workers: 1 }, async (pool) => {
    const { calls, ...callbacks } = recorder();
    await pool.applyAsync(square, [3], callbacks);
    await pool.mapAsync(square, [1, 2, 3], callbacks);
    await pool.starmapAsync(square, [[4]], callbacks);
    await pool.map(square, [5], callbacks);
    assert.deepEqual(calls, [
      ['value', 9],
      ['value', [1, 4, 9]],
      ['value', [16]],
      ['value', [25]],
    ]);
  });

  testPool('callbacks: an error, once, of the call that failed (J248, U464)', { context, workers: 1 }, async (pool) => {
    const { calls, ...callbacks } = recorder();
    const odd = (x: number): number => {
      if (x % 2 === 1) throw new RangeError(`odd ${x}`);
      return x;
    };
    const error = await rejection(pool.mapAsync(odd, [0, 1, 2, 3, 4], callbacks));
    assert.deepEqual(calls, [['error', error]]);
    const single = await rejection(pool.applyAsync(odd, [1], callbacks));
    assert.deepEqual(calls[1], ['error', single]);
    const late = await rejection(pool.applyAsync(() => new Promise(() => {}), [], { timeout: 50, ...callbacks }));
    assert.ok(late instanceof TaskTimeoutError);
    assert.deepEqual(calls[2], ['error', late]);
    assert.equal(calls.length, 3);
  });

  testPool('callbacks: an empty input gives an empty list (J249)', { context, workers: 1 }, async (pool) => {
    const { calls, ...callbacks } = recorder();
    await pool.mapAsync(square, [], callbacks);
    await pool.starmapAsync(square, [], callbacks);
    assert.deepEqual(calls, [
      ['value', []],
      ['value', []],
    ]);
  });

  testPool('callbacks: what cannot be sent is told as well', { context, workers: 1 }, async (pool) => {
    const { calls, ...callbacks } = recorder();
    const error = await rejection(pool.applyAsync((x: unknown) => x, [new WeakMap()], callbacks));
    await eventually(() => calls.length > 0);
    assert.deepEqual(calls, [['error', error]]);
  });

  testPool('callbacks: a callback is called before the promise is settled', { context, workers: 1 }, async (pool) => {
    const order: string[] = [];
    const result = pool.applyAsync(square, [3], {
      callback: () => {
        order.push('callback');
      },
    });
    await result.then(() => order.push('then'));
    assert.deepEqual(order, ['callback', 'then']);
  });

  testPool('callbacks: a callback may call the pool (J267)', { context, workers: 1 }, async (pool) => {
    const inner: Promise<number>[] = [];
    await pool.applyAsync(square, [2], { callback: (value) => void inner.push(pool.apply(square, [value])) });
    assert.deepEqual(await Promise.all(inner), [16]);
    await rejection(
      pool.applyAsync(
        () => {
          throw new Error('no');
        },
        [],
        { errorCallback: () => void inner.push(pool.apply(square, [5])) },
      ),
    );
    assert.deepEqual(await Promise.all(inner), [16, 25]);
  });

  testPool(
    'callbacks: a call from a callback that ends its worker fails alone (J268)',
    { context, workers: 2 },
    async (pool) => {
      let inner: Promise<unknown> | undefined;
      const outer = await pool.mapAsync(square, [1, 2, 3], {
        callback: () => {
          inner = pool.apply(() => process.exit(3));
          inner.catch(() => undefined);
        },
      });
      assert.deepEqual(outer, [1, 4, 9]);
      assert.ok(inner !== undefined);
      assert.ok((await rejection(inner)) instanceof WorkerLostError);
      assert.deepEqual(await pool.map(square, [4]), [16]);
    },
  );

  testPool('callbacks: terminate inside a callback does not deadlock (U476)', { context, workers: 2 }, async (pool) => {
    let ended: Promise<void> | undefined;
    await pool.applyAsync(square, [2], { callback: () => void (ended = pool.terminate()) });
    await ended;
    assert.equal(pool.statistics().state, 'ended');
  });
});

for (const context of contexts) {
  test(`callbacks: one that throws is uncaught, and the pool goes on, ${context} (J266)`, async () => {
    const { code, stdout, stderr } = await runScript(
      `import { Pool } from 'manycore';
       process.on('uncaughtException', (error) => console.log('uncaught', error.message));
       const pool = new Pool(1, { context: '${context}' });
       console.log(await pool.applyAsync((x) => x, [1], { callback: () => { throw new Error('callback'); } }));
       await pool.applyAsync(() => { throw new Error('task'); }, [], { errorCallback: () => { throw new Error('errorCallback'); } }).catch((e) => console.log(e.message));
       console.log(await pool.map((x) => x * x, [2]));
       await pool.terminate();`,
    );
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.trim().split('\n');
    assert.deepEqual(
      lines.toSorted(),
      ['1', '[ 4 ]', 'task', 'uncaught callback', 'uncaught errorCallback'].toSorted(),
    );
  });

  test(`events: a listener that throws harms neither worker nor pool (${context})`, { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await runScript(
      `import { Pool, task } from 'manycore';
       process.on('uncaughtException', (error) => console.log('uncaught', error.message));
       const pool = new Pool(1, { context: '${context}', maxTasksPerChild: 2 });
       for (const event of ['workerStart', 'workerExit', 'taskProgress']) pool.on(event, () => { throw new Error(event); });
       const report = () => { task().progress(1, 2); return 'told'; };
       console.log(await pool.apply(report), await pool.apply(report));
       await pool.terminate();
       setTimeout(() => console.log(pool.statistics().workers.length), 50);`,
    );
    assert.deepEqual([code, stderr], [0, '']);
    const lines = new Set(stdout.trim().split('\n'));
    for (const line of ['told told', '0', 'uncaught workerStart', 'uncaught workerExit', 'uncaught taskProgress'])
      assert.ok(lines.has(line), `${line} in ${stdout}`);
  });
}
