import assert from 'node:assert/strict';
import { Pool, PoolBrokenError, TaskTimeoutError, task, WorkerLostError } from 'manycore';
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'manycore/futures';
import { faults, virtualClock } from 'manycore/testing';
import { test } from 'node:test';
import { rejection, testClean } from '../matrix.ts';

const alive = (pool: Pool): number => pool.statistics().workers.length;

testClean('virtualClock: a pool works without time passing, and says what it is', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ clock });
  assert.deepEqual(await pool.map((x: number) => x * 2, [1, 2, 3]), [2, 4, 6]);
  assert.equal(pool.statistics().context, 'inline');
  assert.equal(alive(pool as Pool), 1);
  assert.equal(clock.now(), 0);
});

testClean('virtualClock: a timeout comes at its millisecond, and the pool goes on', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ workers: 1, clock });
  let over = false;
  const late = rejection(pool.apply(() => clock.sleep(120_000), [], { timeout: 60_000 })).finally(() => (over = true));
  const next = pool.apply(() => 'next');
  await clock.pass(59_999);
  assert.equal(over, false);
  await clock.pass(1);
  assert.ok((await late) instanceof TaskTimeoutError);
  // The task does not heed its signal: its worker ends after the grace.
  await clock.pass(1_000);
  assert.equal(await next, 'next');
});

testClean('virtualClock: an elastic pool grows under load and shrinks when it is idle', {}, async () => {
  const clock = virtualClock();
  await using elastic = new Pool({ min: 1, max: 4, idleTimeout: 5_000, clock });
  const pool = elastic as Pool;
  const sleep = pool.map(() => clock.sleep(1_000), [1, 2, 3, 4], { chunkSize: 1 });
  await clock.pass(1_100);
  await sleep;
  assert.equal(alive(pool), 4);
  await clock.pass(3_000);
  assert.equal(alive(pool), 4);
  await clock.pass(3_000);
  assert.equal(alive(pool), 1);
});

testClean('virtualClock: a task hears of its abort, and one that does not heed it is given up', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ workers: 1, clock });
  const stop = new AbortController();
  let heard = false;
  const task1 = pool.apply(
    () => {
      task().signal.addEventListener('abort', () => (heard = true));
      return new Promise<never>(() => {});
    },
    [],
    { signal: stop.signal },
  );
  await clock.pass(10);
  const failed = rejection(task1);
  stop.abort();
  assert.equal((await failed).name, 'AbortError');
  assert.ok(heard);
  const next = pool.apply(() => 1);
  await clock.pass(2_000);
  assert.equal(await next, 1);
});

testClean('virtualClock: restarts take their growing delays, and the pool breaks', {}, async () => {
  const clock = virtualClock();
  const pool = new Pool({ workers: 1, clock, restart: { intensity: 3 }, faults: faults().refuseToStart() });
  const failed = rejection(pool.apply(() => 1));
  await clock.pass(10_000);
  assert.ok((await failed) instanceof PoolBrokenError);
});

test('virtualClock: what is due happens in order, each at its time', async () => {
  const clock = virtualClock();
  const log: string[] = [];
  clock.after(20, () => log.push(`b ${clock.now()}`));
  const cancel = clock.after(15, () => log.push('never'));
  void clock.sleep(10).then(() => {
    log.push(`a ${clock.now()}`);
    return clock.sleep(5).then(() => log.push(`c ${clock.now()}`));
  });
  cancel();
  await clock.pass(100);
  assert.deepEqual(log, ['a 10', 'c 15', 'b 20']);
  assert.equal(clock.now(), 100);
});

testClean('virtualClock: a task knows its worker, and tells how far it is', {}, async () => {
  const clock = virtualClock();
  await using pool = new Pool({ workers: 2, clock });
  const told: string[] = [];
  pool.on('taskProgress', ({ done, total }) => told.push(`${done}/${total}`));
  const where = pool.map(
    async (n: number) => {
      const { workerId, workerIndex } = task();
      task().progress(n, 2);
      await clock.sleep(10);
      return [workerId, workerIndex];
    },
    [1, 2],
    { chunkSize: 1 },
  );
  await clock.pass(10);
  assert.deepEqual(await where, [
    [1, 0],
    [2, 1],
  ]);
  assert.deepEqual(told, ['1/2', '2/2']);
});

testClean('virtualClock: executors go by it too', {}, async () => {
  for (const kind of ['process', 'thread']) {
    const clock = virtualClock();
    const options = { maxWorkers: 2, clock, faults: faults().kill({ worker: 1, task: 1 }) };
    await using executor = kind === 'process' ? new ProcessPoolExecutor(options) : new ThreadPoolExecutor(options);
    const [lost, slow] = [executor.submit(() => 1), executor.submit(() => clock.sleep(60_000).then(() => 'slow'))];
    await clock.pass(60_000);
    assert.ok((await rejection(lost)) instanceof WorkerLostError);
    assert.equal(await slow, 'slow');
  }
  const clock = virtualClock();
  assert.throws(() => new ProcessPoolExecutor({ context: 'process', clock }), /Leave the context out/);
});

testClean('virtualClock: only milliseconds pass', {}, async () => {
  const clock = virtualClock();
  for (const wrong of [undefined, '5', -1, NaN])
    assert.match((await rejection(clock.pass(wrong as never))).message, /^Cannot use ms .*: expected milliseconds/);
  assert.equal(clock.now(), 0);
});
