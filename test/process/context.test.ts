import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as mp from 'manycore';
import {
  ArgumentRangeError,
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
    assert.equal(bound.Pool === (context === 'thread' ? ThreadPool : bound.Pool), true);
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
  for (const name of ['Process', 'Pool', 'getContext', 'currentProcess', 'activeChildren', 'parentProcess', 'cpuCount'])
    assert.ok(names.includes(name), name);
  assert.deepEqual(
    names.filter((name) => name.startsWith('_')),
    [],
  );
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
