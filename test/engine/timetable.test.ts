import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timetable } from '#internal/engine/timetable.js';
import { Random } from './random.ts';
import { TimelineClock } from '#internal/testing/timeline.js';

test('timetable: 100,000 times are one timer, and each comes when it is due, in order (E7)', () => {
  const clock = new TimelineClock();
  const random = new Random(7);
  const seen: number[] = [];
  let mostTimers = 0;
  const table = new Timetable<number>(clock, (due) => {
    for (const dueMs of due) assert.ok(dueMs <= clock.now() && dueMs > clock.now() - 2, `${dueMs} at ${clock.now()}`);
    seen.push(...due);
    mostTimers = Math.max(mostTimers, clock.timers);
  });
  const started = performance.now();
  for (let i = 0; i < 100_000; i++) {
    const ms = random.next() * 60_000;
    table.add(ms, ms);
    mostTimers = Math.max(mostTimers, clock.timers);
  }
  clock.timeline.pass(60_001);
  const tookMs = performance.now() - started;
  assert.equal(seen.length, 100_000);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  assert.equal(mostTimers, 1);
  assert.deepEqual([table.size, clock.timers], [0, 0]);
  assert.ok(tookMs < 10_000, `${tookMs} ms`);
});

test('timetable: what is sifted out does not come, and nothing leaves no timer', () => {
  const clock = new TimelineClock();
  const seen: number[] = [];
  const table = new Timetable<number>(clock, (due) => seen.push(...due));
  for (const ms of [50, 10, 30, 20, 40]) table.add(ms, ms);
  assert.deepEqual(
    table.sift((ms) => ms % 20 !== 10).toSorted((a, b) => a - b),
    [10, 30, 50],
  );
  clock.timeline.pass(25);
  assert.deepEqual(seen, [20]);
  table.sift(() => false);
  assert.deepEqual([table.size, clock.timers], [0, 0]);
});

test('timetable: a timer that is early loses nothing', () => {
  const clock = new TimelineClock(undefined, () => -0.9);
  const seen: number[] = [];
  const table = new Timetable<number>(clock, (due) => seen.push(...due));
  for (const ms of [5, 5.5, 9]) table.add(ms, ms);
  clock.timeline.pass(20);
  assert.deepEqual(seen, [5, 5.5, 9]);
});
