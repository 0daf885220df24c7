import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { contexts } from '../matrix.ts';
import { runScript, withoutKoffi } from '../run-script.ts';

for (const context of contexts) {
  test(`blocking (${context}): a synchronous program, which the event loop never serves`, async () => {
    const { code, stdout, stderr } = await runScript(`
      import { Pool, range } from 'manycore';
      const pool = new Pool(2, { context: '${context}' });
      const squares = pool.mapSync((x) => { if (x === 0) console.log('printed by a task'); return x * x; }, range(10));
      let sum = 0;
      for (let i = 0; i < 100; i++) sum += pool.applySync((x) => x, [i]);
      console.log(squares.join(), sum);
      pool.close();`);
    assert.equal(stderr, '');
    assert.equal(stdout, 'printed by a task\n0,1,4,9,16,25,36,49,64,81 4950\n');
    assert.equal(code, 0);
  });

  test(`blocking (${context}): a program that exits right after`, async () => {
    const { code, stdout } = await runScript(`
      import { Pool } from 'manycore';
      const pool = new Pool(2, { context: '${context}' });
      console.log(pool.mapSync((x) => x + 1, [1, 2]).join());
      process.exit(5);`);
    assert.deepEqual([code, stdout], [5, '2,3\n']);
  });

  test(`blocking (${context}): in an exit listener it ends`, async () => {
    const { code, stdout } = await runScript(`
      import { Pool } from 'manycore';
      const pool = new Pool(2, { context: '${context}', maxMemoryPerWorker: 2 ** 40 });
      const result = pool.apply(() => new Promise(() => {}));
      process.on('exit', () => {
        try {
          result.getSync();
        } catch (error) {
          console.log(error.name, error.message);
        }
      });
      process.exit(4);`);
    assert.deepEqual([code, stdout], [4, 'BlockingError Cannot block: the program ends, and its workers have.\n']);
  });

  test(`blocking (${context}): on the command line, and in the REPL`, () => {
    const lines = `const { Pool } = require('manycore'); const pool = new Pool(1, { context: '${context}' });
      console.log(pool.mapSync((x) => x * 2, [1, 2]).join('+'));`;
    const cwd = new URL('../../..', import.meta.url);
    const one = spawnSync(process.execPath, ['-e', `${lines} pool.close();`], {
      cwd,
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(one.stdout, '2+4\n', one.stderr);
    const input = `${lines}\nconsole.log(pool.applyAsync((x) => x, ['again']).getSync())\nvoid pool.terminate()\n.exit\n`;
    const repl = spawnSync(process.execPath, ['-i'], { cwd, encoding: 'utf8', timeout: 20_000, input });
    assert.match(repl.stdout, /2\+4\n[^]*again\n/, repl.stderr);
    assert.equal(repl.status, 0);
  });

  for (const [what, body] of [
    ['in one long wait', `pool.applySync(() => { console.log('up'); for (;;); })`],
    [
      'between short ones',
      `for (let i = 0; ; i++) { pool.applySync((x) => x, [i]); if (i === 20) console.log('up'); }`,
    ],
  ] as const)
    test(`blocking (${context}): Ctrl-C ${what} ends the program within a second`, async () => {
      let askedMs = 0;
      const { signal } = await runScript(
        `import { Pool } from 'manycore';
         const pool = new Pool(2, { context: '${context}' });
         ${body}`,
        {
          during: async ({ pid, printed }) => {
            await printed('up');
            askedMs = performance.now();
            process.kill(pid, 'SIGINT');
          },
        },
      );
      assert.equal(signal, 'SIGINT');
      assert.ok(performance.now() - askedMs < 4_000);
    });
}

test('blocking (process): without koffi, and what is awaited there too (K14)', async () => {
  const { code, stdout, stderr } = await runScript(`
    ${withoutKoffi}
    const { Pool, range } = await import('manycore');
    const pool = new Pool(2);
    console.log(pool.mapSync((x) => x * x, range(1_000)).at(-1), (await pool.map((x) => x + 1, range(1_000))).at(-1));
    const bytes = new Uint8Array(5_000_000);
    console.log(pool.mapSync((b) => b.length, [bytes, bytes]).join(), (await pool.map((b) => b.length, [bytes, bytes])).join());
    for (const name of [() => pool.apply(() => process.exit(3)).getSync(), () => pool.apply(() => process.exit(4))])
      try {
        await name();
      } catch (error) {
        console.log(error.name, error.exitCode);
      }
    console.log(pool.applySync((x) => x, ['and goes on']));
    await pool.terminate();`);
  assert.equal(stderr, '');
  // How a worker died is not known before the event loop comes round.
  assert.deepEqual(stdout.split('\n'), [
    '998001 1000',
    '5000000,5000000 5000000,5000000',
    'WorkerLostError null',
    'WorkerLostError 4',
    'and goes on',
    '',
  ]);
  assert.equal(code, 0);
});
