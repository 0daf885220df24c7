import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool, SerializationError, shared, type Shared } from 'manycore';
import { collectGarbage, eachContext, testClean, testPool } from '../matrix.ts';

// What this thread keeps for all of its shared objects is there before the first test.
shared(0);

// Memory goes with the last object that refers to it: the tests look for what is left.
setInterval(collectGarbage, 50).unref();

const sample = (): {
  name: string;
  small: Uint8Array;
  large: Float64Array;
  odd: ArrayBuffer;
  map: Map<string, number>;
} => ({
  name: 'a table',
  small: new Uint8Array([1, 2, 3]),
  large: new Float64Array(100_000).fill(1.5),
  odd: new Uint8Array(100_001).fill(7).buffer,
  map: new Map([['a', 1]]),
});

test('shared value: printed, it tells how large it is, without being read', () => {
  assert.match(String(shared({ numbers: new Float64Array(1_000) }) as unknown), /^<Shared 8\d{3} bytes>$/);
});

eachContext((context) => {
  testPool('shared value: every worker reads it, nested in an argument', { context, workers: 2 }, async (pool) => {
    const value = sample();
    const handle = shared(value);
    assert.deepEqual(handle.value, value);
    const read = (item: { of: Shared<typeof value>[] }): unknown => item.of[0]!.value;
    for (const copy of await pool.map(read, [{ of: [handle] }, { of: [handle] }])) assert.deepEqual(copy, value);
  });

  testPool(
    'shared value: its buffers are one memory for all, its handle is one per worker',
    { context, workers: 1 },
    async (pool) => {
      const handle = shared(sample());
      await pool.apply((h: typeof handle) => void h.value.large.fill(8), [handle]);
      assert.ok(handle.value.large.every((item) => item === 8));
      assert.equal(
        await pool.apply((a: typeof handle, b: typeof handle) => a.value === b.value, [handle, handle]),
        true,
      );
    },
  );

  // A task that is taken back and sent anew leaves a reference on its way, which keeps the memory: so this is no test of leftovers.
  test(`${context}: shared value: 256 MiB go to four tasks without a copy`, { timeout: 30_000 }, async () => {
    await using pool = new Pool(2, { context });
    const handle = shared(new Uint8Array(256 * 2 ** 20).fill(3));
    const grown = await pool.map(
      (h: typeof handle) => {
        const before = process.memoryUsage().arrayBuffers;
        return h.value.at(-1) === 3 ? process.memoryUsage().arrayBuffers - before : Number.NaN;
      },
      [handle, handle, handle, handle],
      { chunkSize: 1 },
    );
    for (const bytes of grown) assert.ok(bytes < 2 ** 20, `${bytes} bytes`);
  });

  // The thread keeps what it knows of other owners, so these leave something behind.
  test(`${context}: shared value: captured; made by a worker and handed back`, { timeout: 30_000 }, async () => {
    await using pool = new Pool(1, { context });
    const handle = shared(sample());
    assert.equal(await pool.apply(() => handle.value.large[99_999]), 1.5);
    const made = await pool.apply(async () => {
      const { shared: put } = await import('manycore');
      return put(new Uint8Array(100_000).fill(5));
    });
    assert.ok(made.value.every((byte) => byte === 5));
  });
});

test('shared value: buffers of all sizes are one memory for all', { timeout: 30_000 }, async () => {
  await using pool = new Pool(2);
  const lengths = [0, 1, 16, 16_383, 16_384, 100_000];
  const handle = shared(lengths.map((length) => new Uint8Array(length).fill(1)));
  await pool.apply((h: typeof handle) => h.value.forEach((bytes) => bytes.fill(bytes.length % 251)), [handle]);
  for (const [i, bytes] of handle.value.entries()) {
    assert.equal(bytes.length, lengths[i]);
    assert.ok(
      bytes.every((byte) => byte === bytes.length % 251),
      String(bytes.length),
    );
  }
  const many = shared(Array.from({ length: 20_000 }, (_, i) => new Float64Array([i])));
  await pool.apply((h: typeof many) => void (h.value[19_999]![0] = 5), [many]);
  assert.deepEqual([many.value[0]![0], many.value[19_998]![0], many.value[19_999]![0]], [0, 19_998, 5]);
});

testClean('shared value: functions and classes are refused', {}, () => {
  assert.throws(() => shared({ a: () => 1 }), SerializationError);
  assert.throws(() => shared(new (class A {})()), SerializationError);
});
