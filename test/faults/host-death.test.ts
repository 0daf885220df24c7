import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startHost, type Host } from './hosts.ts';
import { both, descendants, isAlive, until } from './support.ts';

const limit = { timeout: 40_000 };

/** Waits until the host is gone, then until nothing that it started is left, which must not take long. */
async function nobodyIsLeft({ ended }: Host): Promise<void> {
  await ended;
  const ms = await until(
    () => `no process is left of ${descendants().join(', ')}`,
    () => descendants().length === 0,
    1_000,
  );
  assert.ok(ms <= 1_000);
}

const ways: [string, string][] = [
  ['idle', 'idle workers'],
  ['await', 'a worker whose task awaits'],
  ['loop', 'a worker in a busy loop'],
  ['wait', 'a worker in Atomics.wait'],
  ['native', 'a worker in execSync, and what that started'],
];
for (const context of both) {
  for (const [way, who] of ways) {
    // A thread dies with its process; what it started is nobody's then.
    if (context === 'thread' && way === 'native') continue;
    test(`${context}: SIGKILL of the host ends ${who} (F8)`, limit, async () => {
      const host = startHost(['runs', context, way]);
      await host.line('busy');
      if (way === 'native') await until('sleep runs', () => descendants().length >= 4);
      process.kill(host.pid, 'SIGKILL');
      await nobodyIsLeft(host);
    });
  }

  test(`${context}: SIGKILL of the host ends workers that boot (F8)`, limit, async () => {
    for (let i = 0; i < 10; i++) {
      const host = startHost(['boots', context]);
      await host.line('busy');
      // At different points of their start.
      await new Promise((resolve) => setTimeout(resolve, i * 6));
      process.kill(host.pid, 'SIGKILL');
      await nobodyIsLeft(host);
    }
  });

  for (const [what, how, ending] of [
    ['exit', 'process.exit(0)', { code: 0, signal: null }],
    ['throw', 'an uncaught exception', { code: 1, signal: null }],
    ['abort', 'abort()', { code: null, signal: 'SIGABRT' }],
  ] as const) {
    test(`${context}: the host ends by ${how} with a busy worker (F7)`, limit, async () => {
      const host = startHost([what, context]);
      await host.line('busy');
      host.child.stdin!.write('now\n');
      await nobodyIsLeft(host);
      const { code, signal } = await host.ended;
      assert.deepEqual({ code, signal }, ending);
    });
  }

  test(
    `${context}: the end of the script with an open idle pool: the program ends, with 0, at once (F6)`,
    limit,
    async () => {
      for (const what of ['idle', 'unused']) {
        const host = startHost([what, context]);
        await nobodyIsLeft(host);
        const { code, ms } = await host.ended;
        assert.equal(code, 0, host.errors());
        assert.ok(ms < 5_000, `it took ${ms} ms`);
      }
    },
  );

  test(`${context}: the end of the script with tasks that are not done: they are done first (F6)`, limit, async () => {
    const host = startHost(['pending', context]);
    await nobodyIsLeft(host);
    assert.equal((await host.ended).code, 0);
    assert.deepEqual(host.output().trim().split('\n').toSorted(), ['done 0', 'done 1', 'done 2', 'done 3', 'done 4']);
  });

  test(`${context}: SIGTERM and SIGHUP end a host and its workers (F10)`, limit, async () => {
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      const host = startHost(['runs', context, 'loop']);
      await host.line('busy');
      process.kill(host.pid, signal);
      await nobodyIsLeft(host);
      assert.equal((await host.ended).signal, signal);
    }
  });

  test(`${context}: SIGINT is the host's to handle: its workers finish (F9)`, limit, async () => {
    const host = startHost(['signals', context]);
    await host.line('busy');
    process.kill(host.pid, 'SIGINT');
    await nobodyIsLeft(host);
    assert.match(host.output(), /finished/);
    assert.equal((await host.ended).code, 0);
  });

  test(`${context}: a pool of a thread that is terminated (F11)`, limit, async () => {
    const host = startHost(['thread-owner', context]);
    await host.line('busy');
    host.child.stdin!.write('now\n');
    await host.line('terminated');
    await until('its workers are gone', () => descendants().length === 1, 1_000);
    host.child.stdin!.end();
    await nobodyIsLeft(host);
    assert.equal((await host.ended).code, 0, host.errors());
  });

  test(`${context}: a port of a host that was killed is free at once (F14)`, limit, async () => {
    const host = startHost(['server', context]);
    const port = Number((await host.line('port')).split(' ')[1]);
    process.kill(host.pid, 'SIGKILL');
    await host.ended;
    await until('the host is gone', () => !isAlive(host.pid));
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    await nobodyIsLeft(host);
  });

  test(`${context}: a flood of output, then exit: all of it is there, whole lines, in order (A31)`, limit, async () => {
    const host = startHost(['flood', context]);
    await nobodyIsLeft(host);
    const lines = host.output().split('\n');
    assert.equal(lines.filter((line) => line === 'x'.repeat(100)).length, 100_000);
    assert.deepEqual(lines.slice(100_000), ['the last line', 'lost', '']);
  });

  test(`${context}: a reader of the output that goes away ends nothing (A31)`, limit, () => {
    const program = fileURLToPath(new URL('./fixtures/host.js', import.meta.url));
    const command = `("${process.execPath}" "${program}" flood ${context}; echo $? >&2) | head -n 1`;
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(stdout, `${'x'.repeat(100)}\n`);
    assert.equal(stderr, '0\n');
  });

  test(`${context}: a host that was stopped judges nothing before it has read the answers (C13)`, limit, async () => {
    const host = startHost(['frozen', context]);
    await host.line('busy');
    process.kill(host.pid, 'SIGSTOP');
    // Longer than the task may take.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    process.kill(host.pid, 'SIGCONT');
    await nobodyIsLeft(host);
    // A thread is stopped with its process: its task goes on afterwards and may then be over its time.
    assert.match(host.output(), context === 'process' ? /in time/ : /in time|TaskTimeoutError/);
  });

  test(`${context}: a pool that nobody holds is closed when it is collected, with a warning (F5)`, limit, async () => {
    const host = startHost(['dropped', context], ['--expose-gc']);
    await nobodyIsLeft(host);
    assert.match(host.output(), /ResourceWarning/, host.errors());
    assert.equal((await host.ended).code, 0);
  });

  test(`${context}: a program piped into another ends (F6)`, limit, () => {
    const program = fileURLToPath(new URL('./fixtures/host.js', import.meta.url));
    const command = `"${process.execPath}" "${program}" main-guard ${context} | cat`;
    const { stdout, status } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(status, 0);
    // The main program ran once: no worker runs it again (D8).
    assert.equal(stdout, 'main\nsquare 49\n');
  });
}

test('process: a worker that is stopped ends with its host too (F8)', limit, async () => {
  const host = startHost(['runs', 'process', 'idle']);
  await host.line('busy');
  for (const pid of descendants()) if (pid !== host.pid) process.kill(pid, 'SIGSTOP');
  process.kill(host.pid, 'SIGKILL');
  await nobodyIsLeft(host);
});
