import assert from 'node:assert/strict';
import { SharedArray, SharedMemory, shared, ThreadPool, transfer } from 'manycore';
import { collectGarbage, eventually, testClean } from '../matrix.ts';

// What this thread keeps for all of its shared objects is there before the first test.
shared(0);

/** What tells that nobody has the buffer any more. */
function watch(buffer: object): () => boolean {
  const held = new WeakRef(buffer);
  return () => (collectGarbage(), held.deref() === undefined);
}

const kinds: Record<string, () => ArrayBuffer> = {
  'a SharedArray': () => new SharedArray('u8', new Uint8Array(100_000).fill(5)).array.buffer as ArrayBuffer,
  'a shared value': () => shared(new Uint8Array(100_000).fill(5)).value.buffer,
  'a SharedMemory': () => {
    const memory = new SharedMemory({ create: true, size: 100_000 });
    memory.bytes.fill(5);
    memory.unlink();
    return memory.buffer;
  },
};

for (const [kind, make] of Object.entries(kinds)) {
  testClean(`memory: what is moved out of ${kind} is a copy, which outlives it`, {}, async () => {
    const copies: ArrayBuffer[] = [];
    const gone: (() => boolean)[] = [];
    await (async () => {
      for (const move of [
        (buffer: ArrayBuffer) => structuredClone(buffer, { transfer: [buffer] }),
        (buffer: ArrayBuffer & { transfer?: () => ArrayBuffer }) => buffer.transfer?.() ?? buffer.slice(0),
      ]) {
        const buffer = make();
        gone.push(watch(buffer));
        try {
          copies.push(move(buffer));
        } catch (error) {
          // Node 22 refuses what Node 20 copies.
          assert.equal((error as Error).name, 'DataCloneError');
        }
      }
      const buffer = make();
      await using pool = new ThreadPool(1);
      assert.equal(await pool.apply((bytes: ArrayBuffer) => new Uint8Array(bytes)[7], [transfer(buffer)]), 5);
      assert.equal(buffer.byteLength, 100_000);
    })();
    await eventually(() => gone.every((isGone) => isGone()));
    await new Promise(setImmediate);
    for (const copy of copies) assert.ok(new Uint8Array(copy).every((byte) => byte === 5));
  });
}
