import assert from 'node:assert/strict';
import { execSync, spawn } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { task, TaskTimeoutError, WorkerLostError } from 'manycore';
import { runScript } from '../run-script.ts';
import { allUp, descendants, isAlive, processes, scenario, threads, until } from './support.ts';

for (const [shown, exit, code] of [
  ['process.exit(0)', () => process.exit(0), 0],
  ['process.exit(1)', () => process.exit(1), 1],
  ['process.reallyExit(0)', () => (process as unknown as { reallyExit(code: number): never }).reallyExit(0), 0],
] as const) {
  scenario(`${shown} in a task loses that task only (A16)`, {}, async ({ submit }) => {
    const error = await submit(() => void exit(), []).error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    assert.equal(error.exitCode, code);
    assert.equal(error.phase, 'running');
  });
}

scenario('process.exit in an asynchronous task, after an await (A16)', {}, async ({ submit }) => {
  const error = await submit(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.exit(3);
  }, []).error();
  assert.ok(error instanceof WorkerLostError);
  assert.equal(error.exitCode, 3);
});

scenario('process.exitCode and a throw: the throw counts (A16)', {}, async ({ submit }) => {
  const error = await submit(() => {
    process.exitCode = 3;
    throw new RangeError('thrown');
  }, []).error();
  assert.ok(error instanceof RangeError);
});

for (const signal of ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGKILL'] as const) {
  scenario(
    `a task that ends its process by ${signal} loses itself only (A17${signal === 'SIGKILL' ? ', A18' : ''})`,
    { contexts: processes },
    async ({ submit }) => {
      const other = submit(() => new Promise((resolve) => setTimeout(() => resolve('unharmed'), 200)), []);
      const error = await submit(
        (name) => {
          if (name === 'SIGABRT') process.abort();
          process.kill(process.pid, name);
          for (;;);
        },
        [signal],
      ).error();
      assert.ok(error instanceof WorkerLostError);
      assert.equal(error.signal, signal);
      assert.equal(await other.result, 'unharmed');
    },
  );
}

test('thread: a task that kills its process ends the program, workers and all: that is the limit of threads (A18)', async () => {
  const { signal, stdout } = await runScript(`
    import { ThreadPool } from 'manycore';
    const pool = new ThreadPool(2);
    await pool.broadcast(() => 0);
    console.log('works');
    await pool.apply(() => process.kill(process.pid, 'SIGKILL'));
    console.log('never');`);
  assert.deepEqual([signal, stdout], ['SIGKILL', 'works\n']);
});

const endless: [string, string, () => unknown][] = [
  [
    'a busy loop',
    'A19',
    () => {
      for (;;);
    },
  ],
  ['a promise that is never settled', 'A20', () => new Promise(() => {})],
  ['a regular expression that backtracks for ever', 'A22', () => /^(a+)+$/.test(`${'a'.repeat(60)}!`)],
];

for (const [what, number, fn] of endless) {
  scenario(`${what} ends at its timeout (${number})`, {}, async ({ pool, submit }) => {
    await pool.apply(() => 0);
    const startedMs = performance.now();
    const error = await submit(fn, [], { timeout: 300, grace: 0 }).error();
    const ms = performance.now() - startedMs;
    assert.ok(error instanceof TaskTimeoutError, error.stack);
    assert.ok(ms >= 299 && ms < 3_000, `it took ${ms} ms`);
    await allUp(pool, 2);
  });
}

scenario('terminate() rejects a task that never ends, at once (A20)', { ended: true }, async ({ pool, submit }) => {
  const { error } = submit(() => new Promise(() => {}), []);
  await until('it runs', () => pool.statistics().running === 1);
  pool.close();
  const startedMs = performance.now();
  const ended = pool.terminate();
  assert.equal((await error())['code'], 'ERR_MANYCORE_POOL_TERMINATED');
  await ended;
  assert.ok(performance.now() - startedMs < 2_000);
});

