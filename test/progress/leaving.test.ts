import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counters, setUp } from './fake-host.ts';

test('a signal without another handler keeps its default effect', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGTSTP']) {
    const { host, display } = setUp();
    display.start('w', counters(4), 'fn');
    host.events.emit(signal, signal);
    assert.deepEqual(host.kills, [signal]);
    assert.equal(host.listeners, 0);
    assert.equal(host.screen.cursorVisible, true);
    assert.deepEqual(host.screen.cursor, { row: 1, column: 0 });
  }
});

test("a program's own handler decides, and code that counts the handlers does not find ours", () => {
  const { host, display } = setUp();
  const state = counters(4);
  const counts: number[] = [];
  host.events.on('SIGINT', () => counts.push(host.events.listenerCount('SIGINT')));
  const handle = display.start('w', state, 'fn');
  host.events.emit('SIGINT', 'SIGINT');
  assert.deepEqual(host.kills, []);
  assert.deepEqual(counts, [1]);
  assert.equal(host.screen.cursorVisible, true);

  state.done = 4;
  host.advance(100);
  assert.equal(host.screen.cursorVisible, false);
  assert.equal(host.events.listenerCount('SIGINT'), 2);
  assert.equal(host.screen.rows.length, 2);
  handle.stop('done');
  assert.equal(host.events.listenerCount('SIGINT'), 1);
  assert.equal(host.screen.cursorVisible, true);
});

test('the end of the program and an error that nobody caught leave the bar finished', () => {
  for (const event of ['exit', 'uncaughtExceptionMonitor']) {
    const { host, display } = setUp();
    display.start('w', counters(4), 'fn');
    host.events.emit(event, 1);
    assert.equal(host.screen.cursorVisible, true);
    assert.deepEqual(host.screen.cursor, { row: 1, column: 0 });
  }
});
