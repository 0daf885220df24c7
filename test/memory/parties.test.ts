import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type Guard, Lock, Process, SharedArray } from 'manycore';
import { eventually, testClean } from '../matrix.ts';
import { runScript } from '../run-script.ts';

// What a thread has once and for all: its first segment, its bell.
void new Lock().locked();

/** A program says what has happened, or that it has not within this time. */
const within = `const within = (promise) => Promise.race([promise, new Promise((r) => setTimeout(r, 10_000, 'never').unref())]);`;

testClean(
  'memory: a thread that was ended while it waited is not rung by way of a file that has its descriptor',
  { limit: 60_000 },
  async () => {
    const { stdout, stderr } = await runScript(
      `
    import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { tmpdir } from 'node:os';
    import { Pool, Queue } from 'manycore';
    const queue = new Queue();
    const waits = new Queue();
    const pool = new Pool(1, { context: 'thread' });
    pool.apply(async (queue, waits) => {
      const item = queue.get();
      waits.putNowait(1);
      await item;
    }, [queue, waits]).catch(() => undefined);
    await waits.get();
    await pool.terminate();
    const folder = mkdtempSync(join(tmpdir(), 'manycore-test-'));
    const files = Array.from({ length: 60 }, (_, i) => join(folder, String(i)));
    for (const file of files) {
      writeFileSync(file, 'DATA');
      openSync(file, 'r');
    }
    queue.putNowait('x');
    console.log(files.filter((file) => readFileSync(file, 'utf8') !== 'DATA').length);
    rmSync(folder, { recursive: true });
  `,
      { limit: 60_000 },
    );
    assert.equal(stdout, '0\n', stderr);
  },
);

testClean('memory: who has no descriptor left takes nobody for dead (A20)', { limit: 60_000 }, () => {
  const program = `
    ${within}
    const { openSync, closeSync } = await import('node:fs');
    const { Lock, Process, Queue } = await import('manycore');
    const lock = new Lock();
    const queue = new Queue();
    const owner = new Process({
      target: async (lock, queue) => {
        await lock.acquire();
        await queue.put(1);
        setInterval(() => undefined, 1e6);
      },
      args: [lock, queue],
    }).start();
    await queue.get();
    const fds = [];
    try {
      for (;;) fds.push(openSync('/dev/null'));
    } catch {}
    const guard = lock.acquireSync({ timeout: 0 });
    for (const fd of fds) closeSync(fd);
    console.log(guard, fds.length > 0);
    owner.kill();
    await owner.join();
    console.log((await within(lock.acquire())).ownerDied);
  `;
  const args = ['-c', 'ulimit -n 200; exec "$0" --input-type=module -e "$1"', process.execPath, program];
  const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(stdout, 'undefined true\ntrue\n', stderr);
});

