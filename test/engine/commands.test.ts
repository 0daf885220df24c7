import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PlainJob, PlainPool, returns } from './plain-pool.ts';
import '../seeded.ts';

/** What a pool is to its user: work goes in, comes out, and no more is lost than workers were killed. */
interface Model {
  state: 'running' | 'closing' | 'over';
  min: number;
  max: number;
  kills: number;
  withdrawn: number;
}

interface Real {
  readonly pool: PlainPool;
  readonly jobs: { readonly job: PlainJob; readonly size: number }[];
}

type Command = fc.Command<Model, Real>;

/** Failures of a kind, but for work that only one worker may do: that is lost with it, begun or not. */
function countOf({ jobs }: Real, kind: string): number {
  const free = jobs.filter(({ job }) => job.terms.pinned === undefined);
  return free.flatMap(({ job }) => job.failures).filter(({ failure }) => failure.kind === kind).length;
}

/** A step of the user's or of the world's, after which the model holds. */
function command(shown: string, allowed: (model: Model) => boolean, step: (model: Model, real: Real) => void): Command {
  return {
    check: (model) => allowed(model),
    run: (model, real) => {
      step(model, real);
      const { pool, jobs } = real;
      for (const { job, size } of jobs) {
        assert.ok(job.counts.length <= size && job.counts.every((count) => count === 1), 'settled once');
        assert.ok([...job.values.values()].every((value) => value === 'value'));
      }
      assert.ok(countOf(real, 'lost') <= model.kills, 'no more lost than killed');
      assert.ok(countOf(real, 'aborted') <= model.withdrawn);
      assert.equal(countOf(real, 'ended') > 0 && model.state !== 'over', false);
      assert.ok(pool.alive <= model.max);
      const states = { running: ['running'], closing: ['closing', 'ended'], over: ['terminating', 'ended'] };
      assert.ok(states[model.state].includes(pool.engine.state));
    },
    toString: () => shown,
  };
}

const open = (model: Model): boolean => model.state === 'running';
const always = (): boolean => true;

const submit = fc
  .record({
    size: fc.integer({ min: 1, max: 20 }),
    ms: fc.constantFrom(0, 0.1, 1, 20),
    chunkSize: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    priority: fc.constantFrom(0, 0, 1),
  })
  .map(({ size, ms, ...terms }) =>
    command(`submit(${size} of ${ms} ms, ${JSON.stringify(terms)})`, open, (_, { pool, jobs }) => {
      jobs.push({ job: pool.submit(size, () => returns(ms), terms), size });
    }),
  );
const pass = fc
  .constantFrom(0.1, 1, 5, 50, 1_000)
  .map((ms) => command(`pass(${ms})`, always, (_, { pool }) => pool.timeline.pass(ms)));
