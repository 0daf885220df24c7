import { strict as assert } from 'node:assert';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  AbortError,
  ArgumentTypeError,
  JoinableQueue,
  Pool,
  Queue,
  QueueClosedError,
  QueueEmptyError,
  QueueFullError,
  QueueTaskError,
  SerializationError,
  SimpleQueue,
  transfer,
} from 'manycore';
import { eachContext, eventually, rejection } from '../matrix.ts';
import { run, start, testQueues } from './support.ts';

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

eachContext((context) => {
  testQueues('queue: a module that is being imported puts and gets (C78)', async () => {
    const url = new URL('fixtures/puts-while-imported.js', import.meta.url).href;
    await run(context, async (its: string) => assert.equal((await import(its)).knocked, 'knock, knock'), url);
  });

  testQueues('queue: another one drains it, and it takes items again (C70)', async () => {
    const q = new Queue<number>(6);
    for (let i = 0; i < 6; i++) await q.put(i);
    const child = start(
      context,
      async (queue: Queue<number>) => {
        for (let i = 0; i < 6; i++) if ((await queue.get()) !== i) throw new Error('wrong order');
      },
      q,
    );
    await q.put(6);
    await child.join();
    assert.equal(child.exitCode, 0);
    assert.equal(q.qsize(), 1);
    assert.equal(q.getSync(), 6);
    assert.equal(q.empty(), true);
  });

  testQueues('queue: what a child puts comes in its order, whichever way it is got (C71)', async () => {
    const q = new Queue<number>();
    const child = start(
      context,
      async (queue: Queue<number>) => {
        for (let i = 2; i <= 5; i++) await queue.put(i);
      },
      q,
    );
    assert.equal(await q.get(), 2);
    assert.equal(q.getSync(), 3);
    assert.equal(await q.get({ timeout: 5_000 }), 4);
    await child.join();
    assert.equal(q.getNowait(), 5);
  });

  testQueues('queue: items from before a child and items of the child come all, the earlier first (C73)', async () => {
    const q = new Queue<number>();
    await q.put(0);
    await q.put(1);
    await run(
      context,
      async (queue: Queue<number>) => {
        for (let i = 2; i < 12; i++) await queue.put(i);
      },
      q,
    );
    for (let i = 0; i < 12; i++) assert.equal(q.getNowait(), i);
  });

  testQueues('queue: a child that put a large item ends though nobody reads, and the item stays (C84)', async () => {
    const q = new Queue<Uint8Array>();
    await run(context, async (queue: Queue<Uint8Array>) => queue.put(new Uint8Array(2_000_000).fill(9)), q);
    const item = await q.get();
    assert.equal(item.length, 2_000_000);
    assert.equal(item[1_999_999], 9);
  });

  testQueues('queue: functions and classes go through it', async () => {
    const q = new Queue();
    const factor = 6;
    await q.put((x: number) => x * factor);
    const back = new Queue();
    await run(
      context,
      async (from: Queue, to: Queue) => {
        const times = (await from.get()) as (x: number) => number;
        await to.put({ answer: times(7), again: times });
      },
      q,
      back,
    );
    const { answer, again } = (await back.get()) as { answer: number; again: (x: number) => number };
    assert.equal(answer, 42);
    assert.equal(again(2), 12);
  });

  testQueues('queue: a queue goes through a queue, and in captured variables', async () => {
    const outer = new Queue<Queue<string>>();
    const inner = new Queue<string>();
    const child = start(context, async () => (await outer.get()).put('hello'));
    await outer.put(inner);
    assert.equal(await inner.get(), 'hello');
    await child.join();
  });

  testQueues('queue: it goes in the argument of a pool task, at any time (C89)', async () => {
    const pool = new Pool(2, { context });
    try {
      const q = new Queue<number>();
      await pool.map(
        async ({ queue, i }) => queue.put(i),
        Array.from({ length: 50 }, (_, i) => ({ queue: q, i })),
      );
      const got = new Set<number>();
      while (!q.empty()) got.add(q.getNowait());
      assert.equal(got.size, 50);
    } finally {
      await pool.terminate();
    }
  });

  testQueues('queue: in tasks that end with their worker unread it leaves no memory behind (C89)', async () => {
    const pool = new Pool(1, { context });
    const q = new Queue<number>();
    const calls = Array.from({ length: 20 }, (_, i) =>
      pool.apply(
        async (queue: Queue<number>, mine: number) => {
          await queue.put(mine);
          if (mine === 1) await new Promise(() => undefined);
        },
        [q, i],
      ),
    );
    const outcomes = Promise.allSettled(calls);
    await calls[0];
    assert.equal(await q.get(), 0);
    assert.equal(await q.get(), 1);
    await pool.terminate();
    const [, ...others] = await outcomes;
    assert.ok(others.every(({ status }) => status === 'rejected'));
  });

  testQueues(
    'queue: 4 producers, 4 consumers, 10,000 items each: every one once, each producer in order (C90, G13)',
    async () => {
      const q = new Queue<readonly [number, number]>(100);
      const results = new Queue<readonly (readonly [number, number])[]>();
      const producers = [0, 1, 2, 3].map((id) =>
        start(
          context,
          async (queue: Queue<readonly [number, number]>, me: number) => {
            for (let i = 0; i < 10_000; i++) await queue.put([me, i]);
          },
          q,
          id,
        ),
      );
      const consumers = [0, 1, 2, 3].map(() =>
        start(
          context,
          async (queue: Queue<readonly [number, number]>, out: typeof results) => {
            const got: (readonly [number, number])[] = [];
            for await (const item of queue) got.push(item);
            await out.put(got);
          },
          q,
          results,
        ),
      );
      for (const p of producers) await p.join();
      q.shutdown();
      const seen = new Set<number>();
      let total = 0;
      for (const _ of consumers) {
        const last = [-1, -1, -1, -1];
        for (const [id, i] of await results.get()) {
          assert.ok(i > last[id]!);
          last[id] = i;
          seen.add(id * 10_000 + i);
          total++;
        }
      }
      for (const c of consumers) await c.join();
      assert.equal(total, 40_000);
      assert.equal(seen.size, 40_000);
    },
  );

  testQueues('queue: a slow consumer holds up its producer, and the memory stays (G8)', async () => {
    const room = 10;
    const bytes = 300_000;
    // 240 MB in all, of which the queue has room for three.
    const count = 800;
    const q = new Queue<Uint8Array>(room);
    const grown = new Queue<number>();
    const child = start(
      context,
      async (queue: Queue<Uint8Array>, told: Queue<number>, items: number, length: number) => {
        const memory = (): number => process.memoryUsage.rss();
        let before = 0;
        for (let i = 0; i < items; i++) {
          await queue.put(new Uint8Array(length));
          if (i === 50) before = memory();
        }
        await told.put(memory() - before);
      },
      q,
      grown,
      count,
      bytes,
    );
    // It has done what it can, and waits.
    await eventually(() => q.full(), 10_000);
    let most = 0;
    let before = 0;
    for (let i = 0; i < count; i++) {
      const { size, largeBytes } = q.statistics();
      assert.ok(size <= room, `${size} items`);
      most = Math.max(most, largeBytes);
      assert.equal((await q.get({ timeout: 10_000 })).length, bytes);
      if (i === 50) before = process.memoryUsage.rss();
    }
    const here = process.memoryUsage.rss() - before;
    const there = await grown.get({ timeout: 10_000 });
    await child.join();
    // One more is being put.
    assert.ok(most >= bytes && most <= (room + 2) * bytes, `${most} bytes in the queue`);
    for (const more of [here, there]) assert.ok(more < 120e6, `${more} bytes more`);
  });

  testQueues('queue: join() waits for the work of others', async () => {
    const q = new JoinableQueue<number>();
    const child = start(
      context,
      async (queue: JoinableQueue<number>) => {
        for await (const _ of queue) queue.taskDone();
      },
      q,
    );
    for (let i = 0; i < 100; i++) await q.put(i);
    assert.equal(await q.join(), true);
    assert.equal(q.qsize(), 0);
    q.shutdown();
    await child.join();
    assert.equal(child.exitCode, 0);
  });

  testQueues('queue: blocking forms in a child', async () => {
    const q = new Queue<number>(2);
    const back = new Queue<number>(2);
    const child = start(
      context,
      (from: Queue<number>, to: Queue<number>) => {
        for (let i = 0; i < 500; i++) to.putSync(from.getSync() * 2);
      },
      q,
      back,
    );
    const sums: number[] = [];
    const reading = (async () => {
      for (let i = 0; i < 500; i++) sums.push(await back.get());
    })();
    for (let i = 0; i < 500; i++) await q.put(i);
    await reading;
    await child.join();
    assert.deepEqual(
      sums,
      Array.from({ length: 500 }, (_, i) => i * 2),
    );
  });
});
