import { strict as assert } from 'node:assert';
import { readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { type Connection, EndOfFileError, getContext, Pipe, Pool, Queue, QueueFullError, SharedArray } from 'manycore';
import { maxEndTickets } from '#internal/limits.js';
import { collectGarbage, eachContext, eventually, rejection, testPool } from '../matrix.ts';
import { start, testQueues } from './support.ts';

const unsendable = new WeakMap();

/** How many descriptors of shared memory this process has. */
function segments(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('/dev/shm/')) count++;
    } catch {
      // The listing's own.
    }
  }
  return count;
}

type Writer = Connection<number>;

/** The reader sees the end: nobody has the other side any more, or has it on its way. */
async function assertEnd(reader: Connection<never, number>): Promise<void> {
  const error = await rejection(reader.recv({ timeout: 5_000 }));
  assert.ok(error instanceof EndOfFileError, String(error));
  reader.close();
}

const use = async (end: Writer, i = 0): Promise<void> => end.send(i);

testQueues('connections on their way: a put that is refused, or too late, gives its connection up', async () => {
  const q = new Queue(1);
  await q.put(0);
  const puts = [
    async (end: Writer) => q.put([end, unsendable]),
    async (end: Writer) => q.putSync([end, unsendable]),
    async (end: Writer) => q.put(end, { timeout: 20 }),
    async (end: Writer) => q.putSync(end, { timeout: 20 }),
    async (end: Writer) => q.put(end, { signal: AbortSignal.timeout(20) }),
  ];
  for (const put of puts) {
    const [reader, writer] = Pipe<never, number>({ duplex: false });
    const error = await rejection(put(writer));
    assert.ok(!(error instanceof EndOfFileError));
    writer.close();
    await assertEnd(reader);
  }
  assert.ok((await rejection(q.put(1, { timeout: 1 }))) instanceof QueueFullError);
  q.close();
});

// The segments of an arena stay for what comes next: no test of leftovers.
test('references on their way: the memory of what a refused message told of is given again', async () => {
  const q = new Queue(2);
  const before = segments();
  for (let i = 0; i < 2_000; i++) {
    // 4 KiB each: 8 MiB, or 16 segments, if none of it were given again.
    const array = new SharedArray('u8', 3_000);
    assert.throws(() => q.putSync([array, unsendable]));
    if (i % 200 === 199) {
      collectGarbage();
      await new Promise(setImmediate);
    }
  }
  assert.ok(segments() - before <= 8, `${segments() - before} more segments`);
  q.close();
});

