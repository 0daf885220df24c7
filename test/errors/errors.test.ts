import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as manycore from 'manycore';
import * as connection from 'manycore/connection';
import * as futures from 'manycore/futures';
import * as managers from 'manycore/managers';
import * as sharedMemory from 'manycore/shared-memory';
import { Barrier, JoinableQueue, Lock, Manager, ManycoreError, Pipe, Pool, Process, Queue, task } from 'manycore';
import { Future } from 'manycore/futures';
import { loads } from '#internal/connection/pickle/decode.js';
import { maxFrameBytes } from '#internal/limits.js';
import { Reader } from '#internal/wire/reader.js';
import { attacherOf, travellingStateOf } from '#internal/wire/shared.js';
import { Writer } from '#internal/wire/writer.js';
import { eachContext, rejection, testClean } from '../matrix.ts';

type ErrorClass = new (...args: never[]) => Error & { readonly code: string };

const classes = new Map<string, ErrorClass>();
for (const [name, value] of Object.entries(manycore))
  if (name.endsWith('Error')) classes.set(name, value as ErrorClass);
const provoked = new Map<string, string>();

/** What `run` throws, or what its promise rejects with. */
async function caught(run: () => unknown): Promise<Error> {
  return rejection((async () => await run())());
}

// For all tests, as their memory is given back when they are collected, which is at no certain time.
const empty = new JoinableQueue();
const closed = new Queue();
closed.close();
const [alone, gone] = Pipe();
gone.close();
const [left, right] = Pipe();

/** Each way to make an error come; the pool is terminated afterwards. */
type Provocation = (pool: Pool) => unknown;

// What a thread needs for all its shared objects stays until it ends.
const lock = new Lock();