const kill = fc.nat().map((n) =>
  command(`kill(${n})`, always, (model, { pool }) => {
    const living = pool.links.filter(({ state }) => state !== 'dead');
    if (living.length === 0) return;
    living[n % living.length]!.die();
    model.kills++;
  }),
);
const withdraw = fc.record({ n: fc.nat(), cancels: fc.boolean() }).map(({ n, cancels }) =>
  command(`withdraw(${n}, ${cancels})`, always, (model, { pool, jobs }) => {
    const chosen = jobs[n % jobs.length];
    if (chosen === undefined) return;
    model.withdrawn += chosen.size;
    pool.engine.withdraw(chosen.job, cancels ? { value: 'enough' } : undefined);
    assert.ok(chosen.job.done(chosen.size), 'nobody waits for it any more');
  }),
);
const cancel = fc.record({ n: fc.nat(), index: fc.nat(19), force: fc.boolean() }).map(({ n, index, force }) =>
  command(`cancel(${n}, ${index}, ${force})`, always, (model, { pool, jobs }) => {
    const chosen = jobs[n % jobs.length];
    if (chosen === undefined || index >= chosen.size) return;
    const { job } = chosen;
    const open = job.counts[index] === undefined;
    // A chunk begins as a whole.
    const chunk = job.terms.chunkSize ?? 1;
    const began = job.begun.some((begin) => Math.abs(begin.index - index) < chunk);
    const cancelled = pool.engine.cancel(job, index, force);
    // The worker that is ended may have come to the next item by then.
    if (cancelled && force && began) model.kills++;
    assert.ok(!cancelled || (open && job.counts[index] === 1), 'only what is open, once');
    assert.ok(!open || cancelled || (began && !force) || !pool.links.every(({ canTakeBack }) => canTakeBack));
    pool.engine.dispatch();
  }),
);
const cancelWaiting = fc.constant(
  command('cancelWaiting', always, (_, { pool }) => {
    pool.engine.cancelWaiting();
    assert.equal(pool.engine.waiting, 0);
  }),
);
const resize = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 4 })).map(([min, max]) =>
  command(`resize(${min}, ${max})`, always, (model, { pool }) => {
    model.max = max;
    model.min = Math.min(min, max);
    pool.engine.resize(model.min, model.max);
  }),
);
const pin = fc.constant(
  command('broadcast', open, ({ state }, { pool, jobs }) => {
    assert.equal(state, 'running');
    const before = jobs.length;
    pool.engine.pin((pinned) => {
      const job = new PlainJob(() => returns(1), { pinned });
      jobs.push({ job, size: 1 });
      return job;
    });
    // Also on one that is to be replaced and still takes work.
    const working = [...pool.engine.members].filter(({ state: its }) => its === 'starting' || its === 'ready');
    assert.equal(jobs.length - before, working.length);
    pool.engine.dispatch();
  }),
);
const recycle = fc.nat().map((n) =>
  command(`recycle(${n})`, always, (_, { pool }) => {
    const members = [...pool.engine.members];
    const member = members[n % members.length];
    if (member === undefined) return;
    pool.links.find(({ id }) => id === member.id)!.stop();
    pool.engine.recycle(member, 'recycle');
  }),
);
const close = fc.constant(
  command('close', open, (model, { pool }) => {
    model.state = 'closing';
    pool.engine.close();
  }),
);
const terminate = fc.constant(
  command('terminate', always, (model, { pool, jobs }) => {
    if (pool.engine.state !== 'ended') model.state = 'over';
    pool.engine.terminate(new Error('enough'));
    for (const { job, size } of jobs) assert.ok(job.done(size), 'all is settled at once');
  }),
);

const anyCommand = [
  submit,
  submit,
  submit,
  pass,
  pass,
  kill,
  kill,
  withdraw,
  cancel,
  cancel,
  cancelWaiting,
  resize,
  pin,
  recycle,
];

for (const [name, options] of [
  ['a pool of fixed size', { size: 2 }],
  ['an elastic pool', { min: 0, max: 3, idleTimeoutMs: 20 }],
  ['a pool that recycles', { size: 2, tasksPerWorker: 3 }],
  ['a pool of several tasks at once', { size: 2, concurrency: 3 }],
] as const) {
  test(`engine: any sequence of commands on ${name} keeps the model`, { timeout: 120_000 }, () => {
    const check = fc.property(
      fc.commands([...anyCommand, close, terminate], { maxCommands: 40 }),
      fc.boolean(),
      (commands, canTakeBack) => {
        const setup = (): { model: Model; real: Real } => {
          const pool = new PlainPool(options, { canTakeBack, block: 1 });
          const { min, max } = 'size' in options ? { min: options.size, max: options.size } : options;
          return { model: { state: 'running', min, max, kills: 0, withdrawn: 0 }, real: { pool, jobs: [] } };
        };
        let after: Real | undefined;
        fc.modelRun(() => {
          const made = setup();
          // A worker that runs several tasks at once takes them all with it.
          if ('concurrency' in options) made.model.kills = Infinity;
          after = made.real;
          return made;
        }, commands);
        const { pool, jobs } = after!;
        pool.close();
        assert.ok(
          jobs.every(({ job, size }) => job.done(size)),
          'all is settled at the end',
        );
        assert.deepEqual([pool.ends, pool.clock.timers, pool.engine.members.size], [1, 0, 0]);
      },
    );
    fc.assert(check, { numRuns: 1_000 });
  });
}
