import { strict as assert } from 'node:assert';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  AbortError,
  ArgumentTypeError,
  JoinableQueue,
  Queue,
  QueueClosedError,
  QueueEmptyError,
  QueueFullError,
  QueueTaskError,
  SerializationError,
  SimpleQueue,
  transfer,
} from 'manycore';
import { eventually, rejection } from '../matrix.ts';
import { start, testQueues } from './support.ts';

testQueues('queue: what was put is there when put has returned (C75)', async () => {
  const q = new Queue<number>();
  for (let i = 0; i < 200; i++) {
    await q.put(i);
    assert.equal(q.empty(), false);
    assert.equal(q.getNowait(), i);
    assert.equal(q.empty(), true);
  }
});

testQueues('queue: a full one refuses at once, or after its timeout (C68, C69)', async () => {
  const q = new Queue<number>(6);
  for (let i = 1; i <= 6; i++) await q.put(i);
  assert.equal(q.full(), true);
  assert.throws(() => q.putNowait(7), QueueFullError);
  assert.throws(() => q.putSync(7, { block: false }), QueueFullError);
  assert.ok((await rejection(q.put(7, { block: false }))) instanceof QueueFullError);
  for (const put of [() => q.put(7, { timeout: 200 }), async () => q.putSync(7, { timeout: 200 })]) {
    const start = performance.now();
    assert.ok((await rejection(put())) instanceof QueueFullError);
    const ms = performance.now() - start;
    assert.ok(ms >= 195 && ms < 2_000, `${ms} ms`);
  }
  assert.equal(q.qsize(), 6);
});

testQueues('queue: what waits for room is what it was at the call, whatever is put elsewhere meanwhile', async () => {
  const q = new Queue(1);
  const other = new Queue();
  await q.put('first');
  const array = [1, 2];
  const waiting = [q.put(array), q.put('third'), q.put(new Uint8Array(200_000).fill(7))];
  array.push(3);
  for (let i = 0; i < 10; i++) await other.put('x'.repeat(i * 1_000));
  assert.equal(await q.get(), 'first');
  assert.deepEqual(await q.get(), [1, 2]);
  assert.equal(await q.get(), 'third');
  assert.deepEqual(await q.get(), new Uint8Array(200_000).fill(7));
  await Promise.all(waiting);
});

testQueues(
  'queue: a buffer that moves by two puts which wait goes with the first, and a copy with the second',
  async () => {
    const q = new Queue<Uint8Array | string>(1);
    await q.put('first');
    const moving = transfer(new Uint8Array(20_000).fill(3));
    const puts = [q.put(moving), q.put(moving)];
    await q.get();
    for (const put of puts) assert.deepEqual((await Promise.all([q.get(), put]))[0], new Uint8Array(20_000).fill(3));
    assert.equal(moving.length, 0);
  },
);

testQueues('queue: an empty one refuses at once, or after its timeout (C72)', async () => {
  const q = new Queue<number>();
  assert.throws(() => q.getNowait(), QueueEmptyError);
  assert.throws(() => q.getSync({ block: false }), QueueEmptyError);
  assert.ok((await rejection(q.get({ timeout: -1 }))) instanceof QueueEmptyError);
  for (const get of [() => q.get({ timeout: 200 }), async () => q.getSync({ timeout: 200 })]) {
    const start = performance.now();
    assert.ok((await rejection(get())) instanceof QueueEmptyError);
    const ms = performance.now() - start;
    assert.ok(ms >= 195 && ms < 2_000, `${ms} ms`);
  }
});

testQueues('queue: a wait can be given up by a signal', async () => {
  const q = new Queue<number>();
  const stop = new AbortController();
  const waiting = q.get({ signal: stop.signal });
  stop.abort(new Error('enough'));
  const error = await rejection(waiting);
  assert.ok(error instanceof AbortError);
  assert.equal((error.cause as Error).message, 'enough');
  assert.ok((await rejection(q.get({ signal: AbortSignal.abort() }))) instanceof AbortError);
  await q.put(1);
  assert.equal(await q.get(), 1);
});

testQueues('queue: those who wait in one thread get their items in the order in which they asked', async () => {
  const q = new Queue<number>();
  const got = Promise.all(Array.from({ length: 100 }, () => q.get()));
  for (let i = 0; i < 100; i++) q.putNowait(i);
  assert.deepEqual(
    await got,
    Array.from({ length: 100 }, (_, i) => i),
  );
});

