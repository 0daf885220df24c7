import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Features } from './simulation.ts';
import { describe, runSchedule } from './schedule.ts';

/**
 * What goes in comes out once, in each of these schedules. `SEED=n` replays one; a failure prints its own.
 */
const quiet: Partial<Features> = {
  kills: false,
  crashes: false,
  badBoots: false,
  failingStarts: false,
  nonsense: false,
  endless: false,
  smallBudget: false,
};

const tables: readonly { readonly name: string; readonly count: number; readonly features: Partial<Features> }[] = [
  { name: 'whatever happens', count: 60_000, features: {} },
  { name: 'no worker dies', count: 12_000, features: quiet },
  { name: 'workers are killed', count: 12_000, features: { kills: true, retries: true } },
  { name: 'callbacks change the pool', count: 12_000, features: { reentrant: true } },
  { name: 'workers are recycled while they boot badly', count: 6_000, features: { recycling: true, badBoots: true } },
];

const { SEED, FRESH } = process.env;
/** With `FRESH=1` the second half of the seeds is new in each run. */
const fresh = FRESH === undefined ? 2 ** 20 : Math.floor(Math.random() * 2 ** 31);

/** A test is silent while it runs; the runner takes one that is silent for long as hung. */
const most = 6_000;

for (const { name, count, features } of tables) {
  for (let from = 0; from < count; from += most) {
    const to = Math.min(count, from + most);
    test(`engine: what goes in comes out once: ${name}, schedules ${from} to ${to}`, { timeout: 400_000 }, async () => {
      // Outcomes are told when the event loop turns, not before.
      await nextTurn();
      for (const seed of SEED === undefined ? seedsOf(from, to) : [Number(SEED)]) {
        const simulation = runSchedule(seed, features);
        if (simulation.violations.length > 0) assert.fail(describe(seed, simulation));
      }
    });
  }
}

function* seedsOf(from: number, to: number): Generator<number> {
  for (let i = from / 2; i < to / 2; i++) {
    yield i;
    yield fresh + i;
  }
}
