import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PoisonTaskError, task, WorkerLostError } from 'manycore';
import { allUp, descendants, inState, isAlive, pidOf, processes, scenario, sign, until } from './support.ts';

const P = { contexts: processes };
const forever = (): Promise<never> => new Promise(() => {});

scenario('SIGKILL of an idle worker: it is replaced, no task suffers (C1)', P, async ({ pool }) => {
  await allUp(pool, 2);
  const exits: { pid: number | undefined; signal: string | null }[] = [];
  pool.on('workerExit', (worker) => exits.push(worker));
  const pid = pidOf(pool);
  process.kill(pid, 'SIGKILL');
  await until('it is noticed', () => exits.length === 1);
  assert.equal(exits[0]?.pid, pid);
  assert.equal(exits[0]?.signal, 'SIGKILL');
  await allUp(pool, 2);
});

scenario('SIGKILL in the middle of a task: that task is lost, and soon (C2)', P, async ({ pool, submit }) => {
  await allUp(pool, 2);
  const begun = sign();
  const { error } = submit(
    (path) => {
      writeFileSync(path, '');
      for (;;);
    },
    [begun.path],
    { timeout: 30_000 },
  );
  await begun.given();
  const busy = pool.statistics().workers.find(({ tasks }) => tasks === 1)?.pid;
  const startedMs = performance.now();
  process.kill(busy!, 'SIGKILL');
  const lost = await error();
  assert.ok(lost instanceof WorkerLostError);
  assert.equal(lost.phase, 'running');
  assert.equal(lost.signal, 'SIGKILL');
  assert.equal(lost.pid, busy);
  assert.ok(performance.now() - startedMs < 500);
});

scenario(
  'SIGKILL between dispatch and start: the task is sent to another worker (C3)',
  { ...P, workers: 1 },
  async ({ pool, submit }) => {
    await allUp(pool, 1);
    const pid = pidOf(pool);
    process.kill(pid, 'SIGSTOP');
    await inState(pid, 'T');
    const results = Array.from({ length: 10 }, (_, i) => submit((x) => [x, task().attempt], [i]).result);
    await until('they are on their way', () => pool.statistics().workers[0]!.tasks > 0);
    process.kill(pid, 'SIGKILL');
    assert.deepEqual(
      await Promise.all(results),
      Array.from({ length: 10 }, (_, i) => [i, 1]),
    );
  },
);