eachContext((context) => {
  testPool('connections on their way: refused arguments give theirs up', { context, workers: 1 }, async (pool) => {
    const [reader, writer] = Pipe<never, number>({ duplex: false });
    await rejection(pool.apply(async (_: unknown[]) => 0, [[writer, unsendable]]));
    const items = [{ end: writer }, { end: writer, unsendable }];
    await rejection(pool.map(({ end }) => end.close(), items, { chunkSize: 2 }));
    writer.close();
    await assertEnd(reader);
  });

  testPool('connections on their way: a refused result gives its own up', { context, workers: 1 }, async (pool) => {
    const [reader, writer] = Pipe<never, number>({ duplex: false });
    const task = pool.apply(
      (end: Writer) => {
        const rest = {
          get broken(): never {
            end.close();
            throw new Error('broken');
          },
        };
        return [end, rest];
      },
      [writer],
    );
    writer.close();
    assert.match(String(await rejection(task)), /broken/);
    await assertEnd(reader);
  });

  testPool('connections on their way: a task cancelled before it began', { context, workers: 1 }, async (pool) => {
    const [gate, there] = Pipe<string>();
    const running = pool.apply(
      async (end: Connection<string>) => {
        await end.send('begun');
        return end.recv();
      },
      [there],
    );
    assert.equal(await gate.recv(), 'begun');
    const aborted = [false, true].map((mapped) => {
      const [reader, writer] = Pipe<never, number>({ duplex: false });
      const abort = new AbortController();
      const task = mapped
        ? pool.map(use, [writer, writer], { signal: abort.signal })
        : pool.apply(use, [writer], { signal: abort.signal });
      return { reader, writer, abort, task };
    });
    for (const { reader, writer, abort, task } of aborted) {
      abort.abort();
      await rejection(Promise.resolve(task));
      writer.close();
      await assertEnd(reader);
    }
    await gate.send('go');
    assert.equal(await running, 'go');
    gate.close();
    there.close();
  });

  testPool('connections on their way: the end of the pool', { context, workers: 1 }, async (pool) => {
    const [gate, there] = Pipe<string>();
    const [reader, writer] = Pipe<never, number>({ duplex: false });
    const tasks = [
      pool.apply(
        async (end: Connection<string>) => {
          await end.send('begun');
          await end.recv();
        },
        [there],
      ),
      pool.apply(use, [writer]),
      pool.map(use, [writer, writer]),
    ].map(async (task) => rejection(Promise.resolve(task)));
    assert.equal(await gate.recv(), 'begun');
    writer.close();
    there.close();
    await pool.terminate();
    await Promise.all(tasks);
    await assertEnd(reader);
    gate.close();
  });

  testPool(
    'connections on their way: a worker that dies before it read the message, and the one after it (G4)',
    { context, workers: 1 },
    async (pool) => {
      const [reader, writer] = Pipe<never, number>({ duplex: false });
      const [gate, there] = Pipe<string>();
      const dying = pool.apply(
        async (end: Connection<string>) => {
          await end.send('begun');
          await end.recv();
          process.exit(3);
        },
        [there],
      );
      there.close();
      assert.equal(await gate.recv(), 'begun');
      const applied = pool.apply(use, [writer, 1]);
      const mapped = pool.map(async (end: Writer) => end.send(2), [writer]);
      await gate.send('die');
      await rejection(Promise.resolve(dying));
      await applied;
      await mapped;
      writer.close();
      assert.deepEqual([await reader.recv(), await reader.recv()].toSorted(), [1, 2]);
      // The last worker lives: it has what it was given until that is collected.
      await pool.apply(() => void 0);
      await pool.terminate();
      await assertEnd(reader);
      gate.close();
    },
  );

  testQueues('connections on their way: a process that ends before it has read its arguments', async () => {
    for (const args of [0, 1]) {
      const [reader, writer] = Pipe<never, number>({ duplex: false });
      const child = start(context, use, writer, args);
      writer.close();
      child.kill();
      await child.join();
      await eventually(() => child.exitCode !== null);
      const last = await rejection(
        (async () => (await reader.recv({ timeout: 5_000 }), reader.recv({ timeout: 5_000 })))(),
      );
      assert.ok(last instanceof EndOfFileError, String(last));
      reader.close();
    }
  });

  testQueues('connections on their way: arguments of a process that cannot travel', async () => {
    const [reader, writer] = Pipe<never, number>({ duplex: false });
    const { Process } = getContext(context);
    assert.throws(() => new Process({ target: (_: unknown) => undefined, args: [[writer, unsendable]] }).start());
    writer.close();
    await assertEnd(reader);
  });

  testQueues('connections on their way: a function that has captured one is collected unsent', async () => {
    const [reader, writer] = Pipe<never, number>({ duplex: false });
    const pool = new Pool(1, { context });
    const abort = new AbortController();
    await (async () => {
      const task = pool.apply(async () => writer.send(1), [], { signal: abort.signal });
      abort.abort();
      await rejection(Promise.resolve(task));
    })();
    writer.close();
    await pool.apply(() => 1);
    await eventually(() => (collectGarbage(), reader.pollSync()));
    await assertEnd(reader);
    await pool.terminate();
  });

  testPool(
    'connections on their way: more than there are tickets, taken back and forth',
    { context, workers: 2, test: { limit: 60_000 } },
    async (pool) => {
      const [reader, writer] = Pipe<never, number>({ duplex: false });
      const count = maxEndTickets + 100;
      const numbers = Array.from({ length: count }, (_, i) => i);
      const each = async (end: Writer, i: number): Promise<void> => {
        await end.send(i);
        end.close();
        if (i % 50 === 0) await new Promise((resolve) => void setTimeout(resolve, 20));
      };
      const applied = numbers.map((i) => pool.apply(each, [writer, i]));
      const mapped = pool.map(
        ({ end, i }) => each(end, i),
        numbers.map((i) => ({ end: writer, i: i + count })),
        { chunkSize: 40 },
      );
      const got: number[] = [];
      for (let i = 0; i < 2 * count; i++) got.push(await reader.recv({ timeout: 20_000 }));
      await Promise.all(applied);
      await mapped;
      writer.close();
      assert.equal(new Set(got).size, 2 * count);
      await assertEnd(reader);
    },
  );
});
