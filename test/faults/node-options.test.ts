import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startCommand, type Host } from './hosts.ts';
import { both, descendants, until, type Context } from './support.ts';

const limit = { timeout: 50_000 };
const folder = mkdtempSync(join(tmpdir(), 'faults-options-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const manycore = JSON.stringify(import.meta.resolve('manycore'));
const program = (context: Context): string =>
  file(
    `${context}.mjs`,
    `import { Pool } from ${manycore};
    console.log('main');
    const factor = Number('7');
    const pool = new Pool(2, { context: '${context}' });
    console.log('square', await pool.apply((x) => x * factor, [7]).catch((error) => error.message));
    console.log('without variables', await pool.apply((x) => x * x, [7]));
    await pool.terminate();`,
  );
const output = 'main\nsquare 49\nwithout variables 49\n';

function start(context: Context, options: readonly string[], env: NodeJS.ProcessEnv = {}): Host {
  const assigned = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // It is no test of this runner.
  return startCommand('env', ['-u', 'NODE_TEST_CONTEXT', ...assigned, process.execPath, ...options, program(context)]);
}

async function endOf(host: Host): Promise<{ readonly code: number | null; readonly errors: string }> {
  const { code } = await host.ended;
  await until('nobody is left', () => descendants().length === 0, 1_000);
  return { code, errors: host.errors() };
}

// What makes a pool itself would multiply for ever if workers got it.
const pool = (context: Context): string =>
  `.then(async ({ Pool }) => {
    const pool = new Pool(1, { context: '${context}' });
    console.log('preload', await pool.apply((x) => x, [1]));
    await pool.terminate();
  })`;

for (const context of both) {
  const imported = pathToFileURL(file(`${context}-imported.mjs`, `await import(${manycore})${pool(context)};`)).href;
  const required = file(`${context}-required.cjs`, `void import(${manycore})${pool(context)};`);
  const loader = pathToFileURL(
    file(
      `${context}-loader.mjs`,
      `import { writeSync } from 'node:fs';
      writeSync(1, 'preload 1\\n');
      export const resolve = (specifier, context, next) => next(specifier, context);`,
    ),
  ).href;
  const preloads: [string, readonly string[], NodeJS.ProcessEnv?][] = [
    ['--import', ['--import', imported]],
    ['-r', ['-r', required]],
    ['--require in NODE_OPTIONS', [], { NODE_OPTIONS: `--require=${required}` }],
    ['--import in NODE_OPTIONS', [], { NODE_OPTIONS: `--import=${imported}` }],
    ['--loader', ['--no-warnings', '--loader', loader]],
  ];
  for (const [shown, options, env] of preloads)
    test(`${context}: what ${shown} loads is for the program, its workers do without (D9)`, limit, async () => {
      const host = start(context, options, env);
      const { code, errors } = await endOf(host);
      assert.equal(code, 0, errors);
      const [before = '', ...rest] = host.output().split('preload 1\n');
      assert.equal(rest.length, 1, host.output());
      assert.equal(before + rest.join(''), output);
    });

  test(`${context}: a program whose inspector has a port: its workers do not ask for it (D9)`, limit, async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const host = start(context, [`--inspect=127.0.0.1:${port}`]);
    const { code, errors } = await endOf(host);
    assert.equal(code, 0, errors);
    assert.equal(host.output(), output);
    assert.equal(errors.split('Debugger listening').length, 2, errors);
    assert.doesNotMatch(errors, /address already in use/);
  });

  test(`${context}: a program that Node runs as a test, or watches (D9)`, limit, async () => {
    const tested = start(context, ['--test', '--test-reporter=tap']);
    const { code, errors } = await endOf(tested);
    assert.equal(code, 0, errors);
    assert.match(tested.output(), /^# tests 1$[^]*^# pass 1$/m);
    assert.equal(tested.output().split('square 49').length, 2, tested.output());
    const watched = start(context, ['--no-warnings', '--watch']);
    await watched.line('without variables 49');
    await watched.line('Completed running');
    watched.child.kill('SIGTERM');
    await endOf(watched);
    assert.ok(
      watched
        .output()
        .replace(/^Completed running.*\n/m, '')
        .startsWith(output),
      watched.output(),
    );
  });

  for (const options of [
    ['--max-old-space-size=200'],
    ['--stack-trace-limit=50'],
    ['--enable-source-maps'],
    ['--disallow-code-generation-from-strings'],
    ['--disable-proto=delete'],
    ['--frozen-intrinsics', '--no-warnings'],
  ])
    test(`${context}: a program with ${options[0]} (D9, K12)`, limit, async () => {
      const host = start(context, options);
      const { code, errors } = await endOf(host);
      assert.deepEqual([host.output(), code, errors], [output, 0, '']);
    });

  test(`${context}: a program that Node lets do some things only (K12)`, limit, async () => {
    const known = process.allowedNodeEnvironmentFlags;
    const permissions = ['--allow-child-process', '--allow-worker', '--allow-addons', '--allow-inspector'];
    const host = start(context, [
      known.has('--permission') ? '--permission' : '--experimental-permission',
      '--no-warnings',
      '--allow-fs-read=*',
      '--allow-fs-write=*',
      ...permissions.filter((flag) => known.has(flag)),
    ]);
    const { code, errors } = await endOf(host);
    assert.equal(code, 0, errors);
    const [main, square, without] = host.output().split('\n');
    assert.deepEqual([main, without], ['main', 'without variables 49']);
    // Variables are read by the inspector, which older versions let nobody have then.
    if (known.has('--allow-inspector')) assert.equal(square, 'square 49');
    else assert.match(square!, /square (?:49|.*needs Node's inspector)/);
  });
}
