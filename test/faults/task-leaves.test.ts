import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readSync } from 'node:fs';
import { createServer } from 'node:net';
import { Pool, task, WorkerLostError } from 'manycore';
import { isAlive, processes, scenario, until } from './support.ts';

const after: [string, () => unknown][] = [
  [
    'a timer that throws',
    () =>
      void setTimeout(() => {
        throw new Error('left behind');
      }, 30),
  ],
  ['a floating rejection', () => void Promise.reject(new Error('left behind'))],
  [
    'a microtask that throws',
    () => {
      queueMicrotask(() => {
        throw new Error('left behind');
      });
    },
  ],
  [
    'nextTick that throws',
    () => {
      process.nextTick(() => {
        throw new Error('left behind');
      });
    },
  ],
  [
    'an asynchronous task with a floating rejection',
    async () => {
      void Promise.reject(new Error('left behind'));
    },
  ],
];

for (const [what, fn] of after) {
  scenario(`${what} is reported, and the next task survives (A26)`, { workers: 1 }, async ({ pool, submit }) => {
    const errors: Error[] = [];
    pool.on('workerError', (error) => errors.push(error));
    const innocent: Promise<unknown>[] = [];
    await submit(fn, []).result;
    // Tasks of all kinds are under way while it happens.
    for (let i = 0; i < 20; i++) {
      innocent.push(submit(async () => new Promise((resolve) => setTimeout(() => resolve(1), 5)), []).result);
      innocent.push(submit(() => 1, []).result);
    }
    assert.deepEqual(await Promise.all(innocent), Array(40).fill(1));
    await until('it is reported', () => errors.length === 1);
    assert.equal(errors[0]?.message, 'left behind');
    await until('the worker was replaced', () => pool.statistics().workers.every(({ id }) => id === 2));
  });
}

scenario('a stream that is destroyed with an error after the task (A26)', { workers: 1 }, async ({ pool, submit }) => {
  const errors: Error[] = [];
  pool.on('workerError', (error) => errors.push(error));
  await submit(() => void createServer().emit('error', new Error('early')), []).error();
  await submit(() => void setImmediate(() => createServer().emit('error', new Error('late'))), []).result;
  await until('it is reported', () => errors.length === 1);
  assert.equal(await submit(() => 7, []).result, 7);
});

scenario(
  'without a listener the leftover error is a warning (A26)',
  { workers: 1, warns: true },
  async ({ submit, warnings }) => {
    await submit(
      () =>
        void setTimeout(() => {
          throw new Error('left behind');
        }, 5),
      [],
    ).result;
    await until('a warning', () => warnings().some((text) => text.includes('left behind')));
  },
);

scenario(
  'what a task leaves open harms no later task and ends with the pool (A27)',
  { workers: 1 },
  async ({ context, submit }) => {
    await submit(() => {
      setInterval(() => {}, 5);
      createServer().listen(0, '127.0.0.1');
    }, []).result;
    if (context === 'process') {
      const child = await submit(() => spawn('sleep', ['60'], { stdio: 'ignore' }).pid!, []).result;
      assert.ok(isAlive(child));
    }
    assert.equal(await submit(() => 1, []).result, 1);
  },
);

scenario('a task that pollutes its worker (A28)', { workers: 1 }, async ({ context, submit }) => {
  const wreck = submit(
    (isProcess) => {
      if (isProcess) process.chdir('/');
      process.env['MANYCORE_WRECKED'] = '1';
      Object.assign(Object.prototype, { p: 1 });
      Object.assign(Array.prototype, { q: 1 });
      const throws = (): never => {
        throw new Error('wrecked');
      };
      JSON.parse = JSON.stringify = throws;
      process.emitWarning = process.cwd = throws;
      (globalThis as { Promise: unknown }).Promise = class {};
      (globalThis as { setTimeout: unknown }).setTimeout = throws;
      return 'wrecked';
    },
    [context === 'process'],
  );
  assert.equal(await wreck.result, 'wrecked');
  assert.deepEqual(await submit((list) => list.map((x) => x * 2), [[1, 2, 3]]).result, [2, 4, 6]);
  assert.deepEqual(await submit(() => ({ a: [1n, new Date(0)] }), []).result, { a: [1n, new Date(0)] });
  const failed = submit(() => {
    throw new TypeError('still');
  }, []);
  assert.equal((await failed.error()).message, 'still');
  assert.equal(await submit(async (x) => x, [5]).result, 5);
  assert.equal(({} as { p?: unknown }).p, undefined);
  assert.equal(process.env['MANYCORE_WRECKED'], undefined);
});

