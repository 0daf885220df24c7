import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressSnapshot } from '#internal/progress/index.js';
import { counters, microtask, setUp } from './fake-host.ts';

test('a callback is called while things change, and once at the end', () => {
  const { host, display } = setUp();
  const seen: ProgressSnapshot[] = [];
  const state = counters(10);
  const handle = display.start((snapshot) => seen.push(snapshot), state, 'fn');
  host.advance(1_000);
  assert.equal(seen.length, 0);
  state.done = 5;
  state.failed = 1;
  host.advance(1_000);
  assert.equal(seen.length, 1);
  state.done = 10;
  handle.stop('done');
  handle.stop('done');
  host.advance(1_000);
  assert.equal(seen.length, 2);
  assert.deepEqual(seen[1], {
    label: 'fn',
    done: 10,
    total: 10,
    failed: 1,
    percent: 100,
    ratePerSecond: 5,
    etaMs: 0,
    elapsedMs: 2_000,
    running: 0,
    workers: 4,
    finished: true,
  });
  assert.deepEqual(
    seen.map(({ finished }) => finished),
    [false, true],
  );
  assert.ok(Object.isFrozen(seen[0]));
  assert.equal(host.stderr.writes.length, 0);
  assert.equal(host.timers.size, 0);
});

test('each call has its own interval, and all share one timer', () => {
  const { host, display } = setUp();
  const calls = { fast: 0, slow: 0 };
  const state = counters(1_000);
  const slow = display.start({ interval: 500, onUpdate: () => calls.slow++ }, state, 'fn');
  const fast = display.start(() => calls.fast++, state, 'fn');
  for (let i = 0; i < 100; i++) {
    state.done++;
    host.advance(20);
  }
  assert.equal(host.timers.size, 1);
  assert.deepEqual(calls, { fast: 20, slow: 4 });
  fast.stop('done');
  assert.deepEqual(
    [...host.timers].map(({ intervalMs }) => intervalMs),
    [500],
  );
  slow.stop('done');
  assert.equal(host.timers.size, 0);
});

test('a callback that throws is reported once and called on', async () => {
  const faults: ((snapshot: ProgressSnapshot) => void)[] = [
    () => {
      throw new Error('display is off');
    },
    // oxlint-disable-next-line no-misused-promises -- the mistake is the case
    async () => {
      throw new Error('display is off');
    },
  ];
  for (const fail of faults) {
    const { host, display } = setUp();
    let calls = 0;
    const state = counters(10);
    const handle = display.start(
      (snapshot) => {
        calls++;
        return fail(snapshot);
      },
      state,
      'fn',
    );
    for (let i = 0; i < 5; i++) {
      state.done++;
      host.advance(100);
    }
    handle.stop('done');
    await microtask();
    assert.equal(calls, 6);
    assert.equal(host.warnings.length, 1);
    assert.match(host.warnings[0] ?? '', /^The progress callback of "fn" threw: Error: display is off/);
  }
});

test('a callback may stop its own call and start another', () => {
  const { host, display } = setUp({ isTTY: false });
  const state = counters(10);
  const other = display.start('other', counters(1), 'fn');
  const handle = display.start(
    {
      label: 'w',
      onUpdate: ({ finished }) => {
        if (!finished) handle.stop('cancelled');
      },
    },
    state,
    'fn',
  );
  state.done = 1;
  host.advance(1_000);
  other.stop('done');
  assert.deepEqual(
    host.screen.rows.filter((row) => row.startsWith('w:')),
    ['w: 1/10 (10%) in 0.1s, 10.0/s, cancelled'],
  );
});

test('no progress: nothing happens at all', () => {
  const { host, display } = setUp();
  const handle = display.start(false, counters(10), 'fn');
  handle.fraction = 1;
  handle.stop('done');
  assert.equal(display.start(false, counters(10), 'fn').fraction, 0);
  assert.equal(host.timers.size + host.stderr.writes.length + host.listeners, 0);
});
