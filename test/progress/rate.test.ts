import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etaMs, RateMeter } from '#internal/progress/rate.js';

function run(meter: RateMeter, fromMs: number, toMs: number, position: (nowMs: number) => number): void {
  for (let now = fromMs; now <= toMs; now += 100) meter.update(now, position(now));
}

function near(actual: number, expected: number, share: number): void {
  assert.ok(Math.abs(actual - expected) <= expected * share, `${actual} is not within ${share * 100} % of ${expected}`);
}

test('an even rate is exact from the first update on', () => {
  const meter = new RateMeter(1_000);
  assert.equal(meter.perSecond, 0);
  meter.update(1_100, 5);
  near(meter.perSecond, 50, 1e-9);
  run(meter, 1_200, 60_000, (now) => (now - 1_000) / 20);
  near(meter.perSecond, 50, 1e-9);
});

test('a new rate is taken over within some seconds', () => {
  const meter = new RateMeter(0);
  run(meter, 100, 10_000, (now) => now / 100);
  run(meter, 10_100, 30_000, (now) => 100 + (now - 10_000) / 10);
  near(meter.perSecond, 100, 0.05);
});

test('a burst moves it little, a halt lets it sink', () => {
  const meter = new RateMeter(0);
  run(meter, 100, 20_000, (now) => now / 100);
  meter.update(20_100, 211);
  near(meter.perSecond, 12, 0.05);
  run(meter, 20_200, 60_000, () => 211);
  assert.ok(meter.perSecond < 0.5, String(meter.perSecond));
});

test('tasks of half a minute give a steady rate', () => {
  const meter = new RateMeter(0);
  run(meter, 100, 600_000, (now) => Math.floor(now / 30_000) * 4);
  for (let now = 600_100; now <= 700_000; now += 100) {
    meter.update(now, Math.floor(now / 30_000) * 4);
    near(meter.perSecond, 4 / 30, 0.15);
  }
});

test('neither a clock that stands nor a retry that starts over makes it negative or infinite', () => {
  const meter = new RateMeter(0);
  meter.update(0, 10);
  assert.equal(meter.perSecond, 0);
  meter.update(100, 0.9);
  meter.update(200, 0);
  assert.ok(meter.perSecond >= 0 && meter.perSecond < 10);
});

test('etaMs is the rest by the rate, and undefined when nobody can tell', () => {
  assert.equal(etaMs(25, 100, 10), 7_500);
  assert.equal(etaMs(0.5, 1, 0.1), 5_000);
  assert.equal(etaMs(100, 100, 0), 0);
  assert.equal(etaMs(0, 0, 0), 0);
  assert.equal(etaMs(0, 100, 0), undefined);
  assert.equal(etaMs(5, undefined, 10), undefined);
});
