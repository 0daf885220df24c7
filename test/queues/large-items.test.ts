import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Queue, SharedMemoryError } from 'manycore';
import { steps } from '#internal/queues/ring.js';
import { Kind, SharedRing } from '#internal/queues/shared-ring.js';
import { testQueues } from './support.ts';

testQueues('queue: a large item is given back by its own record, which the next one writes over', () => {
  // Room for the records of four large items, which fill it.
  const ring = SharedRing.create({ capacity: 64, limit: 100 });
  const item = (i: number): string => String(i).repeat(10_000);
  const put = (i: number): boolean => ring.putSync(Kind.message, item(i), {}, 0);
  assert.deepEqual([0, 1, 2, 3, 4].map(put), [true, true, true, true, false]);
  for (let i = 0; i < 20; i++) {
    let refilled = false;
    steps.step = (name) => {
      if (name === 'take: dropped') refilled = put(i + 4);
    };
    try {
      assert.equal(ring.takeSync({}, 0), item(i));
    } finally {
      steps.step = undefined;
    }
    assert.ok(refilled);
  }
  for (let i = 20; i < 24; i++) assert.equal(ring.takeSync({}, 0), item(i));
  assert.equal(ring.storedBytes, 0);
});

testQueues('queue: what a killed consumer has not given back does not keep large items out of an empty queue', () => {
  const ring = SharedRing.create({ capacity: 64, limit: 100 });
  const put = (text: string): boolean => ring.putSync(Kind.message, text, {}, 0);
  // Killed before it has given back the pages of what it took: as many as large items may have at most.
  Atomics.add(ring.block.words, 16, 256 * 256);
  assert.equal(ring.storedBytes, 2 ** 28);
  assert.equal(put('a'.repeat(10_000)), true);
  assert.equal(put('b'.repeat(10_000)), false);
  assert.equal(ring.takeSync({}, 0), 'a'.repeat(10_000));
  assert.equal(ring.storedBytes, 0);
});

testQueues(
  'queue: a large item for which there is no memory is refused by a typed error, and leaves the queue as it was',
  () => {
    const q = new Queue<string>();
    const write = fs.writeSync;
    let full = true;
    let attempts = 0;
    fs.writeSync = ((fd: number, bytes: Uint8Array, ...rest: [number, number, number]) => {
      if (bytes.length < 100_000) return write(fd, bytes, ...rest);
      attempts++;
      if (full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      return write(fd, bytes, ...rest);
    }) as typeof fs.writeSync;
    syncBuiltinESMExports();
    try {
      const large = 'large '.repeat(100_000);
      assert.throws(() => q.putNowait(large), SharedMemoryError);
      // Once more after what is kept for large buffers was given back.
      assert.equal(attempts, 2);
      assert.deepEqual([q.qsize(), q.statistics().largeBytes], [0, 0]);
      full = false;
      q.putNowait(large);
      assert.equal(q.getNowait(), large);
    } finally {
      fs.writeSync = write;
      syncBuiltinESMExports();
    }
  },
);
