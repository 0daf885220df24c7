import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eachContext } from '../matrix.ts';
import { runScript } from '../run-script.ts';

eachContext((context) => {
  test(`a program whose work is done ends by itself, with an open pool, ${context} (L304, B13)`, async () => {
    const { code, stdout, stderr, ms } = await runScript(
      `import { Pool } from 'manycore';
       const pool = (globalThis.pool = new Pool(2, { context: '${context}' }));
       console.log(await pool.map((x) => x * x, [1, 2, 3]));
       pool.apply(() => { throw new Error('nobody looks'); });
       pool.map(() => { throw new Error('nobody looks'); }, [1, 2]);`,
    );
    assert.deepEqual([code, stdout, stderr], [0, '[ 1, 4, 9 ]\n', '']);
    assert.ok(ms < 8_000, `${ms} ms`);
  });

  test(`a program waits for work that is under way, ${context} (L304)`, async () => {
    const { code, stdout } = await runScript(
      `import { Pool } from 'manycore';
       const pool = new Pool(1, { context: '${context}' });
       pool.apply(async () => { await new Promise((r) => setTimeout(r, 300)); return 'done'; }).then(console.log);`,
    );
    assert.deepEqual([code, stdout], [0, 'done\n']);
  });

  test(`an error's stack names the lines of the TypeScript source under tsx, ${context}`, async () => {
    const fixture = fileURLToPath(new URL('../../../test/pool/fixtures/throws.ts', import.meta.url));
    const line = (text: string): number =>
      readFileSync(fixture, 'utf8')
        .split('\n')
        .findIndex((l) => l.includes(text)) + 1;
    const { stdout } = await runScript(`await import(${JSON.stringify(fixture)})`, {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, KIND: context },
    });
    const places = [...stdout.matchAll(/^ {4}at (?:(\w+) \()?.*throws\.ts:(\d+):\d+\)?$/gm)].map(([, name, at]) => [
      name,
      Number(at),
    ]);
    assert.deepEqual(places.slice(0, 2), [
      ['check', line('throw new')],
      [undefined, line('return check')],
    ]);
  });

  test(`a program that fails or exits leaves no worker, busy or not, ${context} (L304)`, async () => {
    for (const [end, expected] of [
      ['process.exit(3)', 3],
      ['throw new Error("main")', 1],
    ] as const) {
      const { code } = await runScript(
        `import { Pool } from 'manycore';
         const pool = new Pool(2, { context: '${context}' });
         pool.map(() => { for (;;); }, [1, 2]).catch(() => {});
         while (pool.statistics().running < 2) await new Promise((r) => setTimeout(r, 5));
         ${end}`,
      );
      assert.equal(code, expected);
    }
  });

  test(`SIGINT during a map ends the program with 130 and one message, and no worker says a word, ${context} (L315)`, async () => {
    const { code, signal, stderr } = await runScript(
      `import { Pool } from 'manycore';
       const pool = new Pool(2, { context: '${context}' });
       await pool.broadcast(() => 0);
       await pool.map((n) => { console.log('up', n); for (;;); }, [1, 2]);`,
      {
        during: async ({ pid, printed }) => {
          await printed('up 1');
          await printed('up 2');
          process.kill(pid, 'SIGINT');
        },
      },
    );
    assert.deepEqual([code, signal], [130, null]);
    assert.match(stderr, /^Interrupted: ending 2 running tasks, of map\(<anonymous>\) at [^\n]*\n$/);
  });
});
