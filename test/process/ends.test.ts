import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { activeChildren, getContext, InterruptError, type Process } from 'manycore';
import { descendants } from '#internal/testing/processes.js';
import { eachContext, eventually, testClean, type Context } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { busy, idle, outcomeOf, sayAndIdle, startHeard } from './support.ts';

/** A child that is at work: it has said so. */
async function startAtWork(context: Context, target: () => unknown): Promise<ReturnType<typeof startHeard>> {
  const heard = startHeard(context, { target });
  await eventually(() => heard.stdout() === 'here\n', 10_000, 'the child is at work');
  return heard;
}

testClean(
  'process: a child does not load the native library before it needs it',
  { skip: process.platform !== 'linux' && 'takes Linux' },
  async () => {
    const report = (): void => console.log(readFileSync('/proc/self/maps', 'latin1').includes('koffi.node'));
    assert.equal((await outcomeOf('process', report, [])).stdout, 'false\n');
  },
);

eachContext((context: Context) => {
  const { Process: Of } = getContext(context);

  for (const [what, target] of [
    ['sleeping', sayAndIdle],
    ['busy', sayAndSpin],
  ] as const) {
    testClean(`process: kill() of a ${what} child: exit code -9 (A14)`, {}, async () => {
      const { process: p, outcome } = await startAtWork(context, target);
      p.kill();
      assert.equal((await outcome).exitCode, -9);
    });

    testClean(`process: terminate() of a ${what} child: exit code -15`, {}, async () => {
      const { process: p, outcome } = await startAtWork(context, target);
      p.terminate();
      assert.equal((await outcome).exitCode, -15);
    });
  }

  testClean('process: interrupt() reaches the SIGINT listener of the child, which may go on (A15)', {}, async () => {
    const { process: p, outcome } = await startAtWork(context, async () => {
      const interrupted = new Promise((resolve) => process.once('SIGINT', resolve));
      const timer = setInterval(() => {}, 60_000);
      console.log('here');
      await interrupted;
      clearInterval(timer);
      process.exitCode = 5;
    });
    p.interrupt();
    assert.deepEqual(await outcome, { stdout: 'here\n', stderr: '', exitCode: 5 });
  });

  testClean('process: interrupt() is an error that the child can catch (A15)', {}, async () => {
    const { process: p, outcome } = await startAtWork(context, async () => {
      process.on('uncaughtException', (error) => {
        console.log(error instanceof InterruptError);
        process.exit(6);
      });
      await sayAndIdle();
    });
    p.interrupt();
    assert.deepEqual(await outcome, { stdout: 'here\ntrue\n', stderr: '', exitCode: 6 });
  });

  testClean('process: interrupt() that nobody handles: exit code 1, and the error on stderr (A15)', {}, async () => {
    const { process: p, outcome } = await startAtWork(context, sayAndIdle);
    p.interrupt();
    const { stderr, exitCode } = await outcome;
    assert.equal(exitCode, 1);
    assert.match(stderr, /^Process [^\n]*:\nInterruptError: /);
  });

  testClean('process: terminate, kill and interrupt of a finished child do nothing (A17)', {}, async () => {
    const p = new Of({ target: () => process.exit(3) }).start();
    await p.join();
    p.terminate();
    p.kill();
    p.interrupt();
    await p.join();
    assert.equal(p.exitCode, 3);
  });

  testClean('process: the exit code of a child that returns, throws, or calls process.exit (A18)', {}, async () => {
    const cases: [() => unknown, number, RegExp][] = [
      [() => 'a result', 0, /^$/],
      [async () => 'a result', 0, /^$/],
      [() => process.exit(), 0, /^$/],
      [() => process.exit(7), 7, /^$/],
      [() => void (process.exitCode = 8), 8, /^$/],
      [
        () => {
          throw new RangeError('thrown');
        },
        1,
        /^Process .*:\nRangeError: thrown\n/,
      ],
      [async () => Promise.reject(new RangeError('rejected')), 1, /RangeError: rejected/],
      [() => void Promise.reject(new RangeError('forgotten')), 1, /RangeError: forgotten/],
      [
        () =>
          setTimeout(() => {
            throw new RangeError('later');
          }),
        1,
        /RangeError: later/,
      ],
      // What Node's process.exit does not take it names in an error.
      [() => process.exit('a text' as never), 1, /a text/],
      [() => process.exit(['a list'] as never), 1, /Array|a list/],
    ];
    for (const [target, code, stderr] of cases) {
      const outcome = await outcomeOf(context, target, []);
      assert.equal(outcome.exitCode, code, String(target));
      assert.match(outcome.stderr, stderr);
    }
  });

  testClean(
    'process: an uncaught error is on stderr with the file and line of the throw, and its cause (A19)',
    {},
    async () => {
      const { stderr, exitCode } = await outcomeOf(
        context,
        function failing() {
          throw new RangeError('no room', { cause: new TypeError('deeper') });
        },
        [],
        { name: 'unlucky' },
      );
      assert.equal(exitCode, 1);
      assert.match(stderr, /^Process unlucky:\nRangeError: no room\n/);
      assert.match(stderr, /at failing \(.*ends\.test\.[jt]s:\d+:\d+\)/);
      assert.match(stderr, /\[cause\]: TypeError: deeper/);
      assert.ok(!stderr.includes('dist/worker'), stderr);
    },
  );

  testClean('process: after the target its timers, sockets and threads go on, then it ends (A33)', {}, async () => {
    const { stdout, exitCode } = await outcomeOf(context, () => {
      setTimeout(() => console.log('timer'), 30);
      const server = createServer((socket) => socket.end('served')).listen(0, '127.0.0.1', () => {
        const { port } = server.address() as { port: number };
        connect(port, '127.0.0.1')
          .on('data', (data) => console.log(String(data)))
          .on('close', () => server.close());
      });
      const thread = new Worker('setTimeout(() => require("node:worker_threads").parentPort.postMessage(1), 60)', {
        eval: true,
      });
      thread.on('message', () => console.log('thread'));
    }, []);
    assert.deepEqual(stdout.trim().split('\n').toSorted(), ['served', 'thread', 'timer']);
    assert.equal(exitCode, 0);
  });

  testClean('process: it does not wait for what is unref()d (A34)', {}, async () => {
    const target = (): void => {
      setInterval(() => {}, 60_000).unref();
      new Worker('setInterval(() => {}, 60_000)', { eval: true }).unref();
    };
    assert.equal((await outcomeOf(context, target, [])).exitCode, 0);
  });

  testClean('process: a target that awaits what can never come ends with 13 and says so', {}, async () => {
    const { stderr, exitCode } = await outcomeOf(context, () => new Promise(() => {}), []);
    assert.equal(exitCode, 13);
    assert.match(stderr, /awaits something that can never come/);
  });

  testClean('process: exit handlers run at a normal end, at process.exit and after an error (A39)', {}, async () => {
    for (const [end, code] of [
      [() => undefined, 0],
      [() => process.exit(2), 2],
      [() => assert.fail('no'), 1],
    ] as const) {
      const target = (): void => {
        process.on('exit', (exitCode) => console.log('handler', exitCode));
        end();
      };
      const { stdout, exitCode } = await outcomeOf(context, target, []);
      assert.equal(stdout, `handler ${code}\n`);
      assert.equal(exitCode, code);
    }
  });

  testClean('process: a child that prints to nothing ends well (A35)', {}, async () => {
    const target = (): void => {
      for (let i = 0; i < 1_000; i++) console.log('unheard');
      console.error('unheard');
    };
    const p = new Of({ target, stdio: 'ignore' }).start();
    await p.join();
    assert.equal(p.exitCode, 0);
  });

  testClean('process: 100 are started, then joined (A29)', { limit: 120_000 }, async () => {
    const all = Array.from({ length: 100 }, (_, i) =>
      new Of({ target: (n: number) => process.exit(n % 3), args: [i] }).start(),
    );
    assert.equal(activeChildren().length, 100);
    await Promise.all(all.map((p) => p.join()));
    assert.deepEqual(
      all.map((p) => p.exitCode),
      Array.from({ length: 100 }, (_, i) => i % 3),
    );
    assert.deepEqual(activeChildren(), []);
  });

  testClean(
    'process: 100 sleeping ones are terminated: exit code -15, nothing left (A30)',
    { limit: 120_000 },
    async () => {
      const all: Process[] = Array.from(
        { length: 100 },
        () => new Of({ target: () => void setInterval(() => {}, 60_000) }).start() as unknown as Process,
      );
      for (const p of all) p.terminate();
      await Promise.all(all.map((p) => p.join()));
      assert.deepEqual([...new Set(all.map((p) => p.exitCode))], [-15]);
      assert.deepEqual(descendants(process.pid), []);
    },
  );
});

