import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const runnerUrl = new URL('./runner.js', import.meta.url).href;
const compiled = fileURLToPath(new URL('./programs/', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const source = join(root, 'test/closure/programs/');

const expected = {
  named: 10,
  arrow: 10,
  written: 2,
  imported: 102,
  reference: 101,
  statics: 9,
  instance: [16, true],
  class: 4,
  private: 7,
  builtin: ['function', 'function'],
  hidden: 8,
  syntax: 6,
  back: true,
  place: true,
};

async function node(args: readonly string[], kind: string, input = ''): Promise<string> {
  const env = { ...process.env, RUNNER: runnerUrl, KIND: kind };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, args, { cwd: root, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`));
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}

const snippet = `
  const { createRunner } = await import(process.env.RUNNER);
  let k = 3; k++;
  class Hidden { #x = 1; get() { return this.#x + k; } }
  const hidden = new Hidden();
  const runner = createRunner(process.env.KIND);
  console.log(await runner.run((x) => x * k, 2), await runner.run(() => hidden.get()));
  await runner.close();`;

for (const flag of ['--frozen-intrinsics', '--disallow-code-generation-from-strings', '--enable-source-maps']) {
  for (const kind of ['thread', 'process']) {
    test(`with ${flag}, in a ${kind}`, async () => {
      const program = `
        import { Pool } from 'manycore';
        let k = 3; k++;
        const pool = new Pool(1, { context: process.env.KIND });
        console.log(JSON.stringify(await pool.map((x) => x * k, [1, 2])));
        await pool.apply(() => { throw new RangeError('in the task'); }).catch((error) => console.log(error.name, error.message));
        await pool.terminate();`;
      const output = await node([flag, '--input-type=module', '-e', program], kind);
      assert.equal(output, '[4,8]\nRangeError in the task\n');
    });
  }
}

for (const kind of ['thread', 'process']) {
  test(`compiled, in a ${kind}`, async () => {
    assert.deepEqual(JSON.parse(await node([join(compiled, 'program.js')], kind)), expected);
  });

  test(`by tsx, in a ${kind}`, async () => {
    assert.deepEqual(JSON.parse(await node(['--import', 'tsx', join(source, 'program.ts')], kind)), expected);
  });

  test(`queues, locks, managers and the like by tsx, in a ${kind}`, async () => {
    const program = join(source, 'everything.ts');
    assert.deepEqual(JSON.parse(await node(['--import', 'tsx', program], kind)), [7, 2, 1, 3, [0, 1, 2, 3], 9]);
  });

  test(
    `by type stripping, in a ${kind}`,
    { skip: !Reflect.get(process.features, 'typescript') && 'this version of Node has none' },
    async () => {
      assert.deepEqual(JSON.parse(await node([join(source, 'program.ts')], kind)), expected);
    },
  );

  test(`in one minified file, in a ${kind} (K15)`, async () => {
    const { build } = await import('esbuild');
    const folder = mkdtempSync(join(root, 'build/bundle-'));
    try {
      const outfile = join(folder, 'program.mjs');
      await build({
        entryPoints: [join(source, 'program.ts')],
        bundle: true,
        minify: true,
        platform: 'node',
        format: 'esm',
        outfile,
      });
      assert.deepEqual(JSON.parse(await node([outfile], kind)), { ...expected, place: true });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test(`in a file beside which another version of manycore is installed: refused, both named, in a ${kind} (H11)`, async () => {
    const { build } = await import('esbuild');
    const folder = mkdtempSync(join(tmpdir(), 'manycore-bundle-'));
    try {
      const installed = join(folder, 'node_modules/manycore');
      mkdirSync(join(installed, 'dist/worker'), { recursive: true });
      writeFileSync(join(installed, 'package.json'), '{ "name": "manycore", "version": "99.1.2" }');
      writeFileSync(join(installed, `dist/worker/entry-${kind}.cjs`), 'throw new Error("It was run.");');
      await build({
        stdin: {
          contents: `
            import { Pool } from ${JSON.stringify(join(root, 'dist/index.js'))};
            const pool = new Pool({ context: '${kind}', workers: 1 });
            const { message, cause } = await pool.apply(Math.max, [1]).catch((error) => error);
            console.log(message, cause?.message);
            await pool.terminate();`,
          resolveDir: root,
        },
        bundle: true,
        platform: 'node',
        format: 'esm',
        external: ['koffi'],
        logLevel: 'silent',
        outfile: join(folder, 'program.mjs'),
      });
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
      const said = await node([join(folder, 'program.mjs')], kind);
      assert.ok(said.includes(`bundled with manycore ${version}, and beside it manycore 99.1.2`), said);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test(`a program that a module imports does not run in a ${kind}`, async () => {
    const lines = (await node([join(compiled, 'imported-main.js')], kind)).trim().split('\n');
    assert.equal(lines.length, 3);
    assert.deepEqual(lines.slice(0, 2), ['main runs', '2']);
    assert.match(lines[2]!, /^"fromMain" of the main program .* was used in a worker/);
  });

  test(`from standard input, in a ${kind}`, async () => {
    assert.equal((await node(['-'], kind, `(async () => {${snippet}})()`)).trim(), '8 5');
  });
}

test('from the command line', async () => {
  assert.equal((await node(['-e', `(async () => {${snippet}})()`], 'thread')).trim(), '8 5');
});

const lines = [
  'const { Pool } = require("manycore"), pool = new Pool(1, { context: process.env.KIND })',
  'var k = 3; implicit = 10',
  'var own = 0; function first() { return ++own }',
  'function add(x) { return x + k }',
  'function second() { return ++own }',
  'const times = (x) => { k++; return add(x) * implicit }',
  'const told = async (task) => console.log(JSON.stringify(await pool.apply(task)))',
];
const tasks: ReadonlyArray<readonly [task: string, output: string]> = [
  ['() => [add(1), times(1)]', '[4,50]'],
  ['() => [first(), second()]', '[1,2]'],
  // The variable of one line that functions of two others share.
  ['() => { k = 20; return times(1) }', '220'],
  ['() => [path.sep, require("node:os").EOL, typeof setTimeout, typeof missing]', '["/","\\n","function","undefined"]'],
  ['async () => (await import("./package.json", { with: { type: "json" } })).default.name', '"manycore"'],
];

for (const kind of ['thread', 'process']) {
  test(`what a program without a file declares at its top goes along to a ${kind}`, async () => {
    const calls = tasks.map(([task]) => `await told(${task});`).join(' ');
    const output = await node(
      ['-e', [...lines, `(async () => { ${calls} await pool.terminate() })()`].join(';\n'), 'package.json'],
      kind,
    );
    assert.deepEqual(
      output.trim().split('\n'),
      tasks.map(([, expectedOutput]) => expectedOutput),
    );
  });

  test(`what one line of the REPL declares, the functions of others use in a ${kind}`, async () => {
    const calls = tasks.map(([task]) => `await told(${task})`);
    // A line is typed when the prompt is there: the REPL would go on with the next one during an await.
    const typed = [...lines, ...calls, 'k = 30', calls[0]!, 'await pool.terminate()', '.exit'];
    const child = spawn(process.execPath, ['-i'], { cwd: root, env: { ...process.env, KIND: kind } });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk);
      if (output.endsWith('> ') && typed.length > 0) child.stdin.write(`${typed.shift()!}\n`);
    });
    await once(child, 'close');
    const said = output.split('\n').map((line) => line.replace(/^> /, ''));
    for (const [, expectedOutput] of [...tasks, ['', '[31,320]'] as const]) {
      assert.ok(said.includes(expectedOutput), `${expectedOutput} is not in:\n${output}`);
    }
  });
}

test('without the inspector', async () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const text = await node(
    [
      flag,
      '--allow-fs-read=*',
      '--no-warnings',
      '--input-type=module',
      '-e',
      `
      import { createReader } from '${new URL('../../../dist/closure/capture.js', import.meta.url).href}';
      import { capture } from '${new URL('../../../dist/closure/explicit.js', import.meta.url).href}';
      const reader = createReader({ toward: 'worker' });
      const k = 2;
      const tell = (fn) => { try { return reader.formOf(fn).form; } catch (error) { return error.message; } };
      console.log(JSON.stringify([tell((x) => x * 2), tell(Math.max), tell(capture((x) => x * k, { captured: { k } })), tell((x) => x * k)]));`,
    ],
    'thread',
  );
  const [pure, native, given, closed] = JSON.parse(text) as string[];
  assert.deepEqual([pure, native, given], ['parts', 'reference', 'parts']);
  assert.match(closed!, /needs Node's inspector .* use capture\(fn, \{ captured \}\)/);
});
