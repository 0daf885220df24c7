import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Pool, PoolBrokenError } from 'manycore';
import { partOf, scale } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { startHost } from './hosts.ts';
import { allUp, both, descendants, isAlive, processes, scenario, until } from './support.ts';

const program = fileURLToPath(new URL('./fixtures/host.js', import.meta.url));

scenario(
  'an initializer that always throws breaks the pool, and soon (D1)',
  {
    ended: true,
    initializer: () => {
      throw new RangeError('no database');
    },
  },
  async ({ pool, submit }) => {
    let starts = 0;
    pool.on('workerExit', () => starts++);
    const errors = await Promise.all([1, 2, 3].map((i) => submit((x) => x, [i]).error()));
    for (const error of errors) {
      assert.ok(error instanceof PoolBrokenError, error.stack);
      assert.match(error.message, /no database/);
    }
    await pool.join();
    assert.equal(pool.statistics().state, 'broken');
    assert.ok(starts <= 3 + 2, `${starts} starts`);
  },
);

const counter = join(tmpdir(), `faults-boots-${process.pid}`);
process.on('exit', () => rmSync(counter, { force: true }));
scenario(
  'an initializer that fails at one start of three: the pool works (D2)',
  {
    workers: 1,
    maxTasksPerChild: 1,
    initializer: () => {
      appendFileSync(counter, '.');
      if (statSync(counter).size % 3 === 0) throw new Error('the third start');
    },
  },
  async ({ submit }) => {
    for (let i = 0; i < 4; i++) assert.equal(await submit((x) => x, [i]).result, i);
  },
);

scenario(
  'an initializer that never returns: its worker is ended, the pool breaks (D3)',
  {
    ended: true,
    workers: 1,
    bootTimeout: 200,
    initializer: () => {
      for (;;);
    },
  },
  async ({ submit }) => {
    const error = await submit(() => 1, []).error();
    assert.ok(error instanceof PoolBrokenError, error.stack);
  },
);

scenario(
  'a promise of an initializer that is never settled (D3)',
  { ended: true, workers: 1, bootTimeout: 200, initializer: () => new Promise(() => {}) },
  async ({ submit }) => {
    assert.ok((await submit(() => 1, []).error()) instanceof PoolBrokenError);
  },
);

const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000));
scenario('terminate() during a slow start (D5)', { ended: true, initializer: slow }, async ({ pool, submit }) => {
  const { error } = submit(() => 1, []);
  await until('they start', () => pool.statistics().workers.length > 0);
  const startedMs = performance.now();
  await pool.terminate();
  assert.ok(performance.now() - startedMs < 900);
  assert.equal((await error())['code'], 'ERR_MANYCORE_POOL_TERMINATED');
});

scenario(
  'close() during a slow start finishes what was submitted (D5)',
  { ended: true, initializer: slow },
  async ({ pool, submit }) => {
    const results = Array.from({ length: 5 }, (_, i) => submit((x) => x, [i]).result);
    pool.close();
    assert.deepEqual(await Promise.all(results), [0, 1, 2, 3, 4]);
    await pool.join();
  },
);

scenario(
  'workers that die soon after each start: the pool slows down, then gives up (D7)',
  {
    ended: true,
    workers: 1,
    restart: { intensity: 6 },
    initializer: () => {
      setTimeout(() => process.exit(5), 1);
    },
  },
  async ({ pool, submit }) => {
    const exits: number[] = [];
    pool.on('workerExit', () => exits.push(performance.now()));
    const { error } = submit(() => new Promise(() => {}), [], { retries: 100 });
    const reason = await error();
    assert.ok(
      ['ERR_MANYCORE_POOL_BROKEN', 'ERR_MANYCORE_POISON_TASK'].includes(reason['code'] as string),
      reason.stack,
    );
    await pool.join().catch(() => until('it is broken', () => pool.statistics().state === 'broken'));
    assert.equal(exits.length, 7);
  },
);

for (const context of both) {
  test(
    `${context}: no main guard: the main program runs once, workers start no workers (D8)`,
    { timeout: 40_000 },
    async () => {
      const host = startHost(['main-guard', context]);
      const { code } = await host.ended;
      assert.equal(code, 0, host.errors());
      assert.equal(host.output(), 'main\nsquare 49\n');
    },
  );
}

test('process: the folder of the host is deleted while it runs (D11)', { timeout: 40_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const script = `process.chdir(${JSON.stringify(folder)}); require('fs').rmdirSync(${JSON.stringify(folder)});
    import(${JSON.stringify(import.meta.resolve('manycore'))}).then(async ({ Pool }) => {
      const pool = new Pool(1);
      console.log(await pool.apply((x) => x * 2, [21]).then(String, (e) => e.code));
      await pool.terminate();
    });`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(status, 0, stderr);
  // Node itself does not start in a folder that is gone: an error then, but no hang.
  assert.match(stdout, /^42$|^ERR_MANYCORE_POOL_BROKEN$/m);
});

