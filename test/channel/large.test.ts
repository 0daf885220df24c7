import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, { readdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import {
  FrameTooLargeError,
  Pool,
  SharedArray,
  SharedMemory,
  SharedMemoryError,
  ThreadPool,
  transfer,
  WorkerLostError,
} from 'manycore';
import { LargeBuffers } from '#internal/memory/large.js';
import { requireNative } from '#internal/native.js';
import { FrameAssembler, frameAround } from '#internal/wire/frame.js';
import { eventually, rejection, testClean, testPool } from '../matrix.ts';

const MiB = 1024 * 1024;

// What a thread has once and for all: its first shared memory, its bell.
void new SharedArray('u8', 1);

/** Through the pipe; through memory and copied; through memory and mapped. */
const sizes = [64 * 1024 - 1, 64 * 1024, MiB, 4 * MiB, 5 * MiB + 3];

function patterned(bytes: number): Uint8Array {
  return new Uint8Array(bytes).map((_, i) => (i * 31 + (i >> 11)) & 255);
}

function names(): string[] {
  return readdirSync('/dev/shm').filter((name) => name.startsWith(`manycore-${process.pid}-`));
}

testPool('large buffers: arrive whole, both ways, as plain buffers (Q413)', { workers: 1 }, async (pool) => {
  for (const size of sizes) {
    const sent = patterned(size);
    const back = await pool.apply((bytes: Uint8Array) => bytes.map((byte) => byte ^ 255), [sent]);
    assert.ok(back.buffer instanceof ArrayBuffer);
    assert.equal(
      Buffer.compare(
        back,
        sent.map((byte) => byte ^ 255),
      ),
      0,
      `${size} bytes`,
    );
  }
  assert.deepEqual(names(), []);
});

testPool(
  'large buffers: what one side changes the other does not see; views on one buffer stay so',
  { workers: 1 },
  async (pool) => {
    const buffer = patterned(5 * MiB).buffer;
    const change = ([a, b]: Uint8Array[]): Uint8Array[] => {
      a!.fill(9);
      return [a!, b!];
    };
    const call = pool.apply(change, [[new Uint8Array(buffer), new Uint8Array(buffer)]]);
    new Uint8Array(buffer).fill(1);
    const [a, b] = await call;
    assert.equal(a!.buffer, b!.buffer);
    assert.ok(b!.every((byte) => byte === 9));
    assert.ok(new Uint8Array(buffer).every((byte) => byte === 1));
  },
);

testPool('large buffers: moved ones are detached here', { workers: 1 }, async (pool) => {
  const bytes = new Uint8Array(5 * MiB).fill(2);
  assert.equal(await pool.apply((b: Uint8Array) => b.length + b[7]!, [transfer(bytes)]), 5 * MiB + 2);
  assert.equal(bytes.length, 0);
});

testPool(
  'large buffers: one that arrived can be sent on, moved to a thread, and taken by transfer()',
  { workers: 1 },
  async (pool) => {
    const arrived = await pool.apply((bytes: number) => new Uint8Array(bytes).fill(5), [5 * MiB]);
    await using threads = new ThreadPool(1);
    const last = (b: Uint8Array): number => b.at(-1)!;
    assert.equal(await threads.apply(last, [transfer(arrived)]), 5);
    assert.equal(await pool.apply(last, [transfer(arrived)]), 5);
    const { buffer } = arrived as unknown as { buffer: { transfer?: () => ArrayBuffer } };
    if (typeof buffer.transfer !== 'function') return;
    const taken = buffer.transfer();
    assert.equal(new Uint8Array(taken).at(-1), 5);
    assert.equal(arrived.length, 0);
  },
);

testClean('large buffers: the result of a worker that ends at once is not lost', {}, async () => {
  await using pool = new Pool(2, { maxTasksPerChild: 1 });
  const lengths = await pool.map((i: number) => new Uint8Array(5 * MiB).fill(i), [1, 2, 3, 4], { chunkSize: 1 });
  assert.deepEqual(
    lengths.map((bytes) => bytes.at(-1)),
    [1, 2, 3, 4],
  );
});

testClean('large buffers: what a killed worker has not read is removed (E5)', {}, async () => {
  const pool = new Pool(1);
  const big = new Uint8Array(5 * MiB);
  await pool.apply(() => 1);
  const killed = pool.apply((bytes: Uint8Array) => process.kill(process.pid, 'SIGKILL') && bytes, [big]);
  const rest = pool.map((bytes: Uint8Array) => bytes.length, [big, big, big]);
  assert.ok((await rejection(killed)) instanceof WorkerLostError);
  await rest.catch(() => undefined);
  await pool.terminate();
  await eventually(() => names().length === 0);
});

testPool('large buffers: 2 GiB are refused before anything is allocated (B7)', { workers: 1 }, async (pool) => {
  const rss = process.memoryUsage.rss();
  const error = await rejection(pool.apply((b: ArrayBuffer) => b.byteLength, [new ArrayBuffer(2 ** 31 + 8)]));
  assert.match(error.message, /too large/);
  assert.ok(error instanceof FrameTooLargeError || error.cause instanceof FrameTooLargeError, String(error));
  assert.ok(process.memoryUsage.rss() - rss < 500 * MiB);
  assert.deepEqual(names(), []);
});

testPool(
  'large buffers: a result of 2 GiB is refused before anything is sent, and the worker goes on (B7)',
  { workers: 1 },
  async (pool) => {
    const error = await rejection(pool.apply(() => new ArrayBuffer(2 ** 31 + 8)));
    assert.match(String(error.message), /too large/);
    assert.equal(await pool.apply(() => 1), 1);
    assert.deepEqual(names(), []);
  },
);

testPool(
  'large buffers: an array that all tasks share is there once, whatever their number, and leaves no file (W532)',
  { workers: 2 },
  async (pool) => {
    const array = new SharedArray('f64', 2 * MiB);
    array.array.fill(1.5);
    const seen = await pool.map(
      (i) => {
        array.array[i] = i;
        return [array.array.at(-1)!, process.pid, process.memoryUsage.rss()] as const;
      },
      Array.from({ length: 100 }, (_, i) => i),
      { chunkSize: 1 },
    );
    for (const [i, [last]] of seen.entries()) assert.deepEqual([last, array.at(i)], [1.5, i]);
    // Copied it would be 16 MiB for each of them.
    for (const worker of new Set(seen.map(([, pid]) => pid))) {
      const sizes = seen.flatMap(([, pid, rss]) => (pid === worker ? [rss] : []));
      assert.ok(Math.max(...sizes) - Math.min(...sizes) < 200 * MiB, `${sizes.length} tasks`);
    }
    assert.deepEqual(names(), []);
  },
);

testClean('large buffers: names that are none are a ProtocolError', {}, () => {
  for (const name of ['/etc/passwd', '../../etc/passwd', `manycore-1-1-1-large-1-${'0'.repeat(16)}`]) {
    const large = new LargeBuffers(process.pid);
    const { head, tail } = frameAround(1, 0, [new ArrayBuffer(100_000)], large);
    const [place] = tail as [Buffer];
    const real = place.toString('latin1');
    place.fill(0).write(name);
    const assembler = new FrameAssembler(1, () => assert.fail('delivered'), large);
    assert.throws(() => assembler.push(Buffer.concat([head, place])), { code: 'ERR_MANYCORE_PROTOCOL' });
    place.write(real, 'latin1');
    let bytes = 0;
    new FrameAssembler(1, (_, [buffer]) => (bytes = buffer!.byteLength), large).push(Buffer.concat([head, place]));
    assert.equal(bytes, 100_000);
  }
});

testPool(
  'large buffers: when there is no memory for a large buffer it goes through the pipe (G14)',
  { workers: 1 },
  async (pool) => {
    const { ENOSPC } = constants.errno;
    const native = requireNative('The test') as { allocate(fd: number, bytes: number): number };
    const { allocate } = native;
    const write = fs.writeSync as (...args: unknown[]) => number;
    let refused = 0;
    native.allocate = () => ENOSPC;
    fs.writeSync = ((fd: number, bytes: Uint8Array, ...rest: unknown[]) => {
      if (bytes.length < MiB || !fs.fstatSync(fd).isFile()) return write(fd, bytes, ...rest);
      refused++;
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }) as typeof fs.writeSync;
    syncBuiltinESMExports();
    try {
      const sent = patterned(20 * MiB);
      const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte) => total + byte, 0);
      assert.equal(await pool.apply(sum, [sent]), sum(sent));
      assert.ok(refused > 0);
      assert.throws(
        () => new SharedMemory({ create: true, size: MiB }),
        (error: Error) => error instanceof SharedMemoryError && Reflect.get(error.cause as Error, 'code') === 'ENOSPC',
      );
      assert.deepEqual(names(), []);
    } finally {
      native.allocate = allocate;
      fs.writeSync = write as typeof fs.writeSync;
      syncBuiltinESMExports();
    }
  },
);

