import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Pool, PoisonTaskError, task, TaskTimeoutError, WorkerLostError, type PoolStatistics } from 'manycore';
import { runScript } from '../run-script.ts';
import { watchHost } from '../watch-host.ts';
import { allUp, both, descendants, descriptors, files, resources, until, type Context } from './support.ts';

/**
 * What must hold after every scenario, V1 to V12, each by itself after one in which everything happens. `scenario` in support.ts and
 * `testClean` in ../matrix.ts look at most of them after all others.
 */

const workers = 3;
const tasks = 150;
const rssBudget = 150e6;

interface Storm {
  /** How often each task was settled. */
  readonly settled: number[];
  readonly outcomes: PromiseSettledResult<number>[];
  /** Each start of a task: its number, attempt and worker. */
  readonly starts: string[];
  readonly seen: PoolStatistics[];
  readonly complaints: string[];
  readonly before: { readonly descriptors: number; readonly files: string[]; readonly resources: number };
  /** The workers that the system knows of, when all is quiet. */
  children: number;
  probeMs: number;
  closed: string;
  endMs: number;
  /** How much memory came on top. */
  rss: number;
}

/** Every tenth task ends its worker, throws, or hangs until its time is over; the others have a token of their number as their result. */
function run(i: number, log: string): number | Promise<never> {
  const { appendFileSync } = process.getBuiltinModule('node:fs');
  const { attempt, workerId } = task();
  appendFileSync(log, `${i} ${attempt} ${workerId}\n`);
  if (i % 10 === 3) process.exit(1);
  if (i % 10 === 5) throw new RangeError(`task ${i}`);
  if (i % 10 === 7) return new Promise<never>(() => {});
  const endMs = performance.now() + (i % 4);
  while (performance.now() < endMs);
  return i * 7 + 1;
}

async function storm(context: Context): Promise<Storm> {
  const log = join(tmpdir(), `faults-starts-${process.pid}-${context}`);
  const host = watchHost(undefined);
  const beforeAll = { descriptors: descriptors().length, files: files(), resources: resources().length };
  const rss = process.memoryUsage.rss();
  const pool = new Pool({ workers, context });
  const settled = new Array<number>(tasks).fill(0);
  const seen: PoolStatistics[] = [];
  const watching = setInterval(() => seen.push(pool.statistics()), 5);
  try {
    const results = settled.map((_, i) => {
      const count = (): void => void settled[i]!++;
      return pool.applyAsync(run, [i, log], { timeout: 200, grace: 0, callback: count, errorCallback: count });
    });
    // Some from outside, too.
    const kills = new Set<number>();
    const kill = (): void => {
      const busy = pool.statistics().workers.find(({ state, tasks: open }) => state === 'ready' && open > 0);
      if (context === 'thread' || busy?.pid === undefined || kills.size === 5 || kills.has(busy.id)) return;
      kills.add(busy.id);
      process.kill(busy.pid, 'SIGKILL');
    };
    for (const [i, result] of results.entries()) if (i % 30 === 0) void result.then(kill, kill);
    const outcomes = await Promise.allSettled(results);
    const probed = performance.now();
    assert.equal(await pool.apply((a, b) => a * b, [2, 21] as const, { retries: 2 }), 42);
    const probeMs = performance.now() - probed;
    await allUp(pool, workers);
    const expected = context === 'process' ? workers : 0;
    await until('those that were killed are gone', () => descendants().length <= expected, 1_000).catch(
      () => undefined,
    );
    const children = descendants().length;
    clearInterval(watching);
    const ending = performance.now();
    pool.close();
    let closed = '';
    try {
      void pool.apply(() => 0);
    } catch (error) {
      closed = (error as Error & { code: string }).code;
    }
    await pool.join();
    const endMs = performance.now() - ending;
    // Warnings and unhandled rejections are reported after the present tick.
    await nextTurn();
    return {
      settled,
      outcomes,
      starts: readFileSync(log, 'utf8').trimEnd().split('\n'),
      seen,
      complaints: host.complaints,
      before: beforeAll,
      children,
      probeMs,
      closed,
      endMs,
      rss: process.memoryUsage.rss() - rss,
    };
  } finally {
    clearInterval(watching);
    await pool.terminate();
    host.stop();
    rmSync(log, { force: true });
  }
}