scenario(
  'SIGKILL of workers that boot, 20 times: no task is consumed (C6)',
  // Long enough to be killed in it.
  { ...P, initializer: () => new Promise((resolve) => void setTimeout(resolve, 100)) },
  async ({ pool, submit }) => {
    const tasks = [1, 2, 3].map((x) => submit((y) => [y, task().attempt], [x]).result);
    const boots = new Set<number>();
    // The pool tells no pid before a worker is up. With the pauses that it makes between the starts this takes some seconds.
    const isDone = (): boolean => {
      for (const pid of descendants()) {
        if (boots.has(pid) || boots.size === 20) continue;
        boots.add(pid);
        process.kill(pid, 'SIGKILL');
      }
      assert.ok(pool.statistics().workers.every(({ state }) => state === 'starting'));
      return boots.size === 20;
    };
    await until('20 were killed', isDone, 50_000);
    assert.deepEqual(await Promise.all(tasks), [
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    assert.equal(pool.statistics().lost, 0);
  },
);

for (const workers of [1, 2, 5]) {
  scenario(`all ${workers} workers are killed in one tick (C8)`, { ...P, workers }, async ({ pool, submit }) => {
    await allUp(pool, workers);
    const results = Array.from(
      { length: workers * 4 },
      (_, i) =>
        submit(
          (token) => {
            const endMs = performance.now() + 50;
            while (performance.now() < endMs);
            return token * 7;
          },
          [i],
        ).result,
    );
    await until('all are busy', () => pool.statistics().workers.every(({ tasks }) => tasks > 0));
    for (const { pid } of pool.statistics().workers) process.kill(pid!, 'SIGKILL');
    const outcomes = await Promise.allSettled(results);
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.ok(rejected.length <= workers);
    for (const { reason } of rejected) assert.ok(reason instanceof WorkerLostError);
    outcomes.forEach((outcome, i) => outcome.status === 'fulfilled' && assert.equal(outcome.value, i * 7));
    await allUp(pool, workers);
  });

  scenario(`workers that kill each other, ${workers} of them (C8)`, { ...P, workers }, async ({ pool }) => {
    await allUp(pool, workers);
    const pids = pool.statistics().workers.map(({ pid }) => pid!);
    const outcomes = await Promise.allSettled(
      pids.map((_, i) => pool.apply((pid) => void process.kill(pid, 'SIGKILL'), [pids[(i + 1) % workers]!])),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Error);
    await allUp(pool, workers);
  });
}

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  scenario(`${signal} from outside: the worker is replaced, its task is told (C10)`, P, async ({ pool, submit }) => {
    await allUp(pool, 2);
    const begun = sign();
    const { error } = submit(
      (path) => {
        writeFileSync(path, '');
        return new Promise(() => {});
      },
      [begun.path],
    );
    await begun.given();
    process.kill(pool.statistics().workers.find(({ tasks }) => tasks === 1)!.pid!, signal);
    const lost = await error();
    assert.ok(lost instanceof WorkerLostError);
    assert.equal(lost.signal, signal);
  });
}

scenario('SIGINT and SIGUSR1 do nothing to a worker (C10, F9)', { ...P, workers: 1 }, async ({ pool, submit }) => {
  await allUp(pool, 1);
  const pid = pidOf(pool);
  const { result } = submit(
    (from) =>
      new Promise((resolve) => {
        process.kill(process.pid, 'SIGINT');
        process.kill(process.pid, 'SIGUSR1');
        setTimeout(() => resolve(from), 100);
      }),
    [7],
  );
  assert.equal(await result, 7);
  assert.equal(pidOf(pool), pid);
});

scenario('SIGSTOP of a busy worker, then SIGCONT: the result comes (C11)', P, async ({ pool, submit }) => {
  await allUp(pool, 2);
  const { result } = submit(() => new Promise((resolve) => setTimeout(() => resolve('late'), 50)), []);
  await until('it runs', () => pool.statistics().running === 1);
  const pid = pool.statistics().workers.find(({ tasks }) => tasks === 1)!.pid!;
  process.kill(pid, 'SIGSTOP');
  await inState(pid, 'T');
  assert.equal(await pool.apply(() => 'others go on'), 'others go on');
  process.kill(pid, 'SIGCONT');
  assert.equal(await result, 'late');
});

scenario('SIGSTOP of a busy worker whose task has a timeout (C11)', { ...P, workers: 1 }, async ({ pool, submit }) => {
  await allUp(pool, 1);
  const pid = pidOf(pool);
  // The timeout counts from the start: a worker that is stopped before never gets there.
  const begun = sign();
  const { error } = submit(
    (path) => {
      writeFileSync(path, '');
      for (;;);
    },
    [begun.path],
    { timeout: 300 },
  );
  await begun.given();
  process.kill(pid, 'SIGSTOP');
  assert.match((await error()).name, /TaskTimeoutError/);
  await until('it is gone', () => !isAlive(pid));
});

scenario('SIGSTOP, then terminate() (C12)', { ...P, ended: true }, async ({ pool, submit }) => {
  await allUp(pool, 2);
  const { error } = submit(forever, []);
  for (const { pid } of pool.statistics().workers) {
    process.kill(pid!, 'SIGSTOP');
    await inState(pid!, 'T');
  }
  const startedMs = performance.now();
  await pool.terminate();
  assert.ok(performance.now() - startedMs < 2_000);
  await error();
});

scenario('a host that was blocked takes finished work before it judges (C14)', {}, async ({ pool, submit }) => {
  await allUp(pool, 2);
  const { result } = submit(() => new Promise((resolve) => setTimeout(() => resolve('in time'), 50)), [], {
    timeout: 400,
  });
  await until('it runs', () => pool.statistics().running === 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const untilMs = performance.now() + 1_500;
  while (performance.now() < untilMs);
  assert.equal(await result, 'in time');
});

scenario(
  'a worker that closes its channel and goes on is ended (C17)',
  { ...P, workers: 1 },
  async ({ pool, submit }) => {
    await allUp(pool, 1);
    const pid = pidOf(pool);
    const error = await submit(() => {
      closeSync(4);
      for (;;);
    }, []).error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    await until('it is gone', () => !isAlive(pid));
  },
);

scenario('a worker that writes nonsense on its channel is ended, the host is not (H3)', P, async ({ submit }) => {
  for (const bytes of [Buffer.from('nonsense on the wire, and more of it'), Buffer.alloc(64, 0xff), Buffer.alloc(64)]) {
    const error = await submit(
      (data) => {
        writeSync(4, data);
        for (;;);
      },
      [bytes],
    ).error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    assert.equal((error.cause as Error).name, 'ProtocolError', error.stack);
  }
});

scenario(
  'a worker that begins a message and never ends it holds up nobody, and ends at its timeout (H4)',
  P,
  async ({ submit }) => {
    const never = submit(
      () => {
        // Half of the head of a frame.
        writeSync(4, Buffer.from('6d', 'hex'));
        for (;;);
      },
      [],
      { timeout: 500 },
    );
    assert.equal(await submit((x) => x * 2, [21]).result, 42);
    assert.equal((await never.error()).name, 'TaskTimeoutError');
  },
);

scenario(
  'a worker whose writes are short, or refused for a moment, loses nothing of its results (G22)',
  { ...P, workers: 1 },
  async ({ submit }) => {
    const strings = await submit(() => {
      const fs = process.getBuiltinModule('node:fs');
      const write = fs.writeSync as (...args: unknown[]) => number;
      let calls = 0;
      fs.writeSync = ((fd: number, bytes: Uint8Array, at = 0, length = bytes.length - at, ...rest: unknown[]) => {
        Object.assign(globalThis, { calls: ++calls });
        if (calls % 3 === 0) throw Object.assign(new Error('not now'), { code: 'EAGAIN' });
        return write(fd, bytes, at, Math.min(length, 1_000), ...rest);
      }) as unknown as typeof fs.writeSync;
      process.getBuiltinModule('node:module').syncBuiltinESMExports();
      return Array.from({ length: 20_000 }, (_, i) => `string ${i}`);
    }, []).result;
    assert.deepEqual(
      strings,
      Array.from({ length: 20_000 }, (_, i) => `string ${i}`),
    );
    const bytes = await submit(() => new Uint8Array(300_000).fill(7), []).result;
    assert.ok(bytes.length === 300_000 && bytes.every((byte) => byte === 7));
    assert.ok((await submit(() => Reflect.get(globalThis, 'calls') as number, []).result) > 100);
  },
);

scenario(
  'maxTasksPerChild against dispatch, a thousand times: none lost, none doubled (C18)',
  { maxTasksPerChild: 25 },
  async ({ pool }) => {
    const ran = await pool.map(
      (x) => x,
      Array.from({ length: 1_000 }, (_, i) => i),
      { chunkSize: 1 },
    );
    assert.deepEqual(
      ran,
      Array.from({ length: 1_000 }, (_, i) => i),
    );
    const { succeeded, lost } = pool.statistics();
    assert.equal(succeeded, 1_000);
    assert.equal(lost, 0);
  },
);

scenario(
  'an idle timeout against dispatch (C18)',
  { workers: undefined as never, min: 0, max: 2, idleTimeout: 5 },
  async ({ submit }) => {
    for (let i = 0; i < 30; i++) {
      assert.equal(await submit((x) => x, [i]).result, i);
      await new Promise((resolve) => setTimeout(resolve, i % 10));
    }
  },
);

scenario('a poison task is quarantined, others go on (C20)', {}, async ({ pool, submit }) => {
  const poison = submit(() => process.exit(9), [], { retries: 5 });
  const others = Array.from({ length: 50 }, (_, i) => submit((x) => x, [i]).result);
  const error = await poison.error();
  assert.ok(error instanceof PoisonTaskError, error.stack);
  assert.equal(error.attempts, 3);
  assert.deepEqual(
    await Promise.all(others),
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.equal(pool.statistics().lost, 3);
});

scenario('retries: a task that dies once succeeds the second time (C20)', {}, async ({ submit }) => {
  const result = submit(() => (task().attempt === 1 ? process.exit(1) : task().attempt), [], { retries: 1 });
  assert.equal(await result.result, 2);
});

scenario(
  'an elastic pool under load while its workers are killed: it follows the load (C19)',
  { contexts: processes, workers: undefined as never, min: 1, max: 4, idleTimeout: 100 },
  async ({ pool }) => {
    for (let wave = 0; wave < 3; wave++) {
      const settled = Promise.allSettled(
        Array.from({ length: 40 }, (_, i) =>
          pool.apply((x) => new Promise<number>((resolve) => setTimeout(() => resolve(x), 10)), [i]),
        ),
      );
      await until('it has grown', () => pool.statistics().workers.length >= 2 || pool.statistics().waiting === 0);
      const { pid } = pool.statistics().workers[0]!;
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const rejected = (await settled).filter((outcome) => outcome.status === 'rejected');
      assert.ok(rejected.length <= 1, `${rejected.length} rejections`);
      assert.ok(pool.statistics().workers.length <= 4);
      await until('it has shrunk', () => pool.statistics().workers.length === 1);
    }
  },
);

scenario(
  'SIGKILL in the middle of writing a large result: only that task is lost (C5)',
  P,
  async ({ pool, submit }) => {
    await allUp(pool, 2);
    const large = submit(() => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      // Out of the worker's group, and later than the result, which nobody reads meanwhile.
      spawn('sh', ['-c', `sleep 0.3; kill -9 ${process.pid}`], { detached: true, stdio: 'ignore' }).unref();
      return Array.from({ length: 2_000_000 }, (_, i) => `item ${i}`);
    }, []);
    const others = [1, 2, 3].map((x) => submit((y) => y * 2, [x]).result);
    await until('it runs', () => pool.statistics().workers.some(({ pid }) => childrenOf(pid!).length > 0));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    const error = await large.error();
    assert.ok(error instanceof WorkerLostError, error.stack);
    assert.equal(error.signal, 'SIGKILL');
    assert.deepEqual(await Promise.all(others), [2, 4, 6]);
    await allUp(pool, 2);
  },
);

function childrenOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  } catch {
    return [];
  }
}

