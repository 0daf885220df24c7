import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '#internal/engine/task.js';
import { poisonDeaths } from '#internal/limits.js';
import { PlainJob, PlainPool, returns } from './plain-pool.ts';
import type { Act } from './simulated-link.ts';

const crash: Act = { kind: 'crash', ms: 1 };
const fault: Act = { kind: 'throw', ms: 1 };

/** A job of one item whose attempts do these things, one after the other. */
class Attempts extends PlainJob {
  readonly asked: [kind: string, attempt: number | undefined][] = [];
  verdict: (failure: Failure) => boolean = () => true;

  constructor(acts: readonly Act[], terms: ConstructorParameters<typeof PlainJob>[1]) {
    super(() => acts[this.begun.length - 1]!, terms);
  }

  accepts(_: number, failure: Failure): boolean {
    this.asked.push([failure.kind, 'attempt' in failure ? failure.attempt : undefined]);
    return this.verdict(failure);
  }
}

function run(pool: PlainPool, job: PlainJob): void {
  pool.engine.add(job, 0, 1);
  pool.engine.dispatch();
  pool.timeline.pass(60_000);
  assert.ok(job.done(1));
}

test('retries: back-off lies between the attempts, in the ledger meanwhile', () => {
  const pool = new PlainPool({ size: 1 });
  const job = pool.submit(1, () => crash, { retries: 2, retryDelayMs: (attempt) => attempt * 1_000 });
  pool.timeline.pass(100);
  assert.deepEqual([pool.engine.waiting, pool.engine.progress()], [1, { open: 1, running: 0 }]);
  assert.equal(pool.engine.unfinished(), job);
  pool.timeline.pass(60_000);
  const [first, second, third] = job.begun.map(({ atMs }) => atMs);
  assert.ok(second! - first! > 999 && second! - first! < 1_100, `${first} ${second}`);
  assert.ok(third! - second! > 1_999 && third! - second! < 2_100, `${second} ${third}`);
  assert.deepEqual([job.counts, job.failures[0]?.failure.kind], [[1], 'lost']);
});

test('retries: a job may have errors tried again too; each attempt is asked about but the last', () => {
  const pool = new PlainPool({ size: 1 });
  const job = new Attempts([fault, crash, fault, returns(1)], { retries: 3 });
  run(pool, job);
  assert.equal(job.values.size, 1);
  assert.deepEqual(job.asked, [
    ['error', 1],
    ['lost', 2],
    ['error', 3],
  ]);
  const failing = new Attempts([fault, fault], { retries: 1 });
  run(pool, failing);
  assert.deepEqual([failing.asked.length, failing.failures[0]?.failure.kind], [1, 'error']);
});

test('retries: errors between do not make a task poison, deaths do (C20)', () => {
  const pool = new PlainPool({ size: 1 });
  const harmless = new Attempts([crash, fault, fault, crash, fault, returns(1)], { retries: 9 });
  run(pool, harmless);
  assert.equal(harmless.values.size, 1);
  const poison = new Attempts([crash, fault, crash, fault, crash, returns(1)], { retries: 9 });
  run(pool, poison);
  const failure = poison.failures[0]?.failure;
  assert.ok(failure?.kind === 'poison' && failure.deaths === poisonDeaths && failure.attempt === 5);
});

test('retries: a job that says no has failed; one whose answer throws fails with that', () => {
  const pool = new PlainPool({ size: 1 });
  const unwilling = new Attempts([fault, fault], { retries: 9 });
  unwilling.verdict = () => false;
  run(pool, unwilling);
  assert.deepEqual([unwilling.begun.length, unwilling.failures[0]?.failure.kind], [1, 'error']);
  const odd = new Attempts([fault, fault], { retries: 9 });
  odd.verdict = () => {
    throw new RangeError('odd');
  };
  run(pool, odd);
  const failure = odd.failures[0]?.failure;
  assert.ok(failure?.kind === 'refused' && failure.error.message === 'odd');
});

test('retries: a task that ran too long is tried again when it cannot run any more', () => {
  const pool = new PlainPool({ size: 2 }, { heedsCancel: false });
  const job = new Attempts([{ kind: 'never' }, returns(1)], { retries: 1, timeoutMs: 50, graceMs: 300 });
  run(pool, job);
  const [first, second] = job.begun.map(({ atMs }) => atMs);
  assert.ok(second! - first! >= 350, `${first} ${second}`);
  assert.equal(pool.links[0]!.state, 'dead');
  assert.equal(job.values.size, 1);
});

for (const how of ['withdrawn', 'terminated'] as const) {
  test(`retries: between two attempts a task can be ${how}, and by who decides on the retry`, () => {
    for (const when of ['between', 'asked'] as const) {
      const pool = new PlainPool({ size: 1 });
      const job = new Attempts([fault, returns(1)], { retries: 9, retryDelayMs: () => 1_000 });
      const end = (): void => {
        if (how === 'withdrawn') pool.engine.withdraw(job, { value: 'enough' });
        else pool.engine.terminate(new Error('enough'));
      };
      if (when === 'asked') {
        job.verdict = () => {
          end();
          return true;
        };
      } else pool.timeline.after(500, end);
      run(pool, job);
      assert.deepEqual(
        [job.begun.length, job.failures[0]?.failure.kind],
        [1, how === 'withdrawn' ? 'aborted' : 'ended'],
      );
      pool.close();
      assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
    }
  });
}

test('retries: a pool that is closed waits for what is to be tried again', () => {
  const pool = new PlainPool({ size: 1 });
  const job = pool.submit(1, (index) => (job.begun.length === 1 ? crash : returns(index)), {
    retries: 1,
    retryDelayMs: () => 5_000,
  });
  pool.timeline.pass(100);
  pool.close();
  assert.equal(job.values.size, 1);
  assert.ok(pool.timeline.now > 5_000);
  assert.deepEqual([pool.ends, pool.clock.timers], [1, 0]);
});

for (const ends of ['answers', 'dies'] as const) {
  test(`retries: an attempt that ran too long and has no end to its grace is followed when its worker ${ends}`, () => {
    const pool = new PlainPool({ size: 1 }, { heedsCancel: false });
    const terms = { retries: 1, timeoutMs: 50, graceMs: Infinity, retryDelayMs: () => 20 };
    const job = new Attempts([ends === 'dies' ? { kind: 'crash', ms: 200 } : returns(200), returns(1)], terms);
    pool.engine.add(job, 0, 1);
    pool.engine.dispatch();
    pool.timeline.pass(150);
    assert.deepEqual([job.begun.length, pool.engine.waiting], [1, 1]);
    pool.timeline.pass(1_000);
    assert.ok(job.done(1) && job.values.size === 1);
    assert.ok(job.begun[1]!.atMs > 200 && job.begun[1]!.atMs < 300, `${job.begun[1]!.atMs}`);
    pool.timeline.pass(10_000);
    assert.equal(pool.clock.timers, 0);
  });
}

test('retries: an attempt that ran too long and ends within its grace is followed after the back-off', () => {
  const pool = new PlainPool({ size: 1 }, { heedsCancel: true });
  const terms = { retries: 1, timeoutMs: 50, graceMs: 10_000, retryDelayMs: () => 300 };
  const job = new Attempts([returns(1_000), returns(1)], terms);
  run(pool, job);
  assert.ok(job.begun[1]!.atMs > 350 && job.begun[1]!.atMs < 450, `${job.begun[1]!.atMs}`);
});
