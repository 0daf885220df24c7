import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Pool, WorkerLostError } from 'manycore';
import { maxKeptBytes, minMappedBytes } from '#internal/limits.js';
import { retireKept } from '#internal/memory/kept-files.js';
import { LargeBuffers } from '#internal/memory/large.js';
import { collectGarbage, eventually, rejection, testClean, testPool } from '../matrix.ts';

const MiB = 1024 * 1024;

/** Files for large buffers that this process has mapped. */
function mapped(): string[] {
  return readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .filter((line) => /\/manycore-(?:\d+-){3}large-/.test(line));
}

async function allUnmapped(): Promise<void> {
  await eventually(() => (collectGarbage(), mapped().length === 0));
}

function filled(bytes: number, value: number): Uint8Array {
  return new Uint8Array(bytes).fill(value);
}

/** The two ends of a channel, both in this process. */
class Ends implements Disposable {
  readonly host = new LargeBuffers(process.pid);
  readonly worker = new LargeBuffers(process.pid);

  /** Sends from one end and receives at the other; the buffer is dropped unless it is kept. */
  pass(value: Uint8Array, from: 'host' | 'worker', kept?: Uint8Array[]): string {
    const name = this[from].put(value);
    assert.ok(name !== undefined);
    const arrived = new Uint8Array(this[from === 'host' ? 'worker' : 'host'].take(name, value.length, none));
    assert.equal(Buffer.compare(arrived, value), 0);
    kept?.push(arrived);
    return name;
  }

  /** Until nobody has what was received and is not kept. */
  async collected(bytes: number): Promise<void> {
    await eventually(() => (collectGarbage(), this.host.freeBytes >= bytes));
  }

  [Symbol.dispose](): void {
    this.host.close();
    this.worker.close();
  }
}

function none(): ArrayBuffer {
  throw new Error('It is not to be copied.');
}

testClean('kept files: what its receiver has let go carries the next buffer, in either direction', {}, async () => {
  using ends = new Ends();
  const first = ends.pass(filled(5 * MiB, 1), 'host');
  await ends.collected(5 * MiB);
  assert.equal(ends.pass(filled(4 * MiB + 7, 2), 'worker'), first);
  await ends.collected(5 * MiB);
  assert.equal(ends.pass(filled(5 * MiB, 3), 'host'), first);
  assert.equal(ends.host.freeBytes, 0);
});

testClean('kept files: as long as its receiver has the buffer a file is nobody else’s', {}, async () => {
  using ends = new Ends();
  const kept: Uint8Array[] = [];
  const names = new Set<string>();
  for (let i = 1; i <= 3; i++) {
    names.add(ends.pass(filled(4 * MiB, i), 'host', kept));
    collectGarbage();
    await new Promise(setImmediate);
  }
  assert.equal(names.size, 3);
  kept[0]!.fill(9);
  assert.deepEqual(
    kept.map((bytes) => [bytes[0], bytes.at(-1)]),
    [
      [9, 9],
      [2, 2],
      [3, 3],
    ],
  );
});

testClean(
  'kept files: too large a file is not used for a small buffer; below the size that is mapped none is',
  {},
  async () => {
    using ends = new Ends();
    const large = ends.pass(filled(10 * MiB, 1), 'host');
    await ends.collected(10 * MiB);
    assert.notEqual(ends.pass(filled(4 * MiB, 2), 'host'), large);
    const small = ends.host.put(filled(minMappedBytes - 1, 3))!;
    assert.equal(
      ends.worker.take(small, minMappedBytes - 1, (bytes) => new ArrayBuffer(bytes)).byteLength,
      minMappedBytes - 1,
    );
    assert.throws(() => ends.worker.take(large, 11 * MiB, none), /not filled/);
  },
);

testClean('kept files: what waits is bounded, and given back when it is idle', {}, async () => {
  await allUnmapped();
  using ends = new Ends();
  const bytes = maxKeptBytes / 4;
  (() => {
    for (const kept: Uint8Array[] = []; kept.length < 6;) ends.pass(filled(bytes, kept.length), 'host', kept);
  })();
  assert.equal(mapped().length, 12);
  let most = 0;
  await eventually(() => {
    collectGarbage();
    most = Math.max(most, ends.host.freeBytes);
    return mapped().length === 0;
  });
  assert.ok(most > 0 && most <= maxKeptBytes, String(most));
});

