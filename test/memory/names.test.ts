import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lock, Queue, SharedArray, SharedEvent, SharedMemory } from 'manycore';
import { testClean } from '../matrix.ts';
import { runScript } from '../run-script.ts';

// What a thread has once and for all: its first segment, its bell.
new Queue().close();

const run = (code: string): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });

const leave = (also: string): string => `
  const { Pool, SharedMemory } = await import('manycore');
  const memory = new SharedMemory({ create: true, size: 10 });
  ${also}
  const { writeSync } = await import('node:fs');
  writeSync(1, process.pid + ' ' + memory.name);
  process.kill(process.pid, 'SIGKILL');
`;

for (const [what, next] of [
  ['pool', `const pool = new (await import('manycore')).Pool(1); await pool.apply(() => 1); await pool.terminate();`],
  ['shared memory', `new (await import('manycore')).SharedMemory({ create: true, size: 1 }).unlink();`],
] as const) {
  testClean(`memory: what a killed program has left is removed by the first ${what} of the next (G6)`, {}, () => {
    const inTask = `
      const pool = new Pool(2);
      await pool.map(async (bytes) => {
        new (await import('manycore')).SharedMemory({ create: true, size: 20 });
        return bytes;
      }, [new Uint8Array(5e6), new Uint8Array(5e6)]);
      pool.map(() => new Promise(() => undefined), [new Uint8Array(5e6), new Uint8Array(5e6)]);
    `;
    const [pid, name] = String(run(leave(inTask)).stdout).split(' ') as [string, string];
    assert.ok(existsSync(`/dev/shm/${name}`));
    assert.equal(run(next).status, 0);
    assert.deepEqual(
      readdirSync('/dev/shm').filter((other) => other.startsWith(`manycore-${pid}-`)),
      [],
    );
  });
}

testClean(
  'memory: names of a program whose user has made the thread himself are not taken for those of a dead one',
  {},
  () => {
    const inThread = `
    const { Worker } = await import('node:worker_threads');
    const thread = new Worker(\`
      Promise.all([import('manycore'), import('node:child_process')]).then(([{ SharedMemory }, { spawnSync }]) => {
        const memory = new SharedMemory({ create: true, size: 10 });
        const next = "new (await import('manycore')).SharedMemory({ create: true, size: 1 }).unlink()";
        spawnSync(process.execPath, ['--input-type=module', '-e', next]);
        new SharedMemory({ name: memory.name });
        memory.unlink();
      });
    \`, { eval: true });
    await new Promise((resolve) => thread.on('exit', resolve));
  `;
    const { status, stderr } = run(inThread);
    assert.equal(status, 0, String(stderr));
  },
);

testClean(
  'memory: nobody keeps account of it who could be killed: no process but the workers (F164, F165, G7)',
  {},
  async () => {
    const { stdout, code } = await runScript(`
    import { existsSync, readdirSync, readFileSync } from 'node:fs';
    import { Lock, Pool, Process, Queue, SharedArray, SharedMemory } from 'manycore';
    const childrenOf = (pid) => readdirSync('/proc/' + pid + '/task').flatMap((task) =>
      readFileSync('/proc/' + pid + '/task/' + task + '/children', 'latin1').split(' ').filter(Boolean));
    const there = (name) => existsSync('/dev/shm/' + name);
    const mine = new SharedMemory({ create: true, size: 10 });
    const all = [new Lock(), new SharedArray('f64', 1e6)];
    const names = new Queue();
    const p = new Process({
      target: async (queue) => {
        const { Lock, SharedMemory } = await import('manycore');
        const made = [new Lock(), new SharedMemory({ create: true, size: 20 })];
        await queue.put(made[1].name);
        setInterval(() => made, 1e6);
      },
      args: [names],
    }).start();
    const its = await names.get();
    console.log(childrenOf(process.pid).join() === String(p.pid), childrenOf(p.pid).length);
    p.kill();
    await p.join();
    console.log(p.exitCode, there(mine.name), there(its), new SharedMemory({ name: its }).size);
    console.log([mine.name, its].join());
  `);
    const [alone, killed, names] = stdout.split('\n');
    assert.equal(alone, 'true 0');
    assert.equal(killed, '-9 true true 20');
    assert.deepEqual(
      names!.split(',').filter((name) => existsSync(`/dev/shm/${name}`)),
      [],
    );
    assert.equal(code, 0);
  },
);