testQueues('queue: 1,000 waiters at once, with and without an end of their patience', async () => {
  const q = new Queue<number>();
  const late = Array.from({ length: 500 }, () => q.get({ timeout: 100 }).catch((error: unknown) => error));
  const patient = Array.from({ length: 500 }, () => q.get());
  for (const outcome of await Promise.all(late)) assert.ok(outcome instanceof QueueEmptyError);
  for (let i = 0; i < 500; i++) await q.put(i);
  assert.equal((await Promise.all(patient)).length, 500);
});

testQueues('queue: who waits for room for bytes costs no time, and leaves the event loop alone (C68)', async () => {
  const q = new Queue<string>();
  const begun = new Queue<boolean>();
  const text = 'x'.repeat(40_000);
  const fill = async (its: Queue<string>, item: string, other: Queue<boolean>): Promise<void> => {
    await other.put(true);
    for (let i = 0; i < 20; i++) await its.put(item);
  };
  const child = start('thread', fill, q, text, begun);
  const filled = Promise.all([fill(q, text, begun), fill(q, text, begun)]);
  for (let i = 0; i < 3; i++) await begun.get();
  let size = 0;
  await eventually(() => {
    const last = size;
    size = q.qsize();
    return size > 20 && size === last;
  });
  const before = process.cpuUsage();
  await sleep(300);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 200_000, `it costs ${user + system} µs to wait`);
  assert.ok(q.qsize() < 60 && !q.full(), 'it takes all there is');
  for (let i = 0; i < 60; i++) assert.equal(await q.get({ timeout: 5_000 }), text);
  await filled;
  await child.join();
});

testQueues('queue: the size is exact (C74)', async () => {
  const q = new Queue();
  const sizes = [q.qsize()];
  await q.put(1);
  sizes.push(q.qsize());
  await q.put(2);
  sizes.push(q.qsize());
  await q.get();
  sizes.push(q.qsize());
  await q.get();
  sizes.push(q.qsize());
  assert.deepEqual(sizes, [0, 1, 2, 1, 0]);
  assert.equal(inspect(q), '<Queue size=0>');
  assert.deepEqual(q.statistics(), {
    size: 0,
    maxSize: 0,
    empty: true,
    full: false,
    closed: false,
    shutDown: false,
    put: 2,
    largeBytes: 0,
  });
});

testQueues('queue: an item that cannot travel is refused at its put, and takes no room (C79, C80)', async () => {
  const q = new Queue(1);
  const error = await rejection(q.put({ a: [new WeakMap()] }));
  assert.ok(error instanceof SerializationError);
  assert.match(error.message, /^Cannot send the value\.a\[0\]: a WeakMap cannot be sent\./);
  assert.match(String(error.stack), /Cannot send the value\.a\[0\]/);
  assert.equal(error.path, '$.a[0]');
  await q.put('good');
  assert.equal(await q.get(), 'good');
});

testQueues('queue: used after close() it refuses, and those who wait are told (C82, C83, G12)', async () => {
  const q = new Queue<number>();
  const waiting = rejection(q.get());
  q.close();
  q.close();
  assert.ok((await waiting) instanceof QueueClosedError);
  assert.ok((await rejection(q.put(1))) instanceof QueueClosedError);
  assert.throws(() => q.getSync(), QueueClosedError);
  await q.joinThread();
  q.cancelJoinThread();
});

testQueues('queue: shut down it gives what is left, then says so', async () => {
  const q = new Queue<number>();
  await q.put(1);
  await q.put(2);
  q.shutdown();
  assert.ok((await rejection(q.put(3))) instanceof QueueClosedError);
  const got: number[] = [];
  for await (const item of q) got.push(item);
  assert.deepEqual(got, [1, 2]);
  assert.ok((await rejection(q.get())) instanceof QueueClosedError);
  const j = new JoinableQueue<number>();
  await j.put(1);
  j.shutdown({ immediate: true });
  assert.equal(j.qsize(), 0);
  assert.equal(await j.join(), true);
});

