import { strict as assert } from 'node:assert';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { activeChildren, getContext, parentProcess, Process } from 'manycore';
import { commandOf, descendants } from '#internal/testing/processes.js';
import { eachContext, eventually, testClean, type Context } from '../matrix.ts';
import { runScript } from '../run-script.ts';
import { answerOf, idle, sayAndIdle, startHeard } from './support.ts';

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
}

/** Programs whose processes are of this kind. */
const program = (context: Context, body: string): string =>
  `import { getContext, currentProcess } from 'manycore';
   const { Process } = getContext('${context}');
   ${body}`;

eachContext((context: Context) => {
  const { Process: Of } = getContext(context);

  testClean('process: activeChildren() has a child while it lives, in a fresh list each time (A23)', {}, async () => {
    const p = new Of({ target: idle });
    assert.deepEqual(activeChildren(), []);
    p.start();
    assert.deepEqual(activeChildren(), [p]);
    assert.notEqual(activeChildren(), activeChildren());
    p.kill();
    await p.join();
    assert.deepEqual(activeChildren(), []);
  });

  testClean('process: children start children, three levels deep, each joined (A24)', { limit: 60_000 }, async () => {
    async function level(id: number[]): Promise<void> {
      console.log(JSON.stringify(id));
      if (id.length === 2) return;
      for (const i of [0, 1]) {
        const child = new Process({ target: level, args: [[...id, i]] });
        child.start();
        await child.join();
      }
    }
    const { outcome } = startHeardPrinting(context, level);
    assert.equal((await outcome).stdout, '[]\n[0]\n[0,0]\n[0,1]\n[1]\n[1,0]\n[1,1]\n');
  });

  testClean('process: a daemon may have children, and inherits its flag to them (A42)', {}, async () => {
    const answer = await answerOf(
      context,
      async () => {
        const child = new Process({ target: () => 1 });
        child.start();
        await child.join();
        console.log(JSON.stringify([child.daemon, child.exitCode]));
      },
      [],
      { daemon: true },
    );
    assert.deepEqual(answer, [true, 0]);
  });

  testClean("process: daemons end with the program's code, others are waited for first (A43)", {}, async () => {
    const { stdout, code } = await runScript(
      program(
        context,
        `new Process({ daemon: true, target: () => void setInterval(() => console.log('tick'), 10) }).start();
         const p = new Process({ target: () => void setTimeout(() => console.log('work done'), 300) }).start();
         void p.sentinel.then(() => console.log('joined', p.exitCode));
         process.on('exit', () => console.log('exit'));
         console.log('end of main');`,
      ),
    );
    assert.equal(code, 0);
    assert.match(stdout, /^end of main\n(?:tick\n)+work done\n(?:tick\n)*joined 0\n(?:tick\n)*exit\n$/);
  });

  testClean('process: a program whose only child is a daemon ends at once', {}, async () => {
    const { stdout, code, ms } = await runScript(
      program(
        context,
        `new Process({ daemon: true, target: () => void setTimeout(() => {}, 60_000) }).start(); console.log('end');`,
      ),
    );
    assert.deepEqual([stdout, code], ['end\n', 0]);
    assert.ok(ms < 10_000);
  });

  testClean(
    'process: a program waits for a child that is no daemon, and for a daemon that it joins (A44)',
    {},
    async () => {
      for (const rest of ['', 'daemon: true, ']) {
        const { stdout, code } = await runScript(
          program(
            context,
            `const p = new Process({ ${rest}target: () => void setTimeout(() => console.log('child'), 100) }).start();
           console.log('main');
           ${rest === '' ? '' : 'await p.join(); console.log(p.exitCode);'}`,
          ),
        );
        assert.equal(stdout, rest === '' ? 'main\nchild\n' : 'main\nchild\n0\n');
        assert.equal(code, 0);
      }
    },
  );

  testClean('process: process.exit() ends all children at once, daemons or not (F7)', {}, async () => {
    const { code, ms } = await runScript(
      program(
        context,
        `for (const daemon of [true, false])
           new Process({ daemon, target: () => { for (;;); } }).start();
         setTimeout(() => process.exit(3), 100);`,
      ),
    );
    assert.equal(code, 3);
    assert.ok(ms < 10_000);
  });

  testClean(
    'process: children whose program fails or is killed are gone within a second (A45, F7, F8)',
    {},
    async () => {
      for (const [end, during] of [
        [`setTimeout(() => { throw new Error('over'); }, 100);`, undefined],
        ['', (pid: number) => process.kill(pid, 'SIGKILL')],
      ] as const) {
        // runScript fails when anything of the program is alive a second after its end.
        const { code } = await runScript(
          program(
            context,
            `for (const daemon of [true, false])
             new Process({ daemon, target: () => { console.log('at work'); for (;;); } }).start();
           ${end}`,
          ),
          {
            during: async (script) => {
              if (during === undefined) return;
              await script.printed('at work\nat work\n');
              during(script.pid);
            },
          },
        );
        assert.notEqual(code, 0);
      }
    },
  );
});