test('process: Node is gone from where it was: the pool breaks and says why (D11)', { timeout: 40_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  const execPath = process.execPath;
  try {
    process.execPath = join(folder, 'gone');
    const pool = new Pool(1);
    await assert.rejects(
      pool.apply(() => 1),
      (error: Error) => error instanceof PoolBrokenError && /ENOENT/.test(error.message),
    );
    await pool.terminate();
  } finally {
    process.execPath = execPath;
    rmSync(folder, { recursive: true });
  }
  assert.deepEqual(descendants(), []);
});

const many = partOf(50, 12);
for (const context of both) {
  test(`${context}: ${many} of 50 pools at once (D12)`, { timeout: 50_000 * scale }, async () => {
    const pools = Array.from({ length: many }, () => new Pool(1, { context }));
    assert.deepEqual(
      await Promise.all(pools.map((pool, i) => pool.apply((x) => x, [i]))),
      pools.map((_, i) => i),
    );
    await Promise.all(pools.map((pool) => pool.terminate()));
    await until('nothing is left', () => descendants().length === 0, 1_000);
  });

  test(`${context}: pools in the processes of a cluster, and in threads (D12)`, { timeout: 50_000 }, async () => {
    const inCluster = `
      import cluster from 'node:cluster';
      import { once } from 'node:events';
      import { Pool } from 'manycore';
      if (cluster.isPrimary) {
        const all = [cluster.fork(), cluster.fork()];
        for (const [code] of await Promise.all(all.map((each) => once(each, 'exit')))) console.log(code);
      } else {
        const pool = new Pool(2, { context: '${context}' });
        console.log(String(await pool.map((x) => x * x, [1, 2, 3])));
        await pool.terminate();
        cluster.worker.disconnect();
      }`;
    assert.equal((await runScript(inCluster)).stdout, '1,4,9\n1,4,9\n0\n0\n');
    const inThreads = `
      import { once } from 'node:events';
      import { fileURLToPath } from 'node:url';
      import { isMainThread, Worker } from 'node:worker_threads';
      import { Pool } from 'manycore';
      if (isMainThread) {
        const all = [1, 2].map(() => new Worker(fileURLToPath(import.meta.url)));
        for (const [code] of await Promise.all(all.map((each) => once(each, 'exit')))) console.log(code);
      } else {
        const pool = new Pool(2, { context: '${context}' });
        console.log(String(await pool.map((x) => x * x, [1, 2, 3])));
        await pool.terminate();
      }`;
    assert.equal((await runScript(inThreads)).stdout, '1,4,9\n1,4,9\n0\n0\n');
  });
}

scenario(
  'a worker that is killed while it starts is replaced at once (D7)',
  { contexts: processes },
  async ({ pool }) => {
    await allUp(pool, 2);
    const pids = pool.statistics().workers.map(({ pid }) => pid!);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const ms = await until('they are gone', () => pids.every((pid) => !isAlive(pid))).then(() => allUp(pool, 2));
    assert.ok(ms < 5_000);
  },
);

for (const context of both) {
  test(
    `${context}: too few descriptors: an error that says so or the results, and no hang (K9)`,
    { timeout: 50_000 },
    () => {
      for (const descriptors of [40, 70, 100, 150]) {
        const { stdout, stderr, signal } = spawnSync(
          'sh',
          ['-c', `ulimit -n ${descriptors}; exec "${process.execPath}" "${program}" many ${context}`],
          { encoding: 'utf8', timeout: 20_000 },
        );
        assert.equal(signal, null, `${descriptors}: it hangs: ${stderr}`);
        assert.match(stdout + stderr, /sum 100|EMFILE|ERR_MANYCORE|EAGAIN/, `with ${descriptors}`);
      }
    },
  );
}

for (const [what, breaks, message] of [
  ['has a syntax error', (path: string) => writeFileSync(path, 'export const broken = ;'), /Unexpected token/],
  ['throws at its top level', (path: string) => writeFileSync(path, 'throw new Error("not today");'), /not today/],
  [
    'rejects at its top level',
    (path: string) => writeFileSync(path, 'await Promise.reject(new Error("later"));'),
    /later/,
  ],
  ['is gone', (path: string) => rmSync(path), /Cannot find module/],
  ['is CommonJS by now', (path: string) => writeFileSync(path, 'module.exports = 1;'), /module is not defined/],
] as const)
  scenario(
    `a module that ${what} when a worker loads it: an error that names it, and no respawns (D6)`,
    {},
    async ({ pool, submit }) => {
      await allUp(pool, 2);
      const before = pool.statistics().workers.map(({ id }) => id);
      const folder = mkdtempSync(join(tmpdir(), 'faults-module-'));
      const path = join(folder, 'changes.mjs');
      try {
        writeFileSync(path, 'export class Changes { value = 1; }');
        const { Changes } = (await import(pathToFileURL(path).href)) as { Changes: new () => object };
        breaks(path);
        for (let i = 0; i < 3; i++) {
          const error = await submit((changes) => changes, [new Changes()]).error();
          assert.match(error.message, message);
          assert.ok(`${error.message}\n${error.stack}`.includes('changes.mjs'), error.stack);
        }
        assert.deepEqual(
          pool.statistics().workers.map(({ id }) => id),
          before,
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
