import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBudget } from '#internal/engine/restart.js';
import { initializerFailures, restartDelayMs } from '#internal/limits.js';

const unproductive = { productive: false, bootError: false };
const policy = { intensity: 5, periodMs: 1_000 };

test('restart: the first two deaths are made good at once, the next later and later', () => {
  const budget = new RestartBudget({ intensity: 100, periodMs: 60_000 });
  const delays = Array.from({ length: 9 }, (_, i) => {
    const verdict = budget.died(i, unproductive);
    return verdict.restart ? verdict.delayMs : undefined;
  });
  const { first, last } = restartDelayMs;
  assert.deepEqual(delays, [0, 0, first, first * 2, first * 4, first * 8, first * 16, last, last]);
});

test('restart: more deaths than the intensity within the period break the pool, as in OTP', () => {
  const budget = new RestartBudget(policy);
  for (let i = 0; i < 5; i++) assert.equal(budget.died(i, unproductive).restart, true);
  assert.deepEqual(budget.died(5, unproductive), { restart: false, deaths: 6 });
});

test('restart: deaths older than the period are forgotten', () => {
  const budget = new RestartBudget(policy);
  for (let i = 0; i < 50; i++) assert.equal(budget.died(i * 250, unproductive).restart, true);
});

test('restart: a finished task wipes the slate, and the death of a worker that finished some does not count', () => {
  const budget = new RestartBudget(policy);
  for (let i = 0; i < 50; i++) {
    if (i % 5 === 4) budget.productive();
    assert.equal(budget.died(i, unproductive).restart, true);
    assert.deepEqual(budget.died(i, { productive: true, bootError: false }), { restart: true, delayMs: 0 });
  }
});

test('restart: an initializer that fails so many times in a row breaks the pool', () => {
  const failed = { productive: false, bootError: true };
  const budget = new RestartBudget({ intensity: 100, periodMs: 60_000 });
  for (let i = 1; i < initializerFailures; i++) assert.equal(budget.died(i, failed).restart, true);
  budget.booted();
  for (let i = 1; i < initializerFailures; i++) assert.equal(budget.died(i, failed).restart, true);
  assert.deepEqual(budget.died(9, failed), { restart: false, deaths: initializerFailures });
});

test('restart: an intensity of 0 endures none', () => {
  assert.equal(new RestartBudget({ intensity: 0, periodMs: 1_000 }).died(0, unproductive).restart, false);
});