testClean('memory: who had no descriptor to ring with rings as soon as it has one', { limit: 60_000 }, () => {
  const program = `
    ${within}
    const { Process, Queue, SharedArray } = await import('manycore');
    const queue = new Queue();
    const step = new SharedArray('i32', 1);
    const reaches = async (value) => {
      while (step.array[0] !== value) await new Promise((resolve) => setImmediate(resolve));
    };
    const sender = new Process({
      target: async (queue, step) => {
        const { openSync, closeSync } = await import('node:fs');
        const fds = [];
        try {
          for (;;) fds.push(openSync('/dev/null'));
        } catch {}
        Atomics.store(step.array, 0, 1);
        while (Atomics.load(step.array, 0) === 1);
        queue.putNowait('sent');
        for (const fd of fds) closeSync(fd);
        setInterval(() => undefined, 1e6);
      },
      args: [queue, step],
    }).start();
    await within(reaches(1));
    const item = queue.get();
    Atomics.store(step.array, 0, 2);
    console.log(await within(item));
    sender.kill();
    await sender.join();
    process.exit();
  `;
  const args = ['-c', 'ulimit -n 200; exec "$0" --input-type=module -e "$1"', process.execPath, program];
  const { stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(stdout, 'sent\n', stderr);
});

testClean(
  'memory: one that is killed as it is about to ring keeps nobody from being rung by others (G2)',
  { limit: 60_000 },
  async () => {
    const { stdout, stderr } = await runScript(
      `
    ${within}
    import { Process, Queue, SharedEvent } from 'manycore';
    const queue = new Queue();
    const event = new SharedEvent();
    const killed = new Process({
      target: async (queue) => {
        const fs = process.getBuiltinModule('node:fs');
        const { writeSync } = fs;
        fs.writeSync = (...args) => {
          if (args[1] === '!') process.kill(process.pid, 'SIGKILL');
          return writeSync(...args);
        };
        process.getBuiltinModule('node:module').syncBuiltinESMExports();
        queue.putNowait('first');
      },
      args: [queue],
    }).start();
    const [first, second, wasSet] = [queue.get(), queue.get(), event.wait()];
    console.log(await first);
    await killed.join();
    const other = new Process({
      target: (event, queue) => {
        event.set();
        queue.putNowait('second');
        setInterval(() => undefined, 1e6);
      },
      args: [event, queue],
    }).start();
    console.log(await within(wasSet), await within(second));
    other.kill();
    await other.join();
    process.exit();
  `,
      { limit: 60_000 },
    );
    assert.equal(stdout, 'first\ntrue second\n', stderr);
  },
);

testClean('memory: a process that runs its exit handlers is not dead yet (G1)', { limit: 60_000 }, async () => {
  const lock = new Lock();
  const steps = new SharedArray('i32', 2);
  const ending = new Process({
    target: (its: Lock, at: SharedArray<'i32'>) => {
      let guard: Guard | undefined;
      process.on('exit', () => {
        guard = its.acquireSync();
        Atomics.store(at.array, 0, 1);
        const end = performance.now() + 10_000;
        while (Atomics.load(at.array, 1) === 0 && performance.now() < end);
        guard.release();
      });
    },
    args: [lock, steps],
  }).start();
  await eventually(() => Atomics.load(steps.array, 0) === 1, 10_000);
  const guard = lock.acquireSync({ timeout: 0 });
  Atomics.store(steps.array, 1, 1);
  await ending.join();
  assert.equal(guard, undefined);
  assert.equal(ending.exitCode, 0);
  assert.equal(lock.locked(), false);
});

testClean(
  'memory: what a worker had is for others when it has ended, also when another one came after it (G21)',
  { limit: 60_000 },
  async () => {
    const program = `
    import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
    import { setImmediate as nextTurn } from 'node:timers/promises';
    import { Lock, Process, Queue } from 'manycore';
    const sharedBytes = () => readdirSync('/proc/self/fd').reduce((sum, fd) => {
      try {
        return readlinkSync('/proc/self/fd/' + fd).startsWith('/dev/shm/') ? sum + fstatSync(Number(fd)).size : sum;
      } catch {
        return sum;
      }
    }, 0);
    const makeSome = () => Array.from({ length: 240 }, () => new Lock());
    await (async () => {
      const first = new Process({ target: (locks) => void (globalThis.kept = locks), args: [makeSome()] }).start();
      await first.join();
    })();
    const ready = new Queue();
    const target = async (ready) => {
      await ready.put(1);
      setInterval(() => ready, 1e6);
    };
    const second = new Process({ target, args: [ready] }).start();
    await ready.get();
    const before = sharedBytes();
    for (let turn = 0; turn < 20; turn++) {
      gc();
      await nextTurn();
    }
    const next = makeSome();
    console.log(next.length, sharedBytes() - before);
    second.kill();
    await second.join();
  `;
    const { stdout, stderr } = await runScript(program, { execArgv: ['--expose-gc'], limit: 60_000 });
    assert.equal(stdout, '240 0\n', stderr);
  },
);