testClean('process: a grandchild sees its parent alive, and ends with it (A8)', {}, async () => {
  const {
    process: p,
    stdout,
    outcome,
  } = startHeard('process', {
    target: async () => {
      const grandchild = new Process({
        stdio: 'inherit',
        target: async () => {
          const parent = parentProcess()!;
          console.log(process.pid, parent.isAlive());
          await parent.join();
          console.log('not seen');
        },
      });
      grandchild.start();
      await idle();
    },
  });
  await eventually(() => stdout().endsWith('\n'));
  const [pid, alive] = stdout().trim().split(' ');
  assert.equal(alive, 'true');
  assert.ok(descendants(process.pid).includes(Number(pid)));
  p.terminate();
  await outcome;
  // Nobody may be there to bury it.
  await eventually(() => commandOf(Number(pid)) === '(zombie)', 1_000);
  assert.equal(stdout(), `${pid} true\n`);
});

testClean('process: a child has as many descriptors with ten siblings as with one (A32)', {}, async () => {
  const report = (): void => console.log(openDescriptors().length);
  const count = async (siblings: number): Promise<unknown> => {
    const all = Array.from({ length: siblings }, () => startHeard('process', { target: sayAndIdle }));
    await eventually(() => all.every((one) => one.stdout() !== ''), 10_000);
    const answer = await answerOf('process', report, []);
    for (const { process: p } of all) p.kill();
    await Promise.all(all.map(({ outcome }) => outcome));
    return answer;
  };
  assert.equal(await count(10), await count(1));
});

testClean("process: a child has none of its parent's sockets (A51, F14)", {}, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const mine = openDescriptors().filter((link) => link.startsWith('socket:'));
  const theirs = (await answerOf('process', () => console.log(JSON.stringify(openDescriptors())), [])) as string[];
  assert.ok(mine.length > 0);
  assert.deepEqual(
    theirs.filter((link) => mine.includes(link)),
    [],
  );
  await new Promise((resolve) => server.close(resolve));
});

testClean(
  'process: a daemon gets SIGTERM and some time for its last words; one that ignores it is killed',
  {},
  async () => {
    const { stdout, code, ms } = await runScript(
      program(
        'process',
        `const ready = [];
       for (const polite of [true, false]) {
         const p = new Process({ daemon: true, stdio: ['ignore', 'pipe', 'ignore'], args: [polite], target: (goes) => {
           process.on('SIGTERM', () => { console.log('bye'); if (goes) process.exit(0); });
           setInterval(() => {}, 60_000);
           console.log('ready');
         } }).start();
         ready.push(new Promise((resolve) => p.stdout.once('data', resolve)));
         p.stdout.on('data', (text) => process.stdout.write(text));
       }
       const timer = setInterval(() => {}, 1_000);
       await Promise.all(ready);
       clearInterval(timer);`,
      ),
    );
    assert.deepEqual(stdout.trim().split('\n').toSorted(), ['bye', 'bye', 'ready', 'ready']);
    assert.equal(code, 0);
    assert.ok(ms < 10_000);
  },
);

/** The levels below print by way of their parents. */
function startHeardPrinting(context: Context, level: (id: number[]) => Promise<void>): ReturnType<typeof startHeard> {
  return startHeard(context, { target: level, args: [[]] });
}
