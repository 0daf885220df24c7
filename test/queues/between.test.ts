import { strict as assert } from 'node:assert';
import { JoinableQueue, Pool, Queue } from 'manycore';
import { eachContext, eventually } from '../matrix.ts';
import { run, start, testQueues } from './support.ts';

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
