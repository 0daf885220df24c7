import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Screen } from '../progress/screen.ts';
import { startCommand, type Host } from './hosts.ts';
import { both, descendants, inState, until } from './support.ts';

const program = fileURLToPath(new URL('./fixtures/exits.js', import.meta.url));
const hasScript = spawnSync('script', ['--version']).error === undefined;
const limit = { timeout: 40_000 };
/** Between two signals: more than what counts as one that is told twice. */
const apart = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));

const start = (...args: string[]): Host => startCommand(process.execPath, [program, ...args]);

/** Waits for the end of the program; then nothing that it started may be left for long. */
async function endOf(host: Host): Promise<{ code: number | null; signal: string | null; lines: string[] }> {
  const { code, signal } = await host.ended;
  try {
    await until(
      () => `no process is left of ${descendants().join(', ')}`,
      () => descendants().length === 0,
      1_000,
    );
  } finally {
    for (const pid of descendants()) process.kill(pid, 'SIGKILL');
  }
  return { code, signal, lines: host.output().trim().split('\n') };
}

for (const context of both) {
  test(
    `${context}: Ctrl-C fails the work with one message, the program cleans up and ends with 130 (F9)`,
    limit,
    async () => {
      const host = start('cleans up', context);
      await host.line('busy');
      process.kill(host.pid, 'SIGINT');
      const { code, lines } = await endOf(host);
      assert.equal(code, 130);
      assert.deepEqual(lines, ['busy', 'caught PoolTerminatedError', 'cleaned up', 'exit 130']);
      assert.match(
        host.errors(),
        /^Interrupted: ending 1 running task and 9 waiting, of map\(render\) at exits\.js:\d+\. Press Ctrl-C again to end at once\.\n$/,
      );
    },
  );

  test(`${context}: a failure by Ctrl-C that the program does not catch shows no stack (F9)`, limit, async () => {
    for (const what of ['does not catch', 'disposes']) {
      const host = start(what, context);
      await host.line('busy');
      process.kill(host.pid, 'SIGINT');
      const { code } = await endOf(host);
      assert.equal(code, 130);
      assert.match(host.errors(), /^Interrupted: [^\n]*\n$/);
    }
  });

  test(
    `${context}: Ctrl-C ends also a program that something else keeps alive, within a second or so (F9)`,
    limit,
    async () => {
      const host = start('stays', context);
      await host.line('busy');
      process.kill(host.pid, 'SIGINT');
      await host.line('caught');
      // The workers do not wait for the program.
      await until('its workers are gone', () => descendants().length === 1, 1_000);
      const { code, lines } = await endOf(host);
      assert.equal(code, 130);
      assert.deepEqual(lines, ['busy', 'caught', 'exit 130']);
    },
  );

  test(`${context}: the second Ctrl-C ends the program at once, whatever it is at (F9)`, limit, async () => {
    for (const what of ['stays', 'blocks']) {
      const host = start(what, context);
      await host.line('busy');
      process.kill(host.pid, 'SIGINT');
      await host.line('caught');
      await apart();
      process.kill(host.pid, 'SIGINT');
      const { signal, lines } = await endOf(host);
      assert.equal(signal, 'SIGINT');
      assert.deepEqual(lines, ['busy', 'caught']);
    }
  });

  test(`${context}: a Ctrl-C that npm passes on besides counts once (F9)`, limit, async () => {
    const host = start('cleans up', context);
    await host.line('busy');
    for (let i = 0; i < 3; i++) process.kill(host.pid, 'SIGINT');
    const { code, lines } = await endOf(host);
    assert.equal(code, 130);
    assert.ok(lines.includes('cleaned up'));
  });

  test(`${context}: an error of the program while it cleans up is told, and is its end (F9)`, limit, async () => {
    const host = start('fails to clean up', context);
    await host.line('busy');
    process.kill(host.pid, 'SIGINT');
    const { code } = await endOf(host);
    assert.equal(code, 1);
    assert.match(host.errors(), /Uncaught RangeError: its own fault/);
  });

  test(`${context}: a program with a handler of its own is in charge of Ctrl-C (F9)`, limit, async () => {
    const host = start('own handler', context);
    await host.line('busy');
    process.kill(host.pid, 'SIGINT');
    const { code, lines } = await endOf(host);
    assert.equal(code, 7);
    assert.deepEqual(lines, ['busy', 'running 1', 'exit 7']);
    assert.equal(host.errors(), '');
  });

  test(
    `${context}: a handler that sends the signal again when it is alone finds itself alone (F9)`,
    limit,
    async () => {
      const host = start('two handlers', context);
      await host.line('busy');
      process.kill(host.pid, 'SIGINT');
      const { signal, lines } = await endOf(host);
      assert.equal(signal, 'SIGINT');
      assert.deepEqual(lines, ['busy', 'others 0']);
    },
  );

  test(`${context}: without work Ctrl-C has its default effect (F9)`, limit, async () => {
    const host = start('idle', context);
    await host.line('busy');
    process.kill(host.pid, 'SIGINT');
    const { signal } = await endOf(host);
    assert.equal(signal, 'SIGINT');
    assert.equal(host.errors(), '');
  });

  test(
    `${context}: Ctrl-C on a terminal leaves the bar, the message and the cursor (F9)`,
    { ...limit, skip: !hasScript && 'no script(1)' },
    async () => {
      const command = `exec '${process.execPath}' '${program}' bar ${context}`;
      const env = ['-u', 'CI', 'TERM=xterm', 'NO_COLOR=1', 'LANG=C.UTF-8'];
      const host = startCommand('env', [...env, 'script', '-qefc', command, '/dev/null']);
      await until('the bar says that two are done and two run', () => /2\/4 .*2\/2 busy/.test(host.output()));
      host.child.stdin!.write('\x03');
      const { code } = await endOf(host);
      assert.equal(code, 130);
      const screen = new Screen(80);
      screen.feed(host.output());
      const rows = screen.rows.join('\n');
      assert.match(rows, /Interrupted: ending 2 running tasks, of map/);
      assert.doesNotMatch(rows, /PoolTerminatedError/);
      assert.equal(screen.cursorVisible, true);
      assert.equal(screen.cursor.column, 0);
    },
  );

  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    test(
      `${context}: ${signal} fails the work, the program cleans up and ends by the signal (F10)`,
      limit,
      async () => {
        const host = start('cleans up', context);
        await host.line('busy');
        process.kill(host.pid, signal);
        const end = await endOf(host);
        assert.equal(end.signal, signal);
        assert.deepEqual(end.lines, [
          'busy',
          'caught PoolTerminatedError',
          'cleaned up',
          `exit ${128 + constants.signals[signal]}`,
        ]);
        assert.match(
          host.errors(),
          new RegExp(`^${signal}: ending 1 running task and 9 waiting, of map[^\\n]*\\.\\n$`),
        );
      },
    );
  }

  test(`${context}: Ctrl-Z stops the workers too, and no timeout counts the time (F10)`, limit, async () => {
    // The system stops only who has somebody outside of his group that could let him go on; `timeout` makes a group of its own.
    const command = `echo pid $$; exec "${process.execPath}" "${program}" stops ${context}`;
    const host = startCommand('timeout', ['60', 'bash', '-c', command]);
    const pid = Number((await host.line('pid')).split(' ')[1]);
    await host.line('busy');
    const workers = descendants().filter((each) => each !== pid && each !== host.pid);
    assert.equal(workers.length, context === 'process' ? 1 : 0);
    process.kill(pid, 'SIGTSTP');
    for (const each of [pid, ...workers]) await inState(each, 'T');
    // Longer than the task may take.
    await new Promise((resolve) => setTimeout(resolve, 5_200));
    process.kill(pid, 'SIGCONT');
    assert.match(await host.line('in time'), /in time/);
    host.child.kill('SIGKILL');
    await endOf(host);
  });

  test(`${context}: a SIGTSTP that the system does not heed stops nobody (F10)`, limit, async () => {
    // A group without a shell: nobody could let it go on.
    const host = startCommand('setsid', ['-w', process.execPath, program, 'goes on', context]);
    await host.line('busy');
    for (const pid of descendants()) if (pid !== host.pid) process.kill(pid, 'SIGTSTP');
    await host.line('in time');
    assert.equal((await endOf(host)).code, 0);
  });

  test(`${context}: the exit code that the program has set stands (F6)`, limit, async () => {
    const { code, lines } = await endOf(start('exit code', context));
    assert.equal(code, 3);
    assert.deepEqual(lines, ['done', 'exit 3']);
  });

  test(`${context}: a pool takes no more work when the program ends (P378)`, limit, async () => {
    const host = start('exit handler', context);
    await host.line('busy');
    host.child.stdin!.write('now\n');
    const { code, lines } = await endOf(host);
    assert.equal(code, 4);
    assert.deepEqual(lines, ['busy', 'exit 4', 'PoolClosedError']);
  });

  test(`${context}: a rejection that nobody handles ends the program and its workers (F7)`, limit, async () => {
    const host = start('rejection', context);
    await host.line('busy');
    host.child.stdin!.write('now\n');
    const { code } = await endOf(host);
    assert.equal(code, 1);
    assert.match(host.errors(), /nobody catches this/);
  });

  test(`${context}: a program that handles its uncaught exceptions goes on, with its pool (F7)`, limit, async () => {
    const host = start('survives', context);
    await host.line('busy');
    host.child.stdin!.write('now\n');
    const { code, lines } = await endOf(host);
    assert.equal(code, 0);
    assert.deepEqual(lines, ['busy', 'handled thrown', 'still 42', 'exit 0']);
  });
}
