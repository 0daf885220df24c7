import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counters, setUp } from './fake-host.ts';

test('a file gets a line at the start, each ten percent, and at the end', () => {
  const { host, display } = setUp({ isTTY: false, columns: 200 });
  const state = counters(1_000);
  const handle = display.start('squares', state, 'fn');
  for (let i = 0; i < 200; i++) {
    state.done += 5;
    host.advance(100);
  }
  handle.stop('done');
  assert.equal(host.screen.rows[0], 'squares: 5/1,000 (0%), 50.0/s, ETA 0:20, 2/4 busy');
  assert.equal(host.screen.rows[1], 'squares: 105/1,000 (10%), 50.0/s, ETA 0:18, 2/4 busy');
  assert.equal(host.screen.rows.at(-1), 'squares: 1,000/1,000 (100%) in 20.0s, 50.0/s');
  assert.equal(host.screen.rows.length, 11);
  assert.equal(host.timers.size, 0);
});

test('a call that is over at once has one line', () => {
  const { host, display } = setUp({ isTTY: false });
  display.start('w', counters(3, 3), 'fn').stop('done');
  assert.deepEqual(host.screen.rows, ['w: 3/3 (100%) in 0.0s, -/s']);
});

test('an hour makes about a hundred lines, and no pause of more than some minutes', () => {
  const { host, display } = setUp({ isTTY: false });
  const handle = display.start('w', counters(undefined), 'fn');
  host.advance(3_600_000);
  handle.stop('done');
  assert.ok(host.stderr.writes.length > 50 && host.stderr.writes.length < 120, String(host.stderr.writes.length));
});

test('nothing moves a cursor, and nothing is hooked: no terminal, TERM=dumb, CI', () => {
  for (const options of [{ isTTY: false }, { env: { TERM: 'dumb' } }, { env: { CI: 'true' } }]) {
    const { host, display } = setUp({ columns: 200, ...options });
    const state = counters(10);
    const handle = display.start('w', state, 'fn');
    assert.ok(!Object.hasOwn(host.stderr, 'write'));
    assert.equal(host.listeners, 0);
    host.advance(6_000);
    handle.stop('failed');
    assert.ok(!['\x1b', '\r'].some((control) => host.stderr.writes.join('').includes(control)));
    assert.equal(host.screen.rows.length, 3);
  }
});

test('CI=false is no CI; TERM=linux and a locale without UTF-8 get ASCII', () => {
  const rows: [Record<string, string>, RegExp][] = [
    [{ CI: 'false' }, /░/],
    [{ TERM: 'linux' }, /---/],
    [{ LANG: 'C' }, /---/],
    [{ LANG: 'de_DE.utf8' }, /░/],
  ];
  for (const [env, expected] of rows) {
    const { host, display } = setUp({ env });
    const handle = display.start('w', counters(10), 'fn');
    assert.match(host.screen.rows[0] ?? '', expected);
    handle.stop('done');
  }
});

test('a stream that fails is not written to again and does no harm', () => {
  const { host, display } = setUp({ isTTY: false });
  let writes = 0;
  for (const write of [
    () => {
      writes++;
      throw new Error('closed');
    },
    (_text: string, callback?: (error?: Error | null) => void) => {
      writes++;
      callback?.(new Error('EPIPE'));
    },
  ]) {
    writes = 0;
    const handle = display.start({ stream: { write } }, counters(10), 'fn');
    host.advance(60_000);
    handle.stop('done');
    assert.equal(writes, 1);
  }
});