const blocked: [string, () => unknown][] = [
  ["execSync('sleep 60')", () => execSync('sleep 60')],
  ['Atomics.wait', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)],
  ['spawnSync of a shell with children', () => execSync('sleep 60 & sleep 60 & wait')],
];

for (const [what, fn] of blocked) {
  scenario(
    `blocked in ${what}: the process and what it started are ended (A21)`,
    { contexts: processes },
    async ({ pool, submit }) => {
      await pool.apply(() => 0);
      const startedMs = performance.now();
      const error = await submit(fn, [], { timeout: 300, grace: 0 }).error();
      assert.ok(error instanceof TaskTimeoutError);
      assert.ok(performance.now() - startedMs < 3_000);
      await allUp(pool, 2);
      await until('only the workers are left', () => descendants().length === 2, 1_000);
    },
  );
}

scenario('blocked in pbkdf2Sync: the task fails on time, on a thread too (A21)', {}, async ({ pool, submit }) => {
  await pool.apply(() => 0);
  const startedMs = performance.now();
  // About a second and a half: a thread ends only when the call returns.
  const error = await submit(() => pbkdf2Sync('x', 'y', 2_000_000, 64, 'sha512'), [], { timeout: 300 }).error();
  assert.ok(error instanceof TaskTimeoutError);
  assert.ok(performance.now() - startedMs < 1_200, `it took ${performance.now() - startedMs} ms`);
});

scenario('blocked in Atomics.wait: a thread is ended too (A21)', { contexts: threads }, async ({ submit }) => {
  const error = await submit(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), [], {
    timeout: 300,
  }).error();
  assert.ok(error instanceof TaskTimeoutError);
});

scenario('a task that learns of its end by its signal (E1)', { workers: 1 }, async ({ pool }) => {
  const stop = new AbortController();
  const result = pool.applyAsync(
    () => new Promise((resolve) => task().signal.addEventListener('abort', () => resolve('heeded'))),
    [],
    { signal: stop.signal },
  );
  await until('it runs', () => pool.statistics().running === 1);
  stop.abort();
  await assert.rejects(result, { name: 'AbortError' });
});

scenario(
  'what a task has started ends with it when it is ended for its time (E10)',
  { contexts: processes, workers: 1 },
  async ({ pool, submit }) => {
    let grandchild = 0;
    pool.on('taskProgress', ({ done }) => (grandchild = done));
    const hung = submit(
      () => {
        const { pid } = spawn('sleep', ['60'], { stdio: 'ignore' });
        task().progress(pid!);
        return new Promise(() => {});
      },
      [],
      { timeout: 300, grace: 0 },
    );
    const error = await hung.error();
    assert.ok(error instanceof TaskTimeoutError, error.stack);
    assert.ok(grandchild > 0);
    await until('the grandchild is gone', () => !isAlive(grandchild), 5_000);
  },
);

for (const days of [30, -30])
  scenario(
    `a clock that jumps by ${days} days makes nothing early and nothing late (E8)`,
    { workers: 1 },
    async ({ submit, pool }) => {
      const jump = (by: number): void => {
        const { now } = Date;
        Object.assign(Date, { now: () => now() + by * 86_400_000, jumpedFrom: now });
      };
      await pool.apply(jump, [days]);
      const patient = submit(() => new Promise((resolve) => setTimeout(resolve, 100, 'in time')), [], {
        timeout: 20_000,
      });
      const { now } = Date;
      try {
        jump(days);
        assert.equal(await patient.result, 'in time');
        const startedMs = performance.now();
        const error = await submit(() => new Promise(() => {}), [], { timeout: 100, grace: 0 }).error();
        assert.ok(error instanceof TaskTimeoutError, error.stack);
        const ms = performance.now() - startedMs;
        assert.ok(ms > 90 && ms < 10_000, `${ms} ms`);
      } finally {
        Object.assign(Date, { now });
        Reflect.deleteProperty(Date, 'jumpedFrom');
      }
    },
  );