scenario(
  'a task that replaces the methods of arrays loses its worker, not the pool (A28)',
  { workers: 1 },
  async ({ submit }) => {
    const error = await submit(() => {
      // oxlint-disable-next-line no-extend-native -- that is the case
      Array.prototype.push = Map.prototype.get = () => {
        throw new Error('wrecked');
      };
    }, []).error();
    assert.ok(error instanceof WorkerLostError);
    assert.match(error.message, /wrecked/);
    assert.deepEqual(await submit((list) => [...list, 1], [[0]]).result, [0, 1]);
  },
);

scenario(
  'a task that swallows SIGTERM and every error is ended all the same (A30)',
  { ended: true, contexts: processes },
  async ({ pool, submit }) => {
    await submit(() => {
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
      process.on('uncaughtException', () => {});
    }, []).result;
    const stuck = submit(() => new Promise(() => {}), []);
    await until('it runs', () => pool.statistics().running === 1);
    const startedMs = performance.now();
    await pool.terminate();
    assert.ok(performance.now() - startedMs < 2_000);
    await stuck.error();
  },
);

scenario(
  'a task that tells its progress without end fills nothing; a generator as its result is refused, and runs no further (A35)',
  { workers: 1 },
  async ({ pool, submit }) => {
    const before = process.memoryUsage.rss();
    let told = 0;
    pool.on('taskProgress', () => told++);
    const steps = 500_000;
    const count = submit(
      (total) => {
        for (let i = 1; i <= total; i++) task().progress(i, total);
        return total;
      },
      [steps],
    );
    assert.equal(await count.result, steps);
    assert.ok(told < steps / 20, `${told} reports`);
    const error = await submit(
      // The result would be taken piece by piece; it is returned as a whole.
      () =>
        (async function* () {
          for (let i = 0; i < 1_000_000; i++) {
            Object.assign(globalThis, { yielded: i });
            yield i;
          }
        })() as unknown,
      [],
    ).error();
    assert.match(error.message, /generator/);
    assert.equal(await submit(() => Reflect.get(globalThis, 'yielded') as unknown, []).result, undefined);
    assert.ok(process.memoryUsage.rss() - before < 200e6);
  },
);

scenario('stdin of a worker is at its end (A32)', {}, async ({ submit }) => {
  const text = await submit(async () => {
    let all = '';
    for await (const chunk of process.stdin) all += String(chunk);
    return all;
  }, []).result;
  assert.equal(text, '');
});

scenario('stdin read synchronously is at its end (A32)', { contexts: processes }, async ({ submit }) => {
  assert.equal(await submit(() => readSync(0, Buffer.alloc(1)), []).result, 0);
});

async function nest(depth: number, context: 'process' | 'thread'): Promise<number> {
  if (depth === 0) return 0;
  const pool = new Pool(1, { context });
  try {
    return 1 + (await pool.apply(nest, [depth - 1, context]));
  } finally {
    await pool.terminate();
  }
}

scenario(
  'pools in tasks of pools work to the limit, and no deeper (A33)',
  { workers: 1 },
  async ({ submit, context }) => {
    assert.equal(await submit(nest, [9, context]).result, 9);
    const error = await submit(nest, [10, context]).error();
    assert.equal(error['code'], 'ERR_MANYCORE_NESTING', error.stack);
  },
);
