import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WorkerLostError } from 'manycore';
import { eventually } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { hogs } from './fixtures/hogs.ts';
import { processes, scenario, until } from './support.ts';

for (const [what, fn] of Object.entries(hogs)) {
  scenario(
    `out of memory by ${what}: its worker is lost and the error says why (A23)`,
    { contexts: processes, env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' } },
    async ({ submit }) => {
      const before = process.memoryUsage.rss();
      const error = await submit(fn, []).error();
      assert.ok(error instanceof WorkerLostError, error.stack);
      assert.equal(error.oomHint, true, error.message);
      assert.match(error.message, /ran out of memory/);
      assert.ok(process.memoryUsage.rss() - before < 128e6, 'not in the host');
    },
  );
}

// The heaps of threads have their limits from the options of the program. V8 may end all of it: what is promised is that nothing hangs.
test('thread: out of memory in each of six ways: its worker is lost, or the program ends (L311, A23)', async (t) => {
  const program = `
    import { ThreadPool } from 'manycore';
    import { hogs } from ${JSON.stringify(new URL('./fixtures/hogs.js', import.meta.url).href)};
    const pool = new ThreadPool(2);
    const other = pool.apply(() => new Promise((resolve) => setTimeout(resolve, 100, 'unharmed')));
    const error = await pool.apply(hogs[process.argv[2]]).catch((reason) => reason);
    console.log(error.name, error.oomHint, /out of memory/.test(error.message), await other);
    console.log(await pool.apply((x) => x * x, [3]));
    await pool.terminate();`;
  for (const what of Object.keys(hogs)) {
    const options = { args: [what], execArgv: ['--max-old-space-size=64'], limit: 30_000 };
    const { code, signal, stdout, stderr } = await runScript(program, options);
    if (code === 0) assert.equal(stdout, 'WorkerLostError true true unharmed\n9\n', `${what}: ${stderr}`);
    else
      assert.ok(signal === 'SIGABRT' || signal === 'SIGTRAP' || code === 134, `${what}: ${code} ${signal}: ${stderr}`);
    t.diagnostic(`${what}: ${code === 0 ? 'its worker was lost' : 'the program has ended'}`);
  }
});

/** Node's types know nothing of WebAssembly. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** Memory beside the heap of V8, a little at a time, so that somebody can look. */
const greedy: [string, (bytes: number) => unknown][] = [
  [
    'buffers',
    (bytes) => {
      const all: Buffer[] = [];
      for (let taken = 0; taken < bytes; taken += 1_048_576) all.push(Buffer.alloc(1_048_576, 1));
      return all;
    },
  ],
  [
    'WebAssembly',
    (bytes) => {
      const page = 65_536;
      const { Memory } = Reflect.get(globalThis, 'WebAssembly') as { Memory: new (size: object) => WasmMemory };
      const memory = new Memory({ initial: 1 });
      for (let pages = 1; pages * page < bytes && pages < 65_000; pages += 16) {
        memory.grow(16);
        new Uint8Array(memory.buffer, pages * page).fill(1);
      }
      return memory;
    },
  ],
];
for (const [what, take] of greedy) {
  scenario(
    `a worker that holds too much memory in ${what} is replaced after its task, or ended (A24, L6)`,
    { contexts: processes, workers: 1, maxMemoryPerWorker: 300e6 },
    async ({ pool, submit }) => {
      await pool.apply(() => 0);
      const first = pool.statistics().workers[0]?.id;
      const kept = submit(
        (hold) => {
          Object.assign(globalThis, { kept: hold(350e6) });
          return 1;
        },
        [take],
      );
      assert.equal(await kept.result, 1);
      await until('it was replaced', () =>
        pool.statistics().workers.some(({ id, state }) => id !== first && state === 'ready'),
      );
      const error = await submit(
        (hold) => {
          const all: unknown[] = [];
          for (;;) {
            all.push(hold(50e6));
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
          }
        },
        [take],
      ).error();
      assert.ok(error instanceof WorkerLostError, error.stack);
      assert.match(
        error.message,
        /Its memory was \d+ MB, more than twice the limit \(maxMemoryPerWorker\) of 300 MB\./,
      );
      assert.ok(error.oomHint);
    },
  );
}

/** A group of processes that may have 300 MB together; undefined where none can be made. */
function smallGroup(): string | undefined {
  const base = '/sys/fs/cgroup';
  const [parent, limit] = existsSync(`${base}/memory`)
    ? [`${base}/memory`, 'memory.limit_in_bytes']
    : [base, 'memory.max'];
  const group = `${parent}/manycore-test-${process.pid}`;
  try {
    mkdirSync(group);
  } catch {
    return undefined;
  }
  try {
    writeFileSync(`${group}/${limit}`, '300M');
    for (const swap of ['memory.swap.max', 'memory.memsw.limit_in_bytes'])
      if (existsSync(`${group}/${swap}`)) writeFileSync(`${group}/${swap}`, swap === 'memory.swap.max' ? '0' : '300M');
    return group;
  } catch {
    rmdirSync(group);
    return undefined;
  }
}

test(
  'process: the kernel ends a worker for its memory: that task is lost, by SIGKILL, and the pool goes on (L311, A24)',
  { timeout: 60_000 },
  async (t) => {
    const group = smallGroup();
    if (group === undefined) return t.skip('no group of processes can be made here');
    const program = `
      import { Pool } from 'manycore';
      const pool = new Pool(1);
      const error = await pool
        .apply(() => {
          const all = [];
          for (;;) all.push(Buffer.alloc(5e6, 1));
        })
        .catch((reason) => reason);
      console.log(error.name, error.signal, error.phase, pool.statistics().lost, await pool.apply((x) => x, [42]));
      await pool.terminate();`;
    const inGroup = 'echo $$ > "$0/cgroup.procs" && exec "$1" --input-type=module -e "$2"';
    try {
      const { stdout, stderr } = spawnSync('sh', ['-c', inGroup, group, process.execPath, program], {
        encoding: 'utf8',
        cwd: fileURLToPath(new URL('../../..', import.meta.url)),
        timeout: 50_000,
      });
      assert.equal(stdout, 'WorkerLostError SIGKILL running 1 42\n', stderr);
    } finally {
      // Those in it may be on their way out still.
      await eventually(() => {
        try {
          rmdirSync(group);
        } catch {
          // Not yet.
        }
        return !existsSync(group);
      });
    }
  },
);