testClean('kept files: memory that runs short is given back at once', {}, async () => {
  await allUnmapped();
  using ends = new Ends();
  const name = ends.pass(filled(8 * MiB, 1), 'host');
  await ends.collected(8 * MiB);
  retireKept();
  assert.equal(mapped().length, 0);
  assert.notEqual(ends.pass(filled(8 * MiB, 2), 'host'), name);
});

testClean('kept files: a buffer outlives the end of the channel', {}, async () => {
  (() => {
    const kept: Uint8Array[] = [];
    {
      using ends = new Ends();
      ends.pass(filled(6 * MiB, 4), 'host', kept);
      ends.pass(filled(6 * MiB, 5), 'worker', kept);
    }
    collectGarbage();
    assert.ok(kept.every((bytes, i) => bytes.every((byte) => byte === 4 + i)));
  })();
  await allUnmapped();
});

testPool(
  'kept files: thirty buffers there and back, each as it was sent',
  { workers: 2, test: { limit: 60_000 } },
  async (pool) => {
    const echo = (bytes: Uint8Array): Uint8Array => bytes;
    for (let i = 0; i < 30; i++) {
      const bytes = filled(4 * MiB + i * 1000, i);
      const call = pool.apply(echo, [bytes]);
      const [back, changed] = await Promise.all([call, pool.apply((b: Uint8Array) => b.fill(255), [bytes])]);
      assert.equal(Buffer.compare(back, bytes), 0);
      assert.ok(changed.length === bytes.length && changed[i] === 255);
    }
  },
);

testClean('kept files: a worker that is killed leaves none mapped here, and what came from it stays', {}, async () => {
  // In a function of its own, which refers to nothing when it has returned.
  await (async () => {
    const results: Uint8Array[] = [];
    const pool = new Pool(1);
    for (let i = 0; i < 8; i++) {
      const back = await pool.apply((bytes: Uint8Array) => bytes.fill(7), [filled(5 * MiB, i)]);
      if (i % 2 === 0) results.push(back);
      collectGarbage();
    }
    const killed = pool.apply((b: Uint8Array) => process.kill(process.pid, 'SIGKILL') && b, [filled(5 * MiB, 1)]);
    assert.ok((await rejection(killed)) instanceof WorkerLostError);
    assert.equal((await pool.apply((bytes: Uint8Array) => bytes, [filled(5 * MiB, 3)])).at(-1), 3);
    await pool.terminate();
    assert.ok(results.every((bytes) => bytes.every((byte) => byte === 7)));
  })();
  await allUnmapped();
});

const busyProgram = `
  const { Pool } = await import('manycore');
  const pool = new Pool(1);
  const bytes = new Uint8Array(${6 * MiB});
  for (let i = 0; i < 10; i++) await pool.apply((b) => b, [bytes]);
  console.log('warm');
  setInterval(() => undefined, 1000);
`;

testClean('kept files: a program that is killed leaves nothing in /dev/shm', {}, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', busyProgram], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(
    readdirSync('/dev/shm').filter((name) => name.startsWith(`manycore-${child.pid}-`)),
    [],
  );
});

const shortOfMemory = `
  const { Pool, SharedArray } = await import('manycore');
  const pool = new Pool(1);
  await (async () => {
    for (let i = 0; i < 3; i++) await pool.apply(() => new Uint8Array(${5 * MiB}).fill(1));
  })();
  await pool.apply(() => 0);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => (gc(), setImmediate(resolve)));
  console.log(new SharedArray('u8', ${11 * MiB}).array.length);
  await pool.terminate();
`;
const mayMount = spawnSync('sh', ['-c', 'unshare -m true']).status === 0;

testClean(
  'kept files: they leave room in /dev/shm for everything else (G14)',
  { skip: mayMount ? false : 'mounting is not allowed here' },
  () => {
    const inMemory = `exec unshare -m sh -c 'mount -t tmpfs -o size=12m none /dev/shm && exec "$0" --expose-gc --input-type=module -e "$1"' "$0" "$1"`;
    const { stdout, stderr } = spawnSync('sh', ['-c', inMemory, process.execPath, shortOfMemory], { encoding: 'utf8' });
    assert.equal(stdout, `${11 * MiB}\n`, stderr);
  },
);