testClean('process: interrupt() of a child without any SIGINT listener: exit code -2 (A16)', {}, async () => {
  const { process: p, outcome } = await startAtWork('process', async () => {
    process.removeAllListeners('SIGINT');
    await sayAndIdle();
  });
  p.interrupt();
  assert.equal((await outcome).exitCode, -2);
});

testClean('process: a thread without any SIGINT listener ends with 130 when interrupted (A16)', {}, async () => {
  const { process: p, outcome } = await startAtWork('thread', async () => {
    process.removeAllListeners('SIGINT');
    await sayAndIdle();
  });
  p.interrupt();
  assert.equal((await outcome).exitCode, 130);
});

testClean("process: an exit of the system's, past all handlers, is told by its code (A20)", {}, async () => {
  const { stdout, exitCode } = await outcomeOf(
    'process',
    () => {
      process.on('exit', () => console.log('handler'));
      // What process.exit() ends with; there is no other way to _exit().
      (process as unknown as { reallyExit(code: number): never }).reallyExit(3);
    },
    [],
  );
  assert.deepEqual([stdout, exitCode], ['', 3]);
});

testClean('process: one that is killed from outside: exit code -9, and the sentinel resolves (A21)', {}, async () => {
  const { process: p, outcome } = await startAtWork('process', sayAndIdle);
  const start = performance.now();
  process.kill(p.pid!, 'SIGKILL');
  await p.sentinel;
  assert.ok(performance.now() - start < 1_000);
  assert.equal(p.exitCode, -9);
  await outcome;
});

