import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { testClean } from '../matrix.ts';

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
