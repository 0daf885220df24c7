import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import {
  activeChildren,
  currentProcess,
  getContext,
  parentProcess,
  Process,
  ProcessClosedError,
  ProcessStateError,
} from 'manycore';
import { contexts, eachContext, eventually, rejection, testClean, type Context } from '../matrix.ts';
import { answerOf, idle, outcomeOf, sayAndIdle, startHeard } from './support.ts';

testClean('process: the main program is MainProcess, alive, no daemon, with a key and its own pid (A1)', {}, () => {
  const main = currentProcess();
  assert.ok(main instanceof Process);
  assert.equal(main.name, 'MainProcess');
  assert.equal(main.isAlive(), true);
  assert.equal(main.daemon, false);
  assert.deepEqual([main.pid, main.ident], [process.pid, process.pid]);
  assert.equal(main.exitCode, null);
  assert.ok(main.authKey.length > 0);
  assert.equal(currentProcess(), main);
  assert.equal(inspect(main), `<Process name='MainProcess' pid=${process.pid} parent=${process.ppid} started>`);
});

testClean('process: the main program has no parent (A6)', {}, () => assert.equal(parentProcess(), undefined));

eachContext((context: Context) => {
  const { Process: Of } = getContext(context);

  testClean(
    'process: before its start it has no pid and no exit code, is not alive, and cannot be joined or ended (A2)',
    {},
    async () => {
      const p = new Of({ target: () => 1, name: 'early' });
      assert.deepEqual([p.pid, p.ident], [undefined, undefined]);
      assert.equal(p.exitCode, null);
      assert.equal(p.isAlive(), false);
      assert.deepEqual(activeChildren(), []);
      assert.ok((await rejection(p.join())) instanceof ProcessStateError);
      for (const end of [() => p.terminate(), () => p.kill(), () => p.interrupt()])
        assert.throws(end, ProcessStateError);
      assert.throws(() => p.terminate(), /early.*was not started/);
      assert.equal(inspect(p), `<${Of.name} name='early' parent=${process.pid} initial>`);
    },
  );

  testClean('process: the target gets its arguments by position (A3)', {}, async () => {
    const report = (...args: unknown[]): void => console.log(JSON.stringify(args));
    assert.deepEqual(await answerOf(context, report, [1, [2, 3], { four: 4 }]), [1, [2, 3], { four: 4 }]);
    assert.deepEqual(await answerOf(context, report, []), []);
  });

  testClean('process: arguments are copied at the start, and each Process has its own (A38)', {}, async () => {
    const options = { bye: 2.54 };
    const one = startHeard(context, { target: (o: object) => console.log(JSON.stringify(o)), args: [options] });
    options.bye = 0;
    assert.deepEqual(JSON.parse((await one.outcome).stdout), { bye: 2.54 });
    const first = new Of();
    const second = new Of();
    assert.notEqual(first.name, second.name);
  });

  testClean('process: start() twice is refused, and does no harm', {}, async () => {
    const p = new Of({ target: () => process.exit(4) }).start();
    assert.throws(() => p.start(), ProcessStateError);
    await p.join();
    assert.throws(() => p.start(), /twice/);
    assert.equal(p.exitCode, 4);
  });

  testClean('process: daemon cannot be set after the start (A5)', {}, async () => {
    const p = new Of({ target: () => 1 });
    p.daemon = true;
    assert.equal(p.daemon, true);
    p.start();
    assert.throws(() => (p.daemon = false), ProcessStateError);
    assert.throws(() => (p.daemon = false), /already started/);
    await p.join();
    assert.throws(() => (currentProcess().daemon = true), ProcessStateError);
  });

  testClean("process: parentProcess() of a child has this process's pid and name, and is alive (A7)", {}, async () => {
    const answer = await answerOf(context, async () => {
      const parent = parentProcess()!;
      await parent.join({ timeout: 1 });
      console.log(JSON.stringify([parent.pid, parent.name, parent.isAlive()]));
    }, []);
    assert.deepEqual(answer, [process.pid, 'MainProcess', true]);
  });

  testClean(
    "process: a child knows its arguments, name and key, and its pid is the parent's p.pid (A9)",
    {},
    async () => {
      const { process: p, outcome } = startHeard(context, {
        name: 'a child',
        args: [1, 2, { hello: 23, bye: 2.54 }],
        target: (...args: unknown[]) => {
          const { name, pid, authKey, daemon } = currentProcess();
          console.log(JSON.stringify([args, name, pid, Buffer.from(authKey).toString('hex'), daemon]));
        },
      });
      const { pid } = p;
      assert.deepEqual(JSON.parse((await outcome).stdout), [
        [1, 2, { hello: 23, bye: 2.54 }],
        'a child',
        pid,
        Buffer.from(currentProcess().authKey).toString('hex'),
        false,
      ]);
    },
  );

  testClean('process: no exit code while it runs, 0 after join, and gone from activeChildren (A10)', {}, async () => {
    const p = new Of({ target: () => new Promise((resolve) => setTimeout(resolve, 50)) }).start();
    assert.equal(p.exitCode, null);
    assert.equal(p.isAlive(), true);
    assert.equal(inspect(p), `<${Of.name} name='${p.name}' pid=${p.pid} parent=${process.pid} started>`);
    assert.equal(String(p as unknown), inspect(p));
    assert.deepEqual(activeChildren(), [p]);
    await p.join();
    assert.equal(p.exitCode, 0);
    assert.equal(p.isAlive(), false);
    assert.deepEqual(activeChildren(), []);
    assert.match(inspect(p), / stopped exitcode=0>$/);
  });

  testClean('process: join may be called many times, also after the end (A11)', {}, async () => {
    const p = new Of({ target: () => process.exit(7) }).start();
    await Promise.all([p.join(), p.join(), p.join({ timeout: 10_000 })]);
    assert.equal(p.exitCode, 7);
    const start = performance.now();
    await p.join();
    await p.join({ timeout: 10_000 });
    assert.ok(performance.now() - start < 1_000);
    assert.equal(p.exitCode, 7);
  });

  testClean('process: join with a timeout of 0 or -1 returns at once, the child is alive (A12)', {}, async () => {
    const p = new Of({ target: idle }).start();
    const start = performance.now();
    await p.join({ timeout: 0 });
    await p.join({ timeout: -1 });
    assert.ok(performance.now() - start < 1_000);
    assert.equal(p.isAlive(), true);
    await assert.rejects(p.join({ timeout: Number.NaN }), TypeError);
    p.kill();
    await p.join();
  });

  testClean('process: the sentinel is refused before the start, and resolves at the end (A25, A26)', {}, async () => {
    const p = new Of({ target: idle });
    assert.throws(() => p.sentinel, ProcessStateError);
    p.start();
    const waited = await Promise.race([p.sentinel.then(() => 'ended'), p.join({ timeout: 20 }).then(() => 'late')]);
    assert.equal(waited, 'late');
    p.kill();
    await p.sentinel;
    assert.equal(p.isAlive(), false);
    await p.sentinel;
  });

  testClean('process: close() of a running one is refused and does it no harm (A27)', {}, async () => {
    const p = new Of({ target: () => new Promise((resolve) => setTimeout(resolve, 30)) }).start();
    assert.throws(() => p.close(), ProcessStateError);
    await p.join();
    assert.equal(p.exitCode, 0);
    p.close();
  });

  testClean('process: after close() all but name, daemon, authKey and close() is refused (A28)', {}, async () => {
    const p = new Of({ target: () => 1 }).start();
    await p.join();
    p.close();
    p.close();
    for (const use of [
      () => p.isAlive(),
      () => p.terminate(),
      () => p.kill(),
      () => p.interrupt(),
      () => p.start(),
      () => p.sentinel,
      () => p.exitCode,
      () => p.pid,
    ])
      assert.throws(use, ProcessClosedError);
    assert.ok((await rejection(p.join())) instanceof ProcessClosedError);
    assert.equal(p.daemon, false);
    assert.ok(p.authKey.length > 0);
    assert.equal(inspect(p), `<${Of.name} name='${p.name}' parent=${process.pid} closed>`);
    const unused = new Of();
    unused.close();
    assert.throws(() => unused.start(), ProcessClosedError);
  });

  testClean('process: run() called here runs here (A37)', {}, async () => {
    let calls = 0;
    const p = new Of({ target: (n: number) => (calls += n), args: [2] });
    assert.equal(p.run(), 2);
    assert.equal(calls, 2);
    assert.equal(p.isAlive(), false);
  });

  testClean('process: a Process that came from elsewhere can be neither started nor joined (A41)', {}, async () => {
    const mine = new Of({ target: () => 1 });
    const report = async (p: Process): Promise<void> => {
      const said: string[] = [];
      for (const use of [() => p.start(), () => p.join(), () => p.isAlive(), () => currentProcess().join()]) {
        try {
          await use();
        } catch (error) {
          said.push((error as Error).name);
        }
      }
      console.log(JSON.stringify([...said, String(p instanceof Process)]));
    };
    const answer = await answerOf(context, report, [mine as unknown as Process]);
    assert.deepEqual(answer, [...Array<string>(4).fill('ProcessStateError'), 'true']);
  });

  testClean('process: a subclass with fields of its own is sent with its run (A36)', {}, async () => {
    class Job extends Of {
      readonly word: string;
      #times = 2;
      constructor(word: string) {
        super({ name: `job-${word}`, stdio: ['ignore', 'pipe', 'pipe'] });
        this.word = word;
      }
      shout(): string {
        return this.word.toUpperCase().repeat(this.#times);
      }
      override async run(): Promise<void> {
        await Promise.resolve();
        console.log(JSON.stringify([this.shout(), this.name, currentProcess() === (this as unknown), this.isAlive()]));
      }
    }
    const job = new Job('hello').start();
    let text = '';
    for await (const chunk of job.stdout!) text += String(chunk);
    await job.join();
    assert.deepEqual(JSON.parse(text), ['HELLOHELLO', 'job-hello', true, true]);
    assert.equal(job.exitCode, 0);
  });

  testClean('process: a subclass may call the run of its base class, with target and arguments', {}, async () => {
    class Loud extends Of<[number]> {
      override run(): unknown {
        console.log('before');
        return super.run();
      }
    }
    const loud = new Loud({ target: (n) => console.log(n), args: [5], stdio: ['ignore', 'pipe', 'pipe'] }).start();
    let text = '';
    for await (const chunk of loud.stdout!) text += String(chunk);
    await loud.join();
    assert.equal(text, 'before\n5\n');
  });

  testClean('process: await using ends it', {}, async () => {
    let p: Process;
    {
      const heard = startHeard(context, { target: sayAndIdle });
      p = heard.process;
      void heard.outcome.catch(() => undefined);
      await using _ = p;
      await eventually(() => heard.stdout() === 'here\n');
      assert.equal(p.isAlive(), true);
    }
    assert.throws(() => p.isAlive(), ProcessClosedError);
    await using never = new Of();
    assert.equal(never.isAlive(), false);
  });

  testClean('process: what cannot travel is refused at start(), and nothing is left', {}, async () => {
    assert.throws(() => new Of({ target: (v: unknown) => v, args: [new WeakMap()] }).start(), /Cannot send/);
    const held = new WeakSet();
    assert.throws(() => new Of({ target: () => held.has({}) }).start(), { name: 'CaptureError' });
    assert.deepEqual(activeChildren(), []);
  });

  testClean('process: names count per ancestor, and can be set', {}, async () => {
    const { stdout } = await outcomeOf(
      context,
      async () => {
        const inner = new Process({ target: () => console.log(currentProcess().name), stdio: 'inherit' });
        inner.start();
        await inner.join();
        inner.name = 'renamed';
        console.log(inner.name);
      },
      [],
      { name: 'outer' },
    );
    assert.match(stdout, /^Process-\d+:1\nrenamed\n$/);
  });
});

testClean('process: wrong options are refused with a hint', {}, () => {
  const make = (options: object) => () => new Process(options);
  assert.throws(make({ traget: idle }), /Did you mean "target"/);
  assert.throws(make({ kwargs: {} }), /passes an object/);
  assert.throws(make({ target: 5 }), { name: 'ArgumentTypeError' });
  assert.throws(make({ target: undefined }), /pass the function itself/);
  assert.throws(make({ args: 'abc' }), { name: 'ArgumentTypeError' });
  assert.throws(make({ daemon: 1 }), { name: 'ArgumentTypeError' });
  assert.throws(make({ name: 1 }), { name: 'ArgumentTypeError' });
  assert.throws(make({ nice: 20 }), { name: 'ArgumentRangeError' });
  assert.throws(make({ stdio: 'loud' }), { name: 'ArgumentRangeError' });
  assert.throws(make({ context: 'thread', cwd: '/' }), /working directory/);
  assert.throws(make({ context: 'thread', stdio: [0] }), { name: 'ArgumentTypeError' });
  assert.throws(make(idle), { name: 'ArgumentTypeError' });
  assert.equal(contexts.length, 2);
});
