import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counters, microtask, setUp } from './fake-host.ts';
import { FakeStream, Screen } from './screen.ts';

function writeOf(stream: FakeStream): (text: string) => boolean {
  const write: (text: string) => boolean = Reflect.get(stream, 'write');
  return write;
}

function ownWrite(this: FakeStream, text: string): boolean {
  return FakeStream.prototype.write.call(this, text);
}

test('a bar is drawn, redrawn in place, and stays with a line break after it', () => {
  const { host, display } = setUp();
  const state = counters(100);
  const handle = display.start('squares', state, 'fn');
  assert.deepEqual(host.screen.rows, ['squares   0% ░░░░░░░░░░░░░░░░░░░░   0/100 · -/s · ETA -:-- · 2/4 busy']);
  assert.equal(host.screen.cursorVisible, false);
  for (let i = 0; i < 50; i++) {
    state.done++;
    host.advance(20);
  }
  assert.deepEqual(host.screen.rows, ['squares  50% ██████████░░░░░░░░░░  50/100 · 50.0/s · ETA 0:01 · 2/4 busy']);
  state.done = 100;
  host.advance(1_000);
  handle.stop('done');
  assert.deepEqual(host.screen.rows, ['squares 100% ██████████████████████████████ 100/100 · 50.0/s · 2.0s']);
  assert.deepEqual(host.screen.cursor, { row: 1, column: 0 });
  assert.equal(host.screen.cursorVisible, true);
});

test('printed text stands above the bar, whichever stream it comes by', async () => {
  const { host, display } = setUp();
  const state = counters(4);
  const handle = display.start('work', state, 'fn');
  host.stdout.write('one\n');
  host.stderr.write(Buffer.from('two\nthr'));
  host.stdout.write('ee\n');
  await microtask();
  assert.match(host.screen.rows[3] ?? '', /^work +0%/);
  state.done = 4;
  host.advance(100);
  host.stdout.write('four\n');
  handle.stop('done');
  assert.deepEqual(host.screen.rows.slice(0, 4), ['one', 'two', 'three', 'four']);
  assert.match(host.screen.rows[4] ?? '', /^work 100%/);
  assert.equal(host.screen.rows.length, 5);
});

test('a burst of lines costs one redraw', async () => {
  const { host, display } = setUp();
  const handle = display.start(true, counters(4), 'fn');
  host.stderr.writes.length = 0;
  for (let i = 0; i < 1_000; i++) host.stdout.write(`${i}\n`);
  await microtask();
  assert.equal(host.stderr.writes.length, 2);
  handle.stop('done');
  assert.equal(host.screen.rows.length, 1_001);
});

test('a line that is printed in parts stays one line', async () => {
  const { host, display } = setUp({ columns: 40 });
  const state = counters(4);
  const handle = display.start('w', state, 'fn');
  host.stdout.write('before\nloading');
  await microtask();
  assert.equal(host.screen.rows[1], 'loading');
  assert.match(host.screen.rows[2] ?? '', /^w +0%/);
  state.done = 1;
  host.advance(100);
  host.stdout.write(' ...');
  await microtask();
  const other = display.start('v', counters(1), 'fn');
  other.stop('done');
  host.stdout.write(' done\n10%\r');
  await microtask();
  host.stdout.write('20%\r');
  await microtask();
  host.stdout.write('100%\n');
  handle.stop('done');
  const text = host.screen.rows.map((row) => row.replace(/ .*%.*/, ''));
  assert.deepEqual(text, ['before', 'v', 'loading ... done', '100%', 'w']);
});

test('an unfinished line of several rows is taken up again in its last one', async () => {
  const { host, display } = setUp({ columns: 20 });
  const handle = display.start('w', counters(4), 'fn');
  for (let i = 0; i < 50; i++) {
    host.stdout.write('.');
    await microtask();
  }
  handle.stop('done');
  assert.deepEqual(host.screen.rows.slice(0, 2), ['.'.repeat(20), '.'.repeat(20)]);
  assert.equal(host.screen.rows.at(-1), '.'.repeat(10));
});

test('several calls at once have a line each, and one that ends stands above the others', () => {
  const { host, display } = setUp();
  const first = display.start('first', counters(10), 'fn');
  const second = display.start('second', counters(undefined, 7), 'fn');
  const third = display.start('third', counters(10), 'fn');
  assert.equal(host.timers.size, 1);
  assert.deepEqual(
    host.screen.rows.map((row) => row.split(' ')[0]),
    ['first', 'second', 'third'],
  );
  second.stop('failed');
  host.advance(100);
  assert.deepEqual(
    host.screen.rows.map((row) => row.split(' ')[0]),
    ['second', 'first', 'third'],
  );
  assert.match(host.screen.rows[0] ?? '', /^second 7 done .* stopped by an error$/);
  third.stop('done');
  first.stop('cancelled');
  assert.deepEqual(
    host.screen.rows.map((row) => row.split(' ')[0]),
    ['second', 'third', 'first'],
  );
  assert.equal(host.screen.cursorVisible, true);
});

