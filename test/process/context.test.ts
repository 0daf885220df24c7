import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as mp from 'manycore';
import {
  ArgumentRangeError,
  type Connection,
  getAllStartMethods,
  getContext,
  getStartMethod,
  Pool,
  Process,
  ProcessStartError,
  ProcessStateError,
  setExecutable,
  ThreadPool,
} from 'manycore';
import { eachContext, testClean, type Context } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { answerOf, outcomeOf } from './support.ts';

// What a thread has once and for all: its first segment of shared memory, its bell.
new mp.Queue().close();

const root = fileURLToPath(new URL('../../..', import.meta.url));

testClean('context: all start methods, the default first (B55)', {}, () => {
  assert.deepEqual(getAllStartMethods(), ['process', 'thread']);
  getAllStartMethods().pop();
  assert.equal(getAllStartMethods().length, 2);
});

eachContext((context: Context) => {
  testClean('context: its Process and Pool are of its kind, which cannot be changed (B52)', {}, async () => {
    const bound = getContext(context);
    assert.equal(bound.getStartMethod(), context);
    assert.equal(bound.getContext(), bound);
    assert.equal(bound.getContext('spawn'), getContext('process'));
    assert.throws(() => bound.setStartMethod('thread'), ProcessStateError);
    assert.ok(bound.cpuCount() >= 1);
    bound.freezeSupport();
    const inThread = (): void =>
      console.log(JSON.stringify(process.getBuiltinModule('node:worker_threads').isMainThread));
    assert.equal(await answerOf(context, inThread, []), context === 'process');
    await using pool = new bound.Pool(1);
    assert.equal(
      await pool.apply(() => process.getBuiltinModule('node:worker_threads').isMainThread),
      context === 'process',
    );
    assert.ok(pool instanceof Pool);
  });

  testClean('context: it has what its processes share, and each of them works in one (B52)', {}, async () => {
    const ctx = getContext(context);
    const things = {
      queue: new ctx.Queue<number>(1),
      jobs: new ctx.JoinableQueue<number>(),
      simple: new ctx.SimpleQueue<number>(),
      lock: new ctx.Lock(),
      rLock: new ctx.RLock(),
      semaphore: new ctx.Semaphore(0),
      bounded: new ctx.BoundedSemaphore(1),
      condition: new ctx.Condition(),
      event: new ctx.Event(),
      barrier: new ctx.Barrier(2),
      value: new ctx.Value('i32', 1),
      array: new ctx.Array('f64', 1),
      rawValue: ctx.RawValue('i32', 2),
      rawArray: ctx.RawArray('i32', [3]),
    };
    await using manager = new ctx.Manager();
    const dict = manager.dict<string, number>();
    const [here, there] = ctx.Pipe<string>();
    const work = async (t: typeof things, end: Connection<string>, found: typeof dict): Promise<void> => {
      await t.barrier.wait();
      await t.lock.run(() => t.value.add(1));
      await t.rLock.run(() => t.array.set(0, 0.5));
      t.rawValue.value += 1;
      t.rawArray.array[0]! += 1;
      t.semaphore.release();
      await t.bounded.run(() => t.simple.put(5));
      await t.queue.put(await t.jobs.get());
      t.jobs.taskDone();
      await t.condition.run(() => t.condition.notifyAll());
      await end.send('sent');
      await found.set('set', 6);
      t.event.set();
    };
    await using p = new ctx.Process({ target: work, args: [things, there, dict] }).start();
    await things.jobs.put(7);
    await things.barrier.wait();
    assert.equal(await things.event.wait({ timeout: 10_000 }), true);
    const { value, array, rawValue, rawArray, semaphore, simple, queue, jobs } = things;
    assert.deepEqual([value.value, array.at(0), rawValue.value, rawArray.at(0)], [2, 0.5, 3, 4]);
    assert.deepEqual([semaphore.getValue(), await simple.get(), await queue.get()], [1, 5, 7]);
    assert.deepEqual([await jobs.join(), await here.recv(), await dict.get('set')], [true, 'sent', 6]);
    await p.join();
    assert.equal(p.exitCode, 0);
    assert.throws(() => Object.assign(ctx, { Queue: Array }), TypeError);
  });

  testClean("context: a child's default is what it is itself (B59)", {}, async () => {
    const report = async (): Promise<void> => {
      const inner = new Process();
      inner.start();
      await inner.join();
      console.log(JSON.stringify([getStartMethod(), inner.pid === process.pid, inner.exitCode]));
    };
    const answer = (await answerOf(context, report, [])) as unknown[];
    assert.deepEqual(answer, [context, false, 0]);
  });

  testClean('context: its Process can be subclassed, and is a Process (B60)', {}, async () => {
    const bound = getContext(context);
    class Job extends bound.Process {
      override run(): void {
        process.exit(this instanceof Process && this instanceof Job ? 0 : 1);
      }
    }
    const job = new Job();
    assert.ok(job instanceof Process && job instanceof bound.Process);
    job.start();
    await job.join();
    assert.equal(job.exitCode, 0);
    class Own extends bound.Pool {}
    await using pool = new Own(1);
    assert.ok(pool instanceof Pool && pool instanceof bound.Pool);
    assert.equal(pool instanceof ThreadPool, context === 'thread');
  });

  testClean(
    'context: a program without a guard starts a process at its top level: main runs once (B61)',
    {},
    async () => {
      const { stdout, code } = await runScript(
        `import { getContext } from 'manycore';
       console.log('main');
       const word = 'child';
       const p = new (getContext('${context}').Process)({ target: () => console.log(word) }).start();
       await p.join();
       console.log(p.exitCode);`,
      );
      assert.deepEqual([stdout, code], ['main\nchild\n0\n', 0]);
    },
  );

  testClean('context: the target may lie in any kind of main program (B62)', { limit: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'main-programs-'));
    try {
      mkdirSync(join(folder, 'node_modules'));
      symlinkSync(root, join(folder, 'node_modules', 'manycore'));
      const esm = `import { getContext } from 'manycore';
        const f = (x) => console.log('child', x * x);
        console.log('main');
        const p = new (getContext('${context}').Process)({ target: f, args: [3] });
        p.start(); await p.join(); console.log(p.exitCode);`;
      const cjs = `const { getContext } = require('manycore');
        function f(x) { console.log('child', x * x); }
        console.log('main');
        const p = new (getContext('${context}').Process)({ target: f, args: [3] });
        p.start(); p.join().then(() => console.log(p.exitCode));`;
      mkdirSync(join(folder, 'app'));
      writeFileSync(join(folder, 'package.json'), '{}');
      for (const [file, code] of [
        ['script.mjs', esm],
        ['script.cjs', cjs],
        ['without-suffix', cjs],
        ['app/index.js', cjs],
      ] as const)
        writeFileSync(join(folder, file), code);
      for (const run of [['script.mjs'], ['script.cjs'], ['without-suffix'], ['app'], ['./app']]) {
        const { stdout, stderr } = spawnSync(process.execPath, run, { cwd: folder, encoding: 'utf8', timeout: 30_000 });
        assert.deepEqual([stdout, stderr], ['main\nchild 9\n0\n', ''], run.join(' '));
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  testClean('context: the target may be typed in: -e, stdin, the REPL (B63)', { limit: 60_000 }, () => {
    const esm = `import { getContext } from 'manycore';
      const f = (x) => console.log('child', x * x);
      const p = new (getContext('${context}').Process)({ target: f, args: [3] });
      p.start(); await p.join(); console.log(p.exitCode);`;
    const repl = `const { getContext } = require('manycore');
const f = (x) => console.log('child', x * x);
const p = new (getContext('${context}').Process)({ target: f, args: [3] }); p.start(); await p.join(); console.log('code', p.exitCode);
`;
    for (const [args, input, expected] of [
      [['--input-type=module', '-e', esm], '', /^child 9\n0\n$/],
      [['--input-type=module', '-'], esm, /^child 9\n0\n$/],
      [['-i'], repl, /child 9\n[^]*code 0\n/],
    ] as const) {
      const { stdout } = spawnSync(process.execPath, args, { cwd: root, input, encoding: 'utf8', timeout: 30_000 });
      assert.match(stdout, expected);
    }
  });
});

testClean("context: Python's other words are refused with advice, nonsense is named (B53)", {}, () => {
  assert.throws(() => getContext('nonsense' as 'process'), ArgumentRangeError);
  assert.throws(() => getContext('nonsense' as 'process'), /"nonsense"/);
  for (const word of ['fork', 'forkserver']) assert.throws(() => getContext(word as 'process'), /Node cannot fork/);
  assert.throws(() => new Process({ context: 'fork' as 'process' }), ArgumentRangeError);
});

testClean(
  'context: the start method is set once, or with force; what uses the default fixes it (B54, B56, B57)',
  {},
  async () => {
    const { stdout, stderr } = await runScript(`
    import { freezeSupport, getContext, getStartMethod, Pool, Process, setStartMethod } from 'manycore';
    freezeSupport();
    const p = new (getContext('process').Process)({ target: () => 1 }).start();
    await p.join();
    console.log(getStartMethod({ allowNone: true }));
    setStartMethod('thread');
    try { setStartMethod('process'); } catch (error) { console.log(error.name); }
    const q = new Process({ target: () => console.log(process.pid) }).start();
    await q.join();
    console.log(q.pid === process.pid, getContext() === getContext('thread'));
    setStartMethod('spawn', { force: true });
    console.log(getStartMethod());
    setStartMethod(undefined, { force: true });
    console.log(getStartMethod({ allowNone: true }));
    new Process();
    console.log(getStartMethod({ allowNone: true }));
    console.log(process.pid);`);
    assert.equal(stderr, '');
    const lines = stdout.trim().split('\n');
    const pid = lines.pop();
    assert.deepEqual(lines, ['undefined', 'ProcessStateError', pid, 'false true', 'process', 'undefined', 'process']);
  },
);

testClean('context: a pool works in a child whose stdin is closed (B64)', {}, async () => {
  const { stdout, exitCode } = await outcomeOf(
    'process',
    async () => {
      closeSync(0);
      await using pool = new Pool(2);
      console.log(await pool.map((x: number) => x * x, [1, 2, 3]));
    },
    [],
  );
  assert.deepEqual([stdout, exitCode], ['[ 1, 4, 9 ]\n', 0]);
});

testClean('context: what the package exports is public: no name begins with _ (B66)', {}, () => {
  const names = Object.keys(mp);
  assert.deepEqual(
    names.filter((name) => name.startsWith('_')),
    [],
  );
  for (const context of getAllStartMethods()) {
    const bound = getContext(context);
    assert.deepEqual(
      Object.keys(bound).filter((name) => !names.includes(name)),
      [],
    );
    for (const name of Object.keys(bound).filter((of) => /^(?!Pool|Process)[A-Z]/.test(of)))
      assert.equal(Reflect.get(bound, name), Reflect.get(mp, name), name);
    assert.equal(Object.keys(bound).length, 28);
  }
  assert.equal(new mp.Value('i', 5).value + new mp.Array('d', [0.5]).at(0), 5.5);
});

testClean('process: setExecutable takes a path, bytes or a URL; a bad one fails start() (A48)', {}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'executable-'));
  const copy = join(folder, 'another node');
  try {
    copyFileSync(process.execPath, copy);
    for (const file of [copy, Buffer.from(copy), pathToFileURL(copy)]) {
      setExecutable(file);
      assert.equal(await answerOf('process', () => console.log(JSON.stringify(process.execPath)), []), copy);
    }
    setExecutable(join(folder, 'none'));
    assert.throws(() => new Process({ context: 'process' }).start(), ProcessStartError);
    assert.throws(() => new Process({ context: 'process' }).start(), /ENOENT.*none/);
    setExecutable(process.execPath);
    const p = new Process({ context: 'process', cwd: join(folder, 'none') });
    assert.throws(() => p.start(), /ENOENT/);
    mkdirSync(join(folder, 'none'));
    p.start();
    await p.join();
    assert.equal(p.exitCode, 0);
  } finally {
    setExecutable(process.execPath);
    rmSync(folder, { recursive: true });
  }
});