const canUnshare = spawnSync('unshare', ['-pf', '--mount-proc', 'true']).status === 0;

test(
  'process: a host that is process 1 is not confused by orphans that become its children (C15)',
  { timeout: 60_000, skip: canUnshare ? false : 'unshare is not possible here' },
  () => {
    const program = `
      import { spawnSync } from 'node:child_process';
      import { readdirSync, readFileSync } from 'node:fs';
      import { Pool } from 'manycore';
      // Its child ends before it does, and it is nobody's then: process 1 gets it.
      const orphan = () => spawnSync('sh', ['-c', 'sleep 0.05 & sleep 0.2 &']);
      const pool = new Pool(2);
      const pids = new Set();
      for (let i = 0; i < 10; i++) {
        orphan();
        pids.add(await pool.apply(() => process.pid));
      }
      const lost = await pool.apply(() => process.kill(process.pid, 'SIGKILL')).catch((error) => error.name);
      console.log(process.pid, lost, pool.statistics().lost, await pool.apply((x) => x, [42]));
      await pool.terminate();
      const workers = readdirSync('/proc').filter((pid) => Number(pid) > 1).filter((pid) => {
        try {
          return readFileSync('/proc/' + pid + '/cmdline', 'latin1').includes('entry-process');
        } catch {
          return false;
        }
      });
      console.log(workers.length);`;
    const { stdout, stderr, status } = spawnSync(
      'unshare',
      ['-pf', '--mount-proc', process.execPath, '--input-type=module', '-e', program],
      { encoding: 'utf8', cwd: fileURLToPath(new URL('../../..', import.meta.url)) },
    );
    assert.equal(stderr, '');
    assert.equal(stdout, '1 WorkerLostError 1 42\n0\n');
    assert.equal(status, 0);
  },
);