test('more calls than rows: the rest is counted', () => {
  const { host, display } = setUp();
  const handles = Array.from({ length: 30 }, (_, index) => display.start(`call ${index}`, counters(10), 'fn'));
  assert.equal(host.screen.rows.length, 23);
  assert.equal(host.screen.rows.at(-1), '+ 8 more');
  for (const handle of handles) handle.stop('done');
  assert.equal(host.screen.rows.length, 30);
});

test('stop leaves nothing behind: no timer, no listener, the same write as before', () => {
  const { host, display } = setUp();
  Object.defineProperty(host.stdout, 'write', {
    value: ownWrite,
    configurable: true,
    enumerable: true,
    writable: false,
  });
  const before = Object.getOwnPropertyDescriptor(host.stdout, 'write');
  for (const outcome of ['done', 'failed', 'cancelled'] as const) {
    const handle = display.start(true, counters(3), 'fn');
    assert.ok(Object.hasOwn(host.stderr, 'write'));
    assert.notEqual(writeOf(host.stdout), ownWrite);
    assert.ok(host.timers.size === 1 && host.listeners > 0);
    handle.stop(outcome);
    handle.stop('failed');
    assert.ok(!Object.hasOwn(host.stderr, 'write'));
    assert.deepEqual(Object.getOwnPropertyDescriptor(host.stdout, 'write'), before);
    assert.equal(host.timers.size, 0);
    assert.equal(host.listeners, 0);
    assert.equal(host.screen.cursorVisible, true);
  }
  assert.equal(host.screen.rows.length, 3);
});

test('a wrapper that somebody put around ours is left in place and goes on to work', () => {
  const { host, display } = setUp();
  const handle = display.start(true, counters(3), 'fn');
  const ours = writeOf(host.stdout);
  const seen: unknown[] = [];
  host.stdout.write = function (this: FakeStream, text: string | Uint8Array) {
    seen.push(text);
    return Reflect.apply(ours, this, [text]) as boolean;
  };
  const theirs = writeOf(host.stdout);
  handle.stop('done');
  assert.equal(writeOf(host.stdout), theirs);
  host.stdout.write('after\n');
  assert.deepEqual(seen, ['after\n']);
  assert.equal(host.screen.rows.at(-1), 'after');
});

test('a terminal that becomes narrower is cleaned of the rows that broke', () => {
  const { host, display } = setUp({ columns: 80 });
  const handle = display.start('w', counters(4), 'fn');
  // What such a terminal does with the row of 66 columns.
  const wide = host.screen.rows[0] ?? '';
  host.screen.feed(`\r\x1b[J`);
  host.screen.columns = 40;
  host.screen.feed(wide);
  host.advance(100);
  assert.equal(host.screen.rows.length, 1);
  handle.stop('done');
  assert.equal(host.screen.rows.length, 1);
});

test('nothing is written while nothing changes', () => {
  const { host, display } = setUp();
  const state = counters(undefined);
  display.start(true, state, 'fn');
  host.advance(500);
  const written = host.stderr.writes.length;
  host.advance(400);
  assert.equal(host.stderr.writes.length, written);
});

test('the total may become known, and tasks may report parts of themselves', () => {
  const { host, display } = setUp();
  const state = counters(undefined, 2);
  const handle = display.start('w', state, 'fn');
  assert.match(host.screen.rows[0] ?? '', /^w 2 done/);
  state.total = 4;
  handle.fraction = 1;
  host.advance(100);
  assert.match(host.screen.rows[0] ?? '', /^w +75% .* 2\/4 /);
  handle.fraction = NaN;
  host.advance(100);
  assert.match(host.screen.rows[0] ?? '', /^w +50% .* 2\/4 /);
  handle.stop('done');
});

test('stdout as the stream is the same screen as stderr; another terminal is its own', async () => {
  const { host, display } = setUp();
  const elsewhere = new Screen(60);
  const handles = [
    display.start({ label: 'a', stream: host.stdout }, counters(1), 'fn'),
    display.start({ label: 'b' }, counters(1), 'fn'),
    display.start({ label: 'c', stream: new FakeStream(elsewhere, true) }, counters(1), 'fn'),
  ];
  host.stdout.write('text\n');
  await microtask();
  for (const handle of handles) handle.stop('done');
  assert.deepEqual(
    host.screen.rows.map((row) => row.split(' ')[0]),
    ['text', 'a', 'b'],
  );
  assert.deepEqual(
    elsewhere.rows.map((row) => row.split(' ')[0]),
    ['c'],
  );
});

test('a text that Node writes past the streams gets a row of its own', async () => {
  const { host, display } = setUp();
  const handle = display.start('w', counters(1), 'fn');
  host.stdout.write('unfinished');
  await microtask();
  host.events.on('warning', () => host.screen.feed('(node:1) Warning\n'));
  host.events.emit('warning');
  await microtask();
  handle.stop('done');
  assert.deepEqual(
    host.screen.rows.map((row) => row.split(' ')[0]),
    ['unfinished', '(node:1)', 'w'],
  );
});