for (const context of both) {
  describe(context, () => {
    let record: Storm;
    before(async () => void (record = await storm(context)), { timeout: 60_000 });

    test('invariants: each task is settled once (V1)', () => {
      assert.deepEqual(record.settled, new Array<number>(tasks).fill(1));
    });

    test('invariants: the pool answers in 5 s, and says at once when it is closed (V2)', () => {
      assert.ok(record.probeMs < 5_000, `${record.probeMs} ms`);
      assert.equal(record.closed, 'ERR_MANYCORE_POOL_CLOSED');
    });

    test('invariants: never too many workers, none busy without a task, and the system knows of as many (V3)', () => {
      assert.ok(record.seen.length > 10);
      for (const { workers: all, running } of record.seen) {
        assert.ok(all.filter(({ state }) => state === 'starting' || state === 'ready').length <= workers);
        assert.ok(running <= all.reduce((sum, each) => sum + each.tasks, 0));
      }
      assert.equal(record.children, context === 'process' ? workers : 0);
    });

    test('invariants: within a second of the end no process is left (V4)', async () => {
      await until('nobody is left', () => descendants().length === 0, 1_000);
    });

    test('invariants: as many descriptors as before (V5)', async () => {
      await until(
        () => descriptors().join(', '),
        () => descriptors().length <= record.before.descriptors,
      );
    });

    test('invariants: no file of ours in shared memory or the temporary folder (V6)', () => {
      assert.deepEqual(files(), record.before.files);
      assert.deepEqual(
        readdirSync(tmpdir()).filter((name) => name.startsWith(`manycore-${process.pid}`)),
        [],
      );
    });

    test('invariants: no uncaught error, unhandled rejection or warning in the host (V7)', () => {
      assert.deepEqual(record.complaints, []);
    });

    test('invariants: a program ends by itself, with 0, at once when its pool is closed (V8)', async () => {
      const program = `
        import { Pool } from 'manycore';
        const pool = new Pool(2, { context: '${context}' });
        const results = Array.from({ length: 20 }, (_, i) => pool.apply((n) => (n % 5 === 3 ? process.exit(1) : n), [i]));
        await Promise.allSettled(results);
        pool.close();
        await pool.join();
        process.on('exit', () => console.log(Math.round(performance.now() - closedMs)));
        const closedMs = performance.now();`;
      const { code, stdout, stderr } = await runScript(program);
      assert.deepEqual([code, stderr], [0, '']);
      assert.ok(Number(stdout) < 1_000, `${stdout} ms`);
    });

    test('invariants: each result is that of its task (V9)', () => {
      for (const [i, outcome] of record.outcomes.entries()) {
        if (outcome.status === 'fulfilled') {
          assert.equal(outcome.value, i * 7 + 1);
          continue;
        }
        // Who is unlucky loses its worker, or three of them as they were about to begin it, or its time on a busy machine.
        const reason = outcome.reason as Error;
        if ([WorkerLostError, PoisonTaskError, TaskTimeoutError].some((kind) => reason instanceof kind)) continue;
        assert.ok(i % 10 === 5 && reason instanceof RangeError && reason.message === `task ${i}`, String(reason));
      }
      const lost = record.outcomes.filter((outcome, i) => outcome.status === 'rejected' && i % 10 === 3);
      assert.equal(lost.length, tasks / 10);
    });

    test('invariants: nothing is begun twice that was not asked to be (V10)', () => {
      const begun = record.starts.map((line) => line.split(' ', 2).join(' '));
      assert.equal(new Set(begun).size, begun.length, 'a task began twice');
      for (const line of begun) assert.match(line, /^\d+ 1$/);
      // Who has a result has begun.
      record.outcomes.forEach((outcome, i) => {
        if (outcome.status === 'fulfilled') assert.ok(begun.includes(`${i} 1`));
      });
    });

    test('invariants: the memory of the host is within its budget (V11)', () => {
      assert.ok(record.rss < rssBudget, `${record.rss} bytes more`);
    });

    test('invariants: nothing ticks any more (V12)', async () => {
      await until(
        () => resources().join(', '),
        () => resources().length <= record.before.resources,
      );
    });
  });
}