testClean(
  'memory: what locks, values and queues are in has no name by which another could cut it (G15)',
  {},
  async () => {
    const array = new SharedArray('f64', 1e6);
    const all = [new Lock(), new SharedEvent(), array, new Queue<string>()] as const;
    await all[3].put('large '.repeat(100_000));
    assert.deepEqual(
      readdirSync('/dev/shm').filter((name) => name.startsWith(`manycore-${process.pid}-`)),
      [],
    );
    const own = readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)].filter((target) => target.startsWith('/dev/shm/'));
      } catch {
        return [];
      }
    });
    assert.ok(own.length > 0);
    for (const target of own) assert.match(target, / \(deleted\)$/);
    await all[3].get();
  },
);

const canUnshare = spawnSync('unshare', ['-pf', '--mount-proc', 'true']).status === 0;

testClean(
  'memory: names of a program are not taken for those of a dead one in a container that shares /dev/shm (G6)',
  { skip: canUnshare ? false : 'unshare is not possible here' },
  () => {
    const memory = new SharedMemory({ create: true, size: 10 });
    const next = `new (await import('manycore')).SharedMemory({ create: true, size: 1 }).unlink();`;
    const inside = ['-pf', '--mount-proc', process.execPath, '--input-type=module', '-e', next];
    const { status, stderr } = spawnSync('unshare', inside, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(`/dev/shm/${memory.name}`));
    memory.unlink();
  },
);

const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0];
/** What a program with the number of the first process would have named, which has started later. */
const ofDead = `/dev/shm/manycore-1-1-${namespace}-`;
const sweep = `new (await import('manycore')).SharedMemory({ create: true, size: 1 }).unlink();`;

testClean('memory: a name in /dev/shm, where anybody can write, leads to no file outside of it (G6)', {}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'manycore-test-'));
  const victim = join(folder, 'file');
  writeFileSync(victim, 'precious');
  const notes = [`..%2F..${encodeURIComponent(victim)}`, '%ZZ', '..', '%00'].map((name) => `${ofDead}owns-${name}`);
  try {
    for (const note of notes) writeFileSync(note, '');
    symlinkSync(victim, `${ofDead}owns-7`);
    assert.equal(run(sweep).status, 0);
    assert.ok(existsSync(victim));
    assert.deepEqual(
      [...notes, `${ofDead}owns-7`].filter((note) => existsSync(note)),
      [],
    );
  } finally {
    for (const note of notes) rmSync(note, { force: true });
    rmSync(folder, { recursive: true });
  }
});

testClean(
  "memory: another user's note has nothing removed (G6)",
  { skip: process.getuid!() === 0 ? false : 'only root can make a file of another user' },
  () => {
    const mine = `/dev/shm/manycore-test-${process.pid}`;
    writeFileSync(mine, '');
    const note = `${ofDead}owns-${lstatSync(mine).ino}`;
    try {
      writeFileSync(note, '');
      chownSync(note, 65_534, 65_534);
      assert.equal(run(sweep).status, 0);
      assert.ok(existsSync(mine));
    } finally {
      for (const path of [mine, note]) unlinkSync(path);
    }
  },
);

testClean('memory: a chosen name of any characters is removed with its program, or refused (F164)', {}, () => {
  const name = '\u5185'.repeat(33);
  const { stdout } = run(`
    const { SharedMemory } = await import('manycore');
    const memory = new SharedMemory({ create: true, size: 8, name: ${JSON.stringify(name)} });
    console.log(new SharedMemory({ name: memory.name }).size);
  `);
  assert.equal(stdout, '8\n');
  assert.ok(!existsSync(`/dev/shm/${name}`));
  assert.throws(() => new SharedMemory({ create: true, size: 8, name: 'half a \ud800' }), {
    name: 'ArgumentRangeError',
  });
  assert.ok(!existsSync('/dev/shm/half a \ufffd'));
});

for (const call of ['openSync', 'writeFileSync', 'linkSync', 'unlinkSync']) {
  testClean(`memory: a program that is killed while it makes a chosen name leaves none: at ${call} (G6)`, {}, () => {
    const name = `manycore-test-${process.pid}`;
    const { signal } = run(`
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { SharedMemory } = await import('manycore');
      new SharedMemory({ create: true, size: 1 });
      const original = fs.${call};
      fs.${call} = (...args) => {
        const result = original(...args);
        if (String(args[0]).startsWith('/dev/shm')) process.kill(process.pid, 'SIGKILL');
        return result;
      };
      syncBuiltinESMExports();
      new SharedMemory({ create: true, size: 8, name: '${name}' });
    `);
    assert.equal(signal, 'SIGKILL');
    assert.equal(run(sweep).status, 0);
    assert.ok(!existsSync(`/dev/shm/${name}`));
  });
}
