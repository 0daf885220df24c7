import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { cpuCount, Pool, PoolBrokenError, range, SerializationError, task, ThreadPool } from 'manycore';
import { limitStarts } from '../limit-starts.ts';
import { eachContext, eventually, partOf, rejection, scale, testClean, testPool, type Context } from '../matrix.ts';

const square = (x: number): number => x * x;

/** Whether a worker is a process of its own, and its identity. */
async function identity(): Promise<string> {
  const { threadId } = await import('node:worker_threads');
  return `${process.pid}/${threadId}`;
}

const kindOf = (id: string): Context => (Number(id.split('/')[0]) === process.pid ? 'thread' : 'process');

eachContext((context) => {
  testPool('construction: three workers are three, and distinct (L286)', { context, workers: 3 }, async (pool) => {
    const ids = await pool.broadcast(identity);
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual([...new Set(ids.map(kindOf))], [context]);
    const { workers } = pool.statistics();
    assert.deepEqual(
      workers.map(({ id }) => id),
      [1, 2, 3],
    );
  });

  const many = partOf(200, 40);
  testPool(
    `construction: ${many} of 200 workers, one map (L287)`,
    { context, workers: many, test: { limit: 60_000 * scale } },
    async (pool) => {
      assert.deepEqual(
        await pool.map(square, range(400), { chunkSize: 1 }),
        Array.from({ length: 400 }, (_, i) => i * i),
      );
      const { workers } = pool.statistics();
      assert.equal(workers.length, many);
    },
  );

  testClean(
    'construction: when the third worker cannot be started the pool says why, and the two that were are ended (L288)',
    {},
    async () => {
      const undo = limitStarts(2);
      try {
        const pool = new Pool({ context, workers: 4 });
        const exits: number[] = [];
        pool.on('workerExit', ({ id }) => exits.push(id));
        const error = await rejection(pool.apply(square, [3]));
        assert.ok(error instanceof PoolBrokenError, error.stack);
        assert.match(error.message, /EAGAIN: no more workers/);
        assert.throws(() => pool.apply(square, [3]), PoolBrokenError);
        await pool.join();
        assert.deepEqual([pool.statistics().state, pool.statistics().workers], ['broken', []]);
        assert.ok(exits.includes(1) && exits.includes(2), String(exits));
      } finally {
        undo();
      }
    },
  );

  testClean('construction: Pool.use terminates, also after an error', {}, async () => {
    const value = await Pool.use({ context, workers: 1 }, async (pool) => pool.apply(square, [4]));
    assert.equal(value, 16);
    const error = await rejection(
      Pool.use({ context, workers: 1 }, () => {
        throw new Error('body');
      }),
    );
    assert.equal(error.message, 'body');
  });

  testClean('construction: await using terminates', {}, async () => {
    let kept: Pool;
    {
      await using pool = new Pool({ context, workers: 1 });
      kept = pool;
      assert.equal(await pool.apply(square, [4]), 16);
    }
    assert.equal(kept.statistics().state, 'ended');
  });

  testPool(
    'construction: a pool cannot be passed to a worker, so no task waits for its own pool (L314, A34)',
    { context, workers: 1 },
    async (pool) => {
      const error = await rejection(pool.apply((p: Pool) => p.statistics().state, [pool]));
      assert.ok(error instanceof SerializationError);
      assert.match(error.message, /a pool cannot be passed to workers\. Make one inside the function/);
      assert.ok((await rejection(pool.apply(() => pool.statistics().state))) instanceof SerializationError);
    },
  );

  testPool('construction: a pool inside a task of a pool (L313, V504, V516)', { context, workers: 1 }, async (pool) => {
    for (const inner of ['process', 'thread'] as const) {
      const values = await pool.apply(
        async (kind: 'process' | 'thread') => {
          await using nested = new Pool({ workers: 2, context: kind });
          return await nested.map((x: number) => x * x, [1, 2, 3]);
        },
        [inner],
      );
      assert.deepEqual(values, [1, 4, 9]);
    }
  });

  testPool(
    'construction: pools inside tasks are as small as the outer one says (W533)',
    { context, workers: 2, env: { MANYCORE_CPU_COUNT: '1' } },
    async (pool) => {
      const sizes = async (): Promise<number[]> => {
        await using processes = new Pool();
        await using threads = new ThreadPool();
        return [processes, threads].map((each) => each.statistics().workers.length);
      };
      assert.deepEqual(await pool.map(sizes, range(2), { chunkSize: 1 }), [
        [1, 1],
        [1, 1],
      ]);
    },
  );

  testPool(
    'construction: an error in a nested pool reaches the outermost caller whole (W534)',
    { context, workers: 1 },
    async (pool) => {
      const error = await rejection(
        pool.apply(async () => {
          await using nested = new Pool({ workers: 1 });
          return await nested.apply(() => {
            throw new RangeError('innermost');
          });
        }),
      );
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, 'innermost');
      const lost = await rejection(
        pool.apply(async () => {
          await using nested = new Pool({ workers: 1 });
          return await nested.apply(() => new WeakMap());
        }),
      );
      assert.ok(lost instanceof SerializationError, inspect(lost));
      assert.equal(lost.code, 'ERR_MANYCORE_SERIALIZATION');
    },
  );

  testPool('construction: shows itself shortly', { context, workers: 2, name: 'photos' }, (pool) => {
    assert.equal(inspect(pool), '<Pool photos state=running workers=2>');
    assert.equal(String(pool as unknown), inspect(pool));
  });

  testPool(
    "construction: workers have this process's environment with what is given on top (B65)",
    { context, workers: 1, env: { ONLY: 'this', HOME: undefined } },
    async (pool) => {
      assert.equal(await pool.apply(() => process.env['ONLY']), 'this');
      assert.equal(await pool.apply(() => process.env['PATH']), process.env['PATH']);
      assert.equal(await pool.apply(() => process.env['HOME']), undefined);
      assert.equal(process.env['ONLY'], undefined);
    },
  );
});