const small = 'mount -t tmpfs -o size=3m none /dev/shm && exec "$0" --input-type=module -e "$1"';
const echo = `
  const { Pool, SharedMemory } = await import('manycore');
  const pool = new Pool(1);
  const back = await pool.apply((b) => b.fill(4), [new Uint8Array(${8 * MiB})]);
  console.log(back.length, back.at(-1));
  await pool.terminate();
  try { new SharedMemory({ create: true, size: ${8 * MiB} }); } catch (error) { console.log(error.cause.code); }
  console.log(new SharedMemory({ create: true, size: ${MiB} }).bytes.fill(1).length);
`;
/** As another user's namespace it is allowed in more places. */
const mayMount = ['-m', '-Urm'].find((flags) => spawnSync('unshare', [flags, 'true']).status === 0);

testClean(
  'large buffers: when /dev/shm is full they go through the pipe, and nothing touches what is not there (G14)',
  { skip: mayMount !== undefined ? false : 'mounting is not allowed here' },
  () => {
    const command = [mayMount!, 'sh', '-c', small, process.execPath, echo];
    const { stdout, stderr, signal } = spawnSync('unshare', command, { encoding: 'utf8' });
    assert.equal(stdout, `${8 * MiB} 4\nENOSPC\n${MiB}\n`, stderr);
    assert.equal(signal, null);
  },
);