testClean('process: a child may handle SIGTERM', {}, async () => {
  const { process: p, outcome } = await startAtWork('process', async () => {
    process.on('SIGTERM', () => {
      console.log('cleaned up');
      process.exit(9);
    });
    await sayAndIdle();
  });
  p.terminate();
  assert.deepEqual(await outcome, { stdout: 'here\ncleaned up\n', stderr: '', exitCode: 9 });
});

testClean('process: terminate() also ends what the child has started', {}, async () => {
  const {
    process: p,
    stdout,
    outcome,
  } = startHeard('process', {
    target: async () => {
      console.log(spawn('sleep', ['60']).pid);
      await idle();
    },
  });
  await eventually(() => stdout() !== '');
  const pid = Number(stdout());
  p.terminate();
  await outcome;
  await eventually(() => !descendants(process.pid).includes(pid));
});

testClean('process: a child whose stdout and stderr are closed ends well (A35)', {}, async () => {
  const target = (): void => {
    closeSync(1);
    closeSync(2);
    setTimeout(() => {}, 1);
  };
  const p = new (getContext('process').Process)({ target }).start();
  await p.join();
  assert.equal(p.exitCode, 0);
});

testClean('process: a child reads the end of file from its stdin, at once (A46)', {}, async () => {
  for (const target of [
    () => console.log(JSON.stringify(readFileSync(0, 'utf8'))),
    async () => {
      let text = '';
      for await (const chunk of process.stdin) text += String(chunk);
      console.log(JSON.stringify(text));
    },
  ]) {
    const { stdout, stderr, exitCode } = await outcomeOf('process', target, []);
    assert.deepEqual([stdout, stderr, exitCode], ['""\n', '', 0]);
  }
});

testClean('process: what a child prints is printed before join() resolves', {}, async () => {
  const { stdout } = await runScript(`
    import { getContext } from 'manycore';
    for (const kind of ['process', 'thread']) {
      const p = new (getContext(kind).Process)({ target: () => { for (let i = 0; i < 3; i++) console.log('child', i); } });
      p.start();
      await p.join();
      console.log('joined', p.exitCode);
    }`);
  const once = 'child 0\nchild 1\nchild 2\njoined 0\n';
  assert.equal(stdout, once + once);
});

testClean('process: what a child prints before it computes for long is printed at once', {}, async () => {
  const { stdout } = await runScript(
    `import { Process } from 'manycore';
     const p = new Process({ target: () => { console.log('one'); console.log('two'); for (;;); }, daemon: true }).start();
     process.once('SIGTERM', () => { p.kill(); process.exit(0); });
     await p.join();`,
    {
      during: async (program) => {
        await program.printed('one\ntwo\n');
        process.kill(program.pid, 'SIGTERM');
      },
    },
  );
  assert.equal(stdout, 'one\ntwo\n');
});

function sayAndSpin(): void {
  console.log('here');
  busy();
}

for (const signal of ['SIGKILL', 'SIGINT'] as const)
  testClean(`process: one that gets ${signal} between two starts does not harm the second (A47)`, {}, async () => {
    const { Process: Of } = getContext('process');
    const first = startHeard('process', { target: sayAndIdle });
    await eventually(() => first.stdout() === 'here\n');
    process.kill(first.process.pid!, signal);
    const second = new Of({ target: () => undefined }).start();
    await second.join();
    assert.equal(second.exitCode, 0);
    assert.equal((await first.outcome).exitCode, signal === 'SIGKILL' ? -9 : 1);
  });

testClean('process: where modules are looked for is what the parent says at the start (A50)', {}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'manycore-test-'));
  mkdirSync(join(folder, 'found-by-path'));
  writeFileSync(join(folder, 'found-by-path', 'index.js'), 'module.exports = "found";');
  const report = (): void =>
    console.log(process.getBuiltinModule('node:module').createRequire('/')('found-by-path') as string);
  const before = process.env['NODE_PATH'];
  try {
    process.env['NODE_PATH'] = folder;
    const { stdout, stderr, exitCode } = await outcomeOf('process', report, []);
    assert.deepEqual([stdout, stderr, exitCode], ['found\n', '', 0]);
  } finally {
    if (before === undefined) delete process.env['NODE_PATH'];
    else process.env['NODE_PATH'] = before;
    rmSync(folder, { recursive: true });
  }
});
