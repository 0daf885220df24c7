import { strict as assert } from 'node:assert';
import { AbortError, Barrier, BrokenBarrierError, Semaphore } from 'manycore';
import { BarrierCore, barrierWords } from '#internal/sync/barrier-core.js';
import { create } from '#internal/sync/shared-object.js';
import { glance } from '#internal/sync/waiters.js';
import { eachContext, eventually, rejection, testClean, testPool } from '../matrix.ts';
import './support.ts';

testClean('barrier: for one it is open (D119)', {}, async () => {
  const barrier = new Barrier(1);
  assert.equal(await barrier.wait(), 0);
  assert.equal(barrier.waitSync(), 0);
  assert.throws(() => new Barrier(0), RangeError);
  assert.throws(() => new Barrier(2, { action: 5 } as never), TypeError);
  assert.throws(() => new Barrier(2, { acton: () => 1 } as never), /Did you mean "action"/);
});

testClean('barrier: a round is not taken for a broken one that had its number 65,536 rounds before', {}, () => {
  const core = create(barrierWords, (place) => new BarrierCore(place, 2));
  const meet = (): void => {
    const [first, last] = [core.arrival.try(glance), core.arrival.try(glance)] as const;
    assert.ok(typeof first === 'object' && typeof last === 'object');
    core.finish(last.round);
    assert.equal(core.passing(first.round).try(glance), true);
  };
  void core.arrival.try(glance);
  core.reset();
  assert.throws(() => core.passing(0).try(glance), BrokenBarrierError);
  for (let round = 1; round < 65_536 + 16; round++) meet();
});

testClean('barrier: whose time is over says how many had arrived', {}, async () => {
  const barrier = new Barrier(3);
  const first = rejection(barrier.wait());
  const late = await rejection(barrier.wait({ timeout: 20 }));
  assert.ok(late instanceof BrokenBarrierError);
  assert.equal(late.message, 'The barrier is broken: 2 of 3 had arrived after 20 ms.');
  const why = 'somebody waited for too long, gave up, died, or called abort() or reset()';
  assert.equal((await first).message, `The barrier is broken: ${why}.`);
  barrier.reset();
  assert.throws(() => barrier.waitSync({ timeout: 0 }), { message: /: 1 of 3 had arrived after 0 ms\.$/ });
});

testClean('barrier: two of one thread meet; an aborted one breaks it', {}, async () => {
  const barrier = new Barrier(2);
  assert.deepEqual((await Promise.all([barrier.wait(), barrier.wait()])).toSorted(), [0, 1]);
  const controller = new AbortController();
  const aborted = barrier.wait({ signal: controller.signal });
  assert.deepEqual([barrier.nWaiting, barrier.waiting], [1, 1]);
  controller.abort();
  assert.ok((await rejection(aborted)) instanceof AbortError);
  assert.equal(barrier.broken, true);
  assert.ok((await rejection(barrier.wait())) instanceof BrokenBarrierError);
});