testClean('construction: processes are the default, threads have a class of their own (L316)', {}, async () => {
  await using pool = new Pool(1);
  assert.equal(kindOf(await pool.apply(identity)), 'process');
  assert.equal(pool.statistics().context, 'process');
  await using threads = new ThreadPool(1);
  assert.equal(kindOf(await threads.apply(identity)), 'thread');
  assert.ok(threads instanceof Pool);
  await using spawned = new Pool({ context: 'spawn', workers: 1 });
  assert.equal(kindOf(await spawned.apply(identity)), 'process');
});

testClean('construction: as many workers as cores by default (L285)', {}, async () => {
  await using pool = new Pool();
  assert.equal(pool.statistics().workers.length, cpuCount());
});

testClean('construction: threads share memory (L316)', {}, async () => {
  await using pool = new ThreadPool(2);
  const counter = new Int32Array(new SharedArrayBuffer(4));
  await pool.map((n: number) => Atomics.add(counter, 0, n), range(10));
  assert.equal(counter[0], 45);
});

testClean('construction: a pool of no workers runs its tasks here', {}, async () => {
  let log = '';
  const pool = new Pool({ workers: 0, initializer: (text: string) => (log += text), initArgs: ['init '] });
  assert.equal(await pool.apply(identity), await identity());
  const held = { calls: 0 };
  assert.deepEqual(await pool.map((x: number) => (held.calls++, x * x), [1, 2, 3]), [1, 4, 9]);
  assert.equal(held.calls, 3);
  assert.equal(log, 'init ');
  assert.equal(await pool.apply(() => task().attempt), 1);
  const error = await rejection(
    pool.apply(() => {
      throw new RangeError('here');
    }),
  );
  assert.ok(error instanceof RangeError);
  const seen: number[] = [];
  for await (const x of pool.imap(square, range(4))) seen.push(x);
  assert.deepEqual(seen, [0, 1, 4, 9]);
  pool.close();
  await pool.join();
  await eventually(() => pool.statistics().state === 'ended');
});

testClean('construction: in a pool of no workers a frozen error arrives as it is', {}, async () => {
  await using pool = new Pool({ workers: 0 });
  const error = Object.freeze(new Error('frozen'));
  assert.equal(
    await rejection(
      pool.apply(() => {
        throw error;
      }),
    ),
    error,
  );
});
