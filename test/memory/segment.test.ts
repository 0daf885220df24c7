import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { readdirSync } from 'node:fs';
import { Segment } from '#internal/memory/segment.js';
import { requireNative } from '#internal/native.js';
import { testClean } from '../matrix.ts';
import { runScript } from '../run-script.ts';

testClean('memory: more than 2 GiB, and more than 4, can be reached to their end', { limit: 60_000 }, async () => {
  const most = constants.MAX_LENGTH < 5 * 2 ** 30 ? 4 * 2 ** 30 - 4096 : 5 * 2 ** 30;
  // As much as is written to, not all of it, is taken.
  const { stdout, stderr } = await runScript(
    `
    import { ftruncateSync } from 'node:fs';
    import { SharedArray } from 'manycore';
    const { requireNative } = await import('${import.meta.resolve('#internal/native.js')}');
    requireNative('This test').allocate = (fd, bytes) => (ftruncateSync(fd, bytes), 0);
    for (const length of [3 * 2 ** 30, ${most}]) {
      const { array } = new SharedArray('f64', length / 8);
      array[length / 8 - 1] = 1.5;
      console.log(array.length * 8 === length, array.at(-1));
    }
    const { allocate } = await import('${import.meta.resolve('#internal/memory/block.js')}');
    for (const bytes of [3 * 2 ** 30, ${most}]) console.log(allocate(bytes).words.length * 4 === bytes);
  `,
    { limit: 60_000 },
  );
  assert.equal(stdout, 'true 1.5\ntrue 1.5\ntrue\ntrue\n', stderr);
});

testClean('memory: what cannot be mapped is closed, with an error that says why', { limit: 60_000 }, () => {
  const native = requireNative('This test');
  const { allocate } = native;
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  native.allocate = () => 0;
  try {
    // More than there are addresses.
    assert.throws(() => Segment.create(2 ** 50), { name: 'SharedMemoryError', message: /Cannot map/ });
  } finally {
    native.allocate = allocate;
  }
  assert.equal(open(), before);
  assert.throws(() => native.map(-1, 8), { name: 'SharedMemoryError', message: /EBADF/ });
});

testClean(
  'memory: more than a buffer can have in this version of Node is refused, and ends nothing',
  { skip: constants.MAX_LENGTH > 2 ** 40 ? 'it has no such limit' : false },
  async () => {
    const { stdout, stderr } = await runScript(
      `
      import { ftruncateSync, readdirSync } from 'node:fs';
      import { SharedArray, SharedMemory } from 'manycore';
      const { requireNative } = await import('${import.meta.resolve('#internal/native.js')}');
      requireNative('This test').allocate = (fd, bytes) => (ftruncateSync(fd, bytes), 0);
      for (const make of [() => new SharedArray('u8', 2 ** 33), () => new SharedMemory({ create: true, size: 2 ** 33 })])
        try {
          make();
        } catch ({ name }) {
          console.log(name, readdirSync('/dev/shm').filter((file) => file.startsWith('manycore-' + process.pid)));
        }
    `,
      { limit: 60_000 },
    );
    assert.equal(stdout, 'SharedMemoryError []\nSharedMemoryError []\n', stderr);
  },
);

for (const end of ['close', 'terminate'] as const) {
  testClean(`memory: what a thread has mapped goes with it: ${end} (G21)`, { limit: 60_000 }, async () => {
    const { stdout, stderr } = await runScript(
      `
      import { readFileSync } from 'node:fs';
      import { Pool, SharedArray, SharedMemory } from 'manycore';
      const mapped = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => line.includes('/dev/shm')).length;
      const array = new SharedArray('u8', 2e6);
      const memory = new SharedMemory({ create: true, size: 10 });
      const before = mapped();
      for (let round = 0; round < 2; round++) {
        const pool = new Pool(1, { context: 'thread' });
        await pool.apply((array, memory) => void (globalThis.kept = [array, memory, array.array[5]++, memory.bytes[0]++]), [array, memory]);
        const during = mapped();
        if ('${end}' === 'terminate') pool.apply(async () => new Promise(() => undefined)).catch(() => undefined);
        pool.${end}();
        await pool.join();
        console.log(during - before, mapped() - before, array.array[5], memory.bytes[0]);
      }
      memory.unlink();
    `,
      { limit: 60_000 },
    );
    assert.equal(stdout, '3 0 1 1\n3 0 2 2\n', stderr);
  });
}