const onBoth: Record<string, Provocation> = {
  ManycoreError: () => task(),
  ArgumentTypeError: (pool) => pool.map((x: number) => x, [1], { chunksize: 1 } as object),
  ArgumentRangeError: () => new Pool(-1),
  SerializationError: (pool) => pool.apply((value: unknown) => value, [{ db: { socket: new Socket() } }]),
  CaptureError: (pool) => {
    const socket = new Socket();
    return pool.apply(() => socket.readyState);
  },
  FrameTooLargeError: () => new Writer(8).reserve(maxFrameBytes + 1),
  RemoteError: (pool) =>
    pool.apply(() => {
      // oxlint-disable-next-line no-throw-literal
      throw 'a string';
    }),
  WorkerLostError: (pool) => pool.apply(() => process.exit(3)),
  PoisonTaskError: (pool) => pool.apply(() => process.exit(3), [], { retries: 9 }),
  TaskTimeoutError: (pool) =>
    pool.apply(
      () => {
        for (;;);
      },
      [],
      { timeout: 50 },
    ),
  TaskQueueTimeoutError: (pool) => {
    void pool.apply(sleep, [60_000]).catch(() => undefined);
    return pool.apply(sleep, [1], { queueTimeout: 20 });
  },
  LockStateError: () => lock.release(),
  BrokenBarrierError: () => new Barrier(2).waitSync({ timeout: 1 }),
  TimeoutError: (pool) => pool.apply(sleep, [60_000]).get({ timeout: 1 }),
  AbortError: (pool) => pool.apply(sleep, [60_000], { signal: AbortSignal.abort(new Error('enough')) }),
  BlockingError: (pool) =>
    new Promise((_, reject) => {
      const callback = (): void => {
        try {
          pool.applySync(() => 1);
        } catch (error) {
          reject(error as Error);
        }
      };
      void pool.applyAsync(() => 1, [], { callback });
    }),
  CancelledError: () => {
    const future = new Future();
    future.cancel();
    return future;
  },
  InvalidStateError: () => {
    const future = new Future<number>();
    future.setResult(1);
    future.setResult(2);
  },
  PoolClosedError: (pool) => {
    pool.close();
    return pool.apply(() => 1);
  },
  PoolRunningError: (pool) => pool.join(),
  PoolTerminatedError: async (pool) => {
    const result = pool.apply(sleep, [60_000]);
    await pool.terminate();
    return result;
  },
  PoolBrokenError: async () => {
    const broken = new Pool(1, {
      initializer: () => {
        throw new RangeError('no database');
      },
    });
    try {
      await broken.apply(() => 1);
    } finally {
      await broken.terminate();
    }
  },
  NotReadyError: (pool) => pool.apply(() => 1).successful(),
  NestingError: (pool) => {
    async function nest(): Promise<unknown> {
      const inner = new Pool(1, { context: 'thread' });
      try {
        return await inner.apply(nest);
      } finally {
        await inner.terminate();
      }
    }
    return pool.apply(nest);
  },
  AuthenticationError: async () => {
    const address = { port: 0 };
    await using server = new Manager({ address, authKey: 'this' }).getServer();
    await server.start();
    await Manager.connect(server.address, { authKey: 'that' });
  },
  ConnectionLostError: () => Manager.connect('/no/such/socket', { authKey: 'this' }),
  ManagerStateError: async () => {
    const manager = new Manager();
    await manager.shutdown();
    manager.list();
  },
  MethodNotExposedError: async () => {
    await using manager = new Manager();
    await manager.list().callMethod('constructor');
  },
  ObjectGoneError: async () => {
    await using manager = new Manager({ linger: 0 });
    const list = manager.list();
    await list.append(1);
    const state = travellingStateOf(list)!() as { id: string };
    const gone = attacherOf(list.constructor)!({ ...state, id: '0'.repeat(32) }) as typeof list;
    await gone.length();
  },
  QueueEmptyError: async () => {
    await using manager = new Manager();
    await manager.Queue().getNowait();
  },
  QueueFullError: async () => {
    await using manager = new Manager();
    const queue = manager.Queue(1);
    await queue.put(1);
    await queue.putNowait(2);
  },
  ProcessStateError: () => new Process().join(),
  ProcessClosedError: () => {
    const closed = new Process();
    closed.close();
    closed.start();
  },
  QueueClosedError: () => closed.put(1),
  QueueTaskError: () => empty.taskDone(),
  EndOfFileError: () => alone.recv(),
  BrokenPipeError: () => alone.send(1),
  ConnectionStateError: () => gone.send(1),
  BufferTooShortError: async () => {
    await left.sendBytes(new Uint8Array(3));
    return right.recvBytesInto(new Uint8Array(2));
  },
  UnpicklingError: () => loads(Buffer.from('cos\nsystem\n.')),
  ProcessStartError: () => new Process({ context: 'process', cwd: '/no/such/folder' }).start(),
  InterruptError: (pool) =>
    // A child that has no listener for it gets it as an uncaught error, which it prints.
    pool.apply(async () => {
      const target = (): void => {
        setInterval(() => {}, 60_000);
        console.log('up');
      };
      const p = new Process({ target, stdio: ['ignore', 'pipe', 'pipe'] });
      let stderr = '';
      p.start().stderr!.on('data', (text) => (stderr += String(text)));
      // Before it is up it would end as any program does.
      await once(p.stdout!, 'data');
      p.interrupt();
      await p.join();
      assert.match(stderr, /InterruptError: .*\n[^]*ERR_MANYCORE_INTERRUPT/);
      throw new manycore.InterruptError('interrupted');
    }),
  SharedMemoryError: () => new manycore.SharedMemory({ name: 'no such memory' }),
  ProtocolError: () => new Reader(Buffer.from([1, 2])).need(8),
  InternalError: () => {
    throw new manycore.InternalError('Only a fault in the library makes one.');
  },
};

