import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { Screen } from './screen.ts';

const program = fileURLToPath(new URL('./fixtures/program.js', import.meta.url));
const hasScript = spawnSync('script', ['--version']).error === undefined;

interface Ending {
  code: number;
  screen: Screen;
}

async function run(ending: string, pty: boolean): Promise<Ending> {
  const { CI: _ci, FORCE_COLOR: _force, NODE_V8_COVERAGE: _coverage, ...rest } = process.env;
  const env = { ...rest, TERM: 'xterm', NO_COLOR: '1', LANG: 'C.UTF-8', LC_ALL: '', ...(pty ? {} : { FAKE_TTY: '1' }) };
  const quoted = [process.execPath, program, ending].map((word) => `'${word}'`).join(' ');
  const [file, args] = pty
    ? ['script', ['-qefc', `exec ${quoted}`, '/dev/null']]
    : ['sh', ['-c', `exec ${quoted} 2>&1`]];
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...how) => resolve(how));
  });
  const screen = new Screen(80);
  screen.feed(Buffer.concat(chunks).toString());
  return { code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], screen };
}

for (const pty of [true, false]) {
  describe(
    pty ? 'on a pseudo-terminal' : 'on a pipe that says it is a terminal',
    { skip: pty && !hasScript && 'no script(1)' },
    () => {
      const cases: [string, number][] = [
        ['SIGINT', 130],
        ['SIGTERM', 143],
        ['own handler', 7],
        ['exit', 5],
        ['throw', 1],
        ['nothing', 0],
      ];
      for (const [ending, expected] of cases) {
        test(`${ending}: exit code ${expected}, the bar stays, the cursor is back`, async () => {
          const { code, screen } = await run(ending, pty);
          assert.equal(code, expected);
          assert.match(screen.rows[1] ?? '', /^work +30% █+░+ {2}3\/10 · .*1\/2 busy$/);
          assert.equal(screen.cursorVisible, true);
          assert.equal(screen.cursor.column, 0);
          if (ending === 'throw') assert.ok(screen.rows.some((row) => row.startsWith('Error: nobody catches this')));
          if (ending === 'own handler') assert.equal(screen.rows[2], 'own handler');
        });
      }

      test('stop: printed text above, nothing left behind', async () => {
        const { code, screen } = await run('stop', pty);
        assert.equal(code, 0);
        assert.deepEqual(
          screen.rows.map((row) => row.replace(/^work .*/, 'work')),
          ['started', 'printed', 'work', 'clean'],
        );
        assert.equal(screen.cursorVisible, true);
      });
    },
  );
}