eachContext((context) => {
  const outcome = async (at: Barrier, isSync: boolean, timeout?: number): Promise<string> => {
    try {
      const options = timeout === undefined ? {} : { timeout };
      return String(isSync ? at.waitSync(options) : await at.wait(options));
    } catch (error) {
      return (error as Error).name;
    }
  };

  const twoBroken = ['BrokenBarrierError', 'BrokenBarrierError'];

  testPool(
    'barrier: five meet twice, each with a number of its own, and no one overtakes (D110 D111)',
    { context, workers: 4 },
    async (pool) => {
      const barrier = new Barrier(5);
      const arrived = new Semaphore(0);
      const meet = async (at: Barrier, arrivals: Semaphore, isSync: boolean): Promise<[number, number][]> => {
        const seen: [number, number][] = [];
        for (let round = 1; round <= 2; round++) {
          arrivals.release();
          seen.push([isSync ? at.waitSync() : await at.wait(), arrivals.getValue()]);
          if (isSync) at.waitSync();
          else await at.wait();
        }
        return seen;
      };
      const all = await Promise.all([
        ...[0, 1, 2, 3].map((i) => pool.apply(meet, [barrier, arrived, i % 2 === 0])),
        meet(barrier, arrived, false),
      ]);
      for (const round of [0, 1]) {
        assert.deepEqual(all.map((seen) => seen[round]![0]).toSorted(), [0, 1, 2, 3, 4]);
        assert.ok(all.every((seen) => seen[round]![1] === 5 * (round + 1)));
      }
    },
  );

  testPool('barrier: its action runs once a round, before anybody goes on', { context, workers: 2 }, async (pool) => {
    const ran = new Semaphore(0);
    const barrier = new Barrier(3, { action: () => ran.release() });
    const meet = async (at: Barrier, runs: Semaphore): Promise<number> => {
      await at.wait();
      return runs.getValue();
    };
    const all = [pool.apply(meet, [barrier, ran]), pool.apply(meet, [barrier, ran]), meet(barrier, ran)];
    assert.deepEqual(await Promise.all(all), [1, 1, 1]);
  });

  testPool(
    'barrier: an action that throws breaks it: its error there, BrokenBarrierError elsewhere (D113)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3, {
        action: () => {
          throw new TypeError('action');
        },
      });
      const meet = async (at: Barrier): Promise<string> => at.wait().then(String, (error: Error) => error.name);
      const names = await Promise.all([pool.apply(meet, [barrier]), pool.apply(meet, [barrier]), meet(barrier)]);
      assert.deepEqual(names.toSorted(), ['BrokenBarrierError', 'BrokenBarrierError', 'TypeError']);
      assert.equal(barrier.broken, true);
    },
  );

  testPool(
    'barrier: aborted, it is broken for all, until it is reset (D114 D116)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3);
      const waits = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      await eventually(() => barrier.waiting === 2);
      barrier.abort();
      assert.deepEqual(await Promise.all(waits), twoBroken);
      assert.equal(barrier.broken, true);
      assert.equal(await outcome(barrier, false), 'BrokenBarrierError');
      barrier.reset();
      assert.equal(barrier.broken, false);
      const again = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      assert.deepEqual((await Promise.all([...again, outcome(barrier, false)])).toSorted(), ['0', '1', '2']);
    },
  );

  testPool(
    'barrier: a reset breaks it for those that wait, and it can be used at once (D115)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3);
      const waits = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      await eventually(() => barrier.waiting === 2);
      barrier.reset();
      assert.equal(barrier.broken, false);
      assert.deepEqual(await Promise.all(waits), twoBroken);
      const again = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync]));
      assert.deepEqual((await Promise.all([...again, outcome(barrier, false)])).toSorted(), ['0', '1', '2']);
    },
  );

  testPool(
    'barrier: one that is late breaks it for all, by the timeout of the wait or the barrier (D117 D118)',
    { context, workers: 2 },
    async (pool) => {
      const barrier = new Barrier(3);
      const waits = [true, false].map((isSync) => pool.apply(outcome, [barrier, isSync, isSync ? 100 : 10_000]));
      assert.deepEqual(await Promise.all(waits), twoBroken);
      const usual = new Barrier(3, { timeout: 50 });
      const others = [true, false].map((isSync) => pool.apply(outcome, [usual, isSync]));
      assert.deepEqual(await Promise.all(others), twoBroken);
      assert.equal(usual.broken, true);
    },
  );

  testPool('barrier: a thousand rounds in lockstep (D120)', { context, workers: 2 }, async (pool) => {
    const barrier = new Barrier(2);
    const rounds = [new Semaphore(0), new Semaphore(0)];
    const walk = async (at: Barrier, all: Semaphore[], me: number): Promise<number> => {
      let worst = 0;
      for (let i = 0; i < 1_000; i++) {
        all[me]!.release();
        worst = Math.max(worst, Math.abs(all[0]!.getValue() - all[1]!.getValue()));
        if (me === 0) at.waitSync();
        else await at.wait();
      }
      return worst;
    };
    const worst = await Promise.all([0, 1].map((me) => pool.apply(walk, [barrier, rounds, me])));
    assert.ok(Math.max(...worst) <= 1, String(worst));
    assert.deepEqual(
      rounds.map((each) => each.getValue()),
      [1_000, 1_000],
    );
  });
});