testQueues('queue: large items, and their memory is given back (G9)', async () => {
  const q = new Queue<Uint8Array>();
  for (const length of [0, 1, 262_143, 262_144, 262_145, 1_048_576, 20_000_000]) {
    await q.put(new Uint8Array(length).fill(length & 255));
    const item = await q.get();
    assert.equal(item.length, length);
    assert.ok(item.every((byte) => byte === (length & 255)));
  }
  for (let i = 0; i < 5; i++) await q.put(new Uint8Array(1_000_000).fill(i));
  assert.ok(q.statistics().largeBytes >= 5_000_000);
  for (let i = 0; i < 5; i++) assert.equal((await q.get())[999_999], i);
  assert.equal(q.statistics().largeBytes, 0);
});

testQueues('queue: wrong arguments are refused', async () => {
  assert.throws(() => new Queue('3' as never), ArgumentTypeError);
  const q = new Queue();
  assert.ok((await rejection(q.get({ timeOut: 3 } as object))) instanceof ArgumentTypeError);
  assert.match(
    (await rejection(q.get({ timeOut: 3 } as object))).message,
    /^Unknown option "timeOut" of get\. Did you mean "timeout"\?$/,
  );
  assert.throws(() => q.putSync(1, { timeout: 'x' as never }), ArgumentTypeError);
  assert.match((await rejection(q.get(5 as never))).message, /such as \{ timeout: 5_000 \} \(milliseconds\)\.$/);
  assert.match((await rejection(q.put(1, false as never))).message, /such as \{ block: false \}\.$/);
  assert.match((await rejection(q.get({ signal: 5 } as never))).message, /signal 5: expected an AbortSignal/);
});

testQueues('queue: empty and full ones say for how long was waited', async () => {
  const q = new Queue(1);
  assert.equal((await rejection(q.get({ timeout: 5 }))).message, 'The queue is empty: nothing came within 5 ms.');
  assert.throws(() => q.getNowait(), { message: 'The queue is empty.' });
  await q.put(1);
  const late = 'The queue is full: it has 1 item, and there was no room within 5 ms.';
  assert.equal((await rejection(q.put(2, { timeout: 5 }))).message, late);
  assert.throws(() => q.putSync(2, { timeout: 5 }), { message: late });
  assert.equal((await rejection(q.put(2, { block: false, timeout: 5 }))).message, 'The queue is full: it has 1 item.');
});

testQueues('queue: taskDone() more often than there were items is an error (C77, G11)', async () => {
  const q = new JoinableQueue<number>();
  assert.throws(() => q.taskDone(), QueueTaskError);
  await q.put(1);
  assert.equal(await q.join({ timeout: 20 }), false);
  await q.get();
  assert.equal(q.unfinished(), 1);
  q.taskDone();
  assert.equal(await q.join(), true);
  assert.equal(q.joinSync(), true);
  assert.throws(() => q.taskDone(), QueueTaskError);
});

testQueues('queue: a simple one is empty, then not, then empty; closed twice it refuses (C87, C88)', async () => {
  const q = new SimpleQueue<number>();
  const seen = [q.empty()];
  await q.put(1);
  seen.push(q.empty());
  assert.equal(await q.get(), 1);
  seen.push(q.empty());
  assert.deepEqual(seen, [true, false, true]);
  q.putSync(2);
  assert.equal(q.statistics().size, 1);
  assert.equal(q.getSync(), 2);
  q.close();
  q.close();
  assert.equal(q.statistics().closed, true);
  assert.throws(() => q.empty(), QueueClosedError);
  assert.ok((await rejection(q.put(1))) instanceof QueueClosedError);
  assert.ok((await rejection(q.get())) instanceof QueueClosedError);
});

testQueues('queue: a large item whose writes are short arrives whole (G22)', async () => {
  const write = fs.writeSync as (...args: unknown[]) => number;
  let short = 0;
  fs.writeSync = ((fd: number, bytes: unknown, at: number, length: number, ...rest: unknown[]) => {
    if (length > 1_000) short++;
    return write(fd, bytes, at, length > 1_000 ? 1_000 : length, ...rest);
  }) as typeof fs.writeSync;
  syncBuiltinESMExports();
  try {
    const q = new Queue<string>();
    await q.put('large '.repeat(100_000));
    assert.equal(await q.get(), 'large '.repeat(100_000));
    assert.ok(short > 100);
  } finally {
    fs.writeSync = write as typeof fs.writeSync;
    syncBuiltinESMExports();
  }
});