eachContext((context) => {
  for (const [name, provoke] of Object.entries(onBoth)) {
    testClean(`errors: ${name} comes with its class and code`, { limit: 30_000 }, async () => {
      const pool = new Pool(1, { context });
      try {
        const error = await caught(() => provoke(pool));
        assert.equal(error.name, name, error.stack);
        assert.ok(error instanceof (classes.get(name) ?? assert.fail(`${name} is not exported`)));
        const { code } = error as unknown as { code: string };
        provoked.set(name, code);
        assert.doesNotMatch(`${error.message}${error.stack}`, /\{path\}|undefined|\[object/);
      } finally {
        await pool.terminate();
      }
    });
  }
});

test('errors: every exported class is provoked', () => {
  assert.deepEqual(Object.keys(onBoth).toSorted(), [...classes.keys()].toSorted());
});

test('errors: an entry of its own has those that its page names', () => {
  const entries = { connection, futures, managers, 'shared-memory': sharedMemory };
  for (const [entry, exported] of Object.entries(entries)) {
    const named = readFileSync(`docs/${entry}.md`, 'utf8').match(/\b[A-Z]\w*Error\b/g) ?? [];
    assert.ok(named.length > 0, entry);
    for (const name of new Set(named))
      assert.equal((exported as Record<string, unknown>)[name], classes.get(name), `${name} of manycore/${entry}`);
  }
});

after(() => {
  const rows = readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `((?:ERR_MANYCORE|ABORT_ERR)\w*)` \| `(\w+)`/gm);
  const documented = new Map(Array.from(rows, ([, code = '', name = '']) => [name, code]));
  assert.deepEqual(new Map(provoked), documented, 'docs/errors.md has each class with its code');
});

test('errors: a value that cannot travel is named with its path, the function and the line of the call', async () => {
  await using pool = new Pool(1, { context: 'thread' });
  const error = await rejection(
    pool.apply(
      function save(value: unknown) {
        return value;
      },
      [{ db: { socket: new Socket() } }],
    ),
  );
  assert.ok(error instanceof manycore.SerializationError);
  assert.equal(error.path, '$.db.socket');
  assert.match(
    error.message,
    /args\[0\]\.db\.socket: it is a net\.Socket.*apply\(save\), called at errors\.test\.js:\d+/,
  );
  assert.match(String(error.stack), /errors\.test\.js/);
  assert.doesNotMatch(String(error.stack), /dist/, 'no frame of the library');
});

test('errors: a captured variable that cannot travel is named', async () => {
  await using pool = new Pool(1, { context: 'thread' });
  const socket = new Socket();
  const error = await rejection(pool.map(() => socket.readyState, [1]));
  assert.ok(error instanceof manycore.CaptureError);
  assert.equal(error.path, '$ -> socket');
});

test('errors: a variable that is written is named without its cell, a member of a Set is no variable', async () => {
  await using pool = new Pool(1, { context: 'thread' });
  let state: { inner?: Socket } = {};
  state = { inner: new Socket() };
  const captured = await rejection(pool.apply(() => state));
  assert.ok(captured instanceof manycore.CaptureError);
  assert.equal(captured.path, '$ -> state.inner');
  state = {};
  const sent = await rejection(pool.apply((value: unknown) => value, [new Set([new Socket()])]));
  assert.equal(sent.name, 'SerializationError');
});

test('errors: the hint about a forgotten await names the call that was not done, not one that was', async () => {
  const pool = new Pool(1, { context: 'thread' });
  await pool.apply(() => 1);
  const { line } = here();
  const result = pool.apply(sleep, [60_000]);
  await pool[Symbol.asyncDispose]();
  const error = await rejection(result);
  assert.match(error.message, new RegExp(`await\` at errors\\.test\\.js:${line + 1}\\?`));
});

test('errors: a thrown string has the stack of the call, not of the library', async () => {
  await using pool = new Pool(1, { context: 'thread' });
  const error = await rejection(onBoth['RemoteError']?.(pool) as Promise<unknown>);
  assert.ok(error instanceof ManycoreError);
  assert.doesNotMatch(String(error.stack), /dist/);
});

function here(): { line: number } {
  const match = /errors\.test\.js:(\d+)/.exec(String(new Error().stack).split('\n').slice(2).join('\n'));
  return { line: Number(match?.[1]) };
}
