import { strict as assert } from 'node:assert';
import { Pool, SerializationError, transfer, WorkerLostError } from 'manycore';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';

const length = (buffer: ArrayBuffer): number => buffer.byteLength;
const spin = (): never => {
  for (;;);
};

eachContext((context) => {
  testPool(
    'transfer: a buffer is moved at the call, and another call that has it is refused',
    { context, workers: 1 },
    async (pool) => {
      await pool.apply(length, [new ArrayBuffer(1)]);
      const small = transfer(new ArrayBuffer(100));
      const large = transfer(new ArrayBuffer(100_000));
      const calls = [small, large, small, large].map((buffer) => pool.apply(length, [buffer]));
      assert.deepEqual([small.byteLength, large.byteLength], [0, 0]);
      const innocent = pool.apply(() => 'innocent');
      const [a, b, c, d] = await Promise.allSettled(calls);
      assert.deepEqual(
        [a, b].map((outcome) => outcome?.status === 'fulfilled' && outcome.value),
        [100, 100_000],
      );
      for (const outcome of [c, d])
        assert.ok(outcome?.status === 'rejected' && outcome.reason instanceof SerializationError);
      assert.equal(await innocent, 'innocent');
    },
  );

  testPool(
    'transfer: one item of a call that has what another has moved fails alone',
    { context, workers: 2 },
    async (pool) => {
      const buffer = transfer(new ArrayBuffer(20_000));
      const outcomes = await pool.mapSettled(length, [buffer, buffer, new ArrayBuffer(7)], { chunkSize: 3 });
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.name)),
        [20_000, 'SerializationError', 7],
      );
    },
  );

  testPool(
    'transfer: nothing is moved to a worker that is busy, so what is behind a task that is aborted arrives whole',
    { context, workers: 1 },
    async (pool) => {
      // Known to be short: others would be sent ahead.
      await pool.map(
        length,
        Array.from({ length: 20 }, () => new ArrayBuffer(1)),
      );
      const abort = new AbortController();
      const endless = pool.apply(spin, [], { signal: abort.signal, grace: 0 });
      await eventually(() => pool.statistics().running === 1);
      const behind = pool.apply(length, [transfer(new ArrayBuffer(100_000))]);
      const items = Array.from({ length: 5 }, (_, i) => transfer(new ArrayBuffer(20_000 + i)));
      const mapped = pool.map(length, items);
      abort.abort();
      await rejection(endless);
      assert.equal(await behind, 100_000);
      assert.deepEqual(await mapped, [20_000, 20_001, 20_002, 20_003, 20_004]);
    },
  );

  testPool(
    'transfer: a call whose arguments were moved is not tried again, and fails with what its task threw',
    { context, workers: 1 },
    async (pool) => {
      const fail = (buffer: ArrayBuffer): never => {
        throw new RangeError(`of ${buffer.byteLength} bytes`);
      };
      const error = await rejection(pool.apply(fail, [transfer(new ArrayBuffer(50))], { retries: 3 }));
      assert.equal(error.name, 'RangeError');
      assert.match(error.message, /of 50 bytes/);
    },
  );

  testPool('transfer: a result is moved', { context, workers: 1 }, async (pool) => {
    const make = async (): Promise<readonly [ArrayBuffer, () => number]> => {
      const { transfer: move } = await import('manycore');
      const buffer = move(new ArrayBuffer(20_000));
      Reflect.set(globalThis, 'moved', buffer);
      return [buffer, () => 0];
    };
    assert.equal((await pool.apply(make))[0].byteLength, 20_000);
    assert.equal(await pool.apply(() => (Reflect.get(globalThis, 'moved') as ArrayBuffer).byteLength), 0);
  });

  testPool('transfer: of two results with the same buffer the second fails', { context, workers: 1 }, async (pool) => {
    const give = async (): Promise<ArrayBuffer> => {
      const { transfer: move } = await import('manycore');
      return move(Reflect.get(globalThis, 'given') as ArrayBuffer);
    };
    await pool.apply(() => void Reflect.set(globalThis, 'given', new ArrayBuffer(20_000)));
    const outcomes = await Promise.allSettled([pool.apply(give), pool.apply(give)]);
    assert.equal(outcomes[0].status === 'fulfilled' && outcomes[0].value.byteLength, 20_000);
    assert.ok(outcomes[1].status === 'rejected' && outcomes[1].reason instanceof SerializationError);
    assert.equal(await pool.apply(() => 'alive'), 'alive');
  });

  testPool('transfer: what goes to all workers is not moved', { context, workers: 2 }, async (pool) => {
    const buffer = transfer(new ArrayBuffer(20_000));
    assert.match((await rejection(pool.broadcast(length, [buffer]))).message, /to one worker only/);
    const captured = pool.apply(() => buffer.byteLength);
    assert.match((await rejection(captured)).message, /moved cannot be captured/);
    assert.equal(buffer.byteLength, 20_000);
  });

  testClean('transfer: an initializer cannot have what is moved', {}, () => {
    const buffer = transfer(new ArrayBuffer(20_000));
    const initArgs = [buffer] as [ArrayBuffer];
    assert.throws(
      () => new Pool({ context, workers: 2, initializer: (given: ArrayBuffer) => void given, initArgs }),
      (error) => error instanceof SerializationError && error.path === '$[0]',
    );
    assert.equal(buffer.byteLength, 20_000);
  });
});

testPool(
  'transfer: what was moved to a process that dies before it begins is lost (C8)',
  { context: 'process', workers: 1 },
  async (pool) => {
    await pool.apply(length, [new ArrayBuffer(1)]);
    const { pid } = pool.statistics().workers[0]!;
    process.kill(pid!, 'SIGSTOP');
    const lost = pool.apply(length, [transfer(new ArrayBuffer(200_000))]);
    const waiting = pool.apply(length, [transfer(new ArrayBuffer(5))]);
    await eventually(() => pool.statistics().workers[0]!.tasks === 1);
    process.kill(pid!, 'SIGKILL');
    const error = await rejection(lost);
    assert.ok(error instanceof WorkerLostError && error.phase === 'dispatch');
    assert.equal(await waiting, 5);
  },
);
