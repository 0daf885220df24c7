import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool, WorkerLostError } from 'manycore';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';
import { runScript, withoutKoffi } from '../run-script.ts';

const items = Array.from({ length: 80 }, (_, i) => i);

/** Its fourth item leaves an error behind, for which its worker is replaced. */
async function forgetful(x: number): Promise<number> {
  if (x === 3) void Promise.reject(new Error('left behind'));
  await new Promise((resolve) => setTimeout(resolve, 1));
  return x;
}

/** The same, and no asynchronous function before it has run. */
function promising(x: number): Promise<number> {
  if (x === 3) void Promise.reject(new Error('left behind'));
  return new Promise((resolve) => setTimeout(() => resolve(x), 1));
}

function check(outcomes: readonly PromiseSettledResult<number>[]): void {
  for (const [i, outcome] of outcomes.entries())
    if (i === 3) assert.equal(outcome.status === 'rejected' && outcome.reason.message.split('\n')[0], 'left behind');
    else assert.deepEqual(outcome, { status: 'fulfilled', value: i });
  assert.equal(outcomes.length, items.length);
}

eachContext((context) => {
  testPool(
    'a worker that has stopped runs the chunk that it has begun (A26)',
    { context, workers: 2 },
    async (pool) => {
      check(await pool.mapSettled(forgetful, items, { chunkSize: 40 }));
    },
  );

  testPool(
    'a worker that has stopped runs the tasks that began together (A26)',
    { context, workers: 1 },
    async (pool) => {
      // So that many begin at once.
      await pool.map(
        (x: number) => x,
        Array.from({ length: 5_000 }, (_, i) => i),
      );
      check(await pool.mapSettled(promising, items));
    },
  );

  testPool('what only a worker that has stopped may do is lost (A26)', { context, workers: 1 }, async (pool) => {
    pool.on('workerError', () => undefined);
    // Its callbacks belong to a task that is over.
    await pool.apply(() => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', () => {
        throw new Error('left behind');
      });
      port1.start();
      Object.assign(globalThis, { port2 });
    });
    const folder = mkdtempSync(join(tmpdir(), 'stopped-'));
    const first = pool.apply(
      async (signal: string) => {
        const { existsSync: isThere } = process.getBuiltinModule('node:fs');
        while (!isThere(signal)) await new Promise((resolve) => setTimeout(resolve, 2));
        const { port2 } = globalThis as unknown as { port2: { postMessage(value: unknown): void; close(): void } };
        await new Promise((resolve) => {
          process.once('uncaughtException', () => setTimeout(resolve, 50));
          port2.postMessage('now');
        });
        port2.close();
        return 'done';
      },
      [join(folder, 'go')],
    );
    await eventually(() => pool.statistics().running === 1);
    const all = pool.broadcast(() => 'all');
    const next = pool.apply(() => 'next');
    writeFileSync(join(folder, 'go'), '');
    assert.equal(await first, 'done');
    const error = await rejection(all);
    assert.ok(error instanceof WorkerLostError && error.phase === 'dispatch');
    assert.equal(await next, 'next');
    rmSync(folder, { recursive: true });
  });

  testClean('a worker that has stopped is closed, not killed: its finalizer runs (A26, V501)', {}, async () => {
    const pool = new Pool(1, { context, finalizer: () => 'finalized' });
    const stopped = new Promise((resolve) => pool.on('workerError', resolve));
    const signals: (string | null)[] = [];
    pool.on('workerExit', ({ signal }) => signals.push(signal));
    const leave = async (x: number): Promise<number> => {
      if (x === 0)
        setTimeout(() => {
          throw new Error('left behind');
        }, 5);
      await new Promise((resolve) => setTimeout(resolve, x === 1 ? 50 : 0));
      return x;
    };
    assert.deepEqual(await pool.map(leave, [0, 1, 2, 3], { chunkSize: 2 }), [0, 1, 2, 3]);
    await stopped;
    pool.close();
    await pool.join();
    assert.deepEqual(signals, [null, null]);
    assert.deepEqual(pool.finalizerResults(), ['finalized', 'finalized']);
  });
});

testClean('a worker that has stopped, without koffi: what it has not begun is done by others (A26)', {}, async () => {
  const { stdout, stderr, code } = await runScript(`
    ${withoutKoffi}
    const { Pool } = await import('manycore');
    const pool = new Pool(2);
    pool.on('workerError', () => {});
    const leave = async (x) => {
      if (x === 0) setTimeout(() => { throw new Error('left behind'); }, 5);
      await new Promise((resolve) => setTimeout(resolve, x === 1 ? 50 : 0));
      return x;
    };
    console.log(...await pool.map(leave, [0, 1, 2, 3, 4, 5, 6, 7], { chunkSize: 2 }));
    await pool.terminate();`);
  assert.equal(stderr, '');
  assert.equal(stdout, '0 1 2 3 4 5 6 7\n');
  assert.equal(code, 0);
});
