import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProgramEnd } from '#internal/program/end.js';
import type { Holder } from '#internal/program/holder.js';
import { eventually } from '../matrix.ts';
import { noteStop, withoutStops } from '#internal/program/stops.js';

function setUp(): {
  events: EventEmitter;
  end: ProgramEnd;
  log: string[];
  holder: Holder;
  signals(): number;
} {
  const log: string[] = [];
  const events = new EventEmitter();
  const process = Object.assign(events, {
    pid: 1,
    exitCode: undefined as number | undefined,
    kill: (_pid: number, signal: string) => log.push(`kill ${signal}`),
    exit: () => log.push('exit'),
  });
  const holder: Holder = {
    unfinished: () => ({ running: 1, waiting: 2, call: 'map(f)' }),
    interrupt: (error) => log.push(error.message),
    suspend: (suspended) => log.push(suspended ? 'stop' : 'go on'),
    destroy: () => log.push('destroy'),
  };
  const end = new ProgramEnd({ process, print: (text) => log.push(text.trim()), now: () => 0 });
  return { events, end, log, holder, signals: () => events.listenerCount('SIGINT') };
}

test('signals are listened to while there is work, and a moment longer', async () => {
  const { end, holder, signals, events } = setUp();
  const leave = end.join(holder);
  assert.deepEqual(events.eventNames(), ['exit']);
  for (let i = 0; i < 3; i++) {
    end.busy(holder, true);
    assert.equal(signals(), 1);
    end.busy(holder, false);
    assert.equal(signals(), 1);
  }
  leave();
  await eventually(() => events.eventNames().length === 0);
});

test('a signal that ends the program fails the work, once, and has its default effect afterwards', () => {
  const { end, holder, events, log } = setUp();
  end.join(holder);
  end.busy(holder, true);
  events.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(log, [
    'SIGTERM: ending 1 running task and 2 waiting, of map(f).',
    'The program was ended by SIGTERM with 1 running task and 2 waiting, of map(f).',
  ]);
  assert.equal(events.listenerCount('SIGINT'), 0);
});

test('processes that a signal ends are called by their names', () => {
  for (const [names, tasks, text] of [
    [['Process-1'], 0, 'process "Process-1"'],
    [['a', 'b', 'c', 'd'], 0, 'processes "a", "b", "c", ...'],
    [['Manager'], 1, '1 running task and 2 waiting, of map(f), and process "Manager"'],
  ] as const) {
    const { end, holder, events, log } = setUp();
    const unfinished = { running: 0, waiting: 0, call: undefined, processes: names };
    const processes = { ...holder, unfinished: () => unfinished, interrupt: () => undefined };
    for (const each of tasks === 0 ? [processes] : [holder, processes]) {
      end.join(each);
      end.busy(each, true);
    }
    events.emit('SIGINT', 'SIGINT');
    assert.equal(log[0], `Interrupted: ending ${text}. Press Ctrl-C again to end at once.`);
  }
});

test('Ctrl-Z stops the workers before the program and lets them go on after it', async () => {
  const { end, holder, events, log, signals } = setUp();
  end.join(holder);
  end.busy(holder, true);
  events.emit('SIGTSTP', 'SIGTSTP');
  assert.deepEqual(log, ['stop', 'kill SIGTSTP', 'go on']);
  await nextTurn();
  assert.equal(signals(), 1);
});

test('the exit of the program ends the workers', () => {
  const { end, holder, events, log } = setUp();
  end.join(holder);
  events.emit('exit', 0);
  assert.deepEqual(log, ['destroy']);
});

test('what blocks the thread runs without our listeners, which come back with the event loop', async () => {
  const { end, holder, signals } = setUp();
  end.join(holder);
  end.busy(holder, true);
  for (let i = 0; i < 2; i++) {
    assert.equal(
      end.undisturbed(() => signals()),
      0,
    );
    end.busy(holder, true);
    // No listener would be called before.
    assert.equal(signals(), 0);
  }
  await nextTurn();
  assert.equal(signals(), 1);
  end.join(holder)();
});

test('time that the program was stopped does not count, whenever it is asked for', () => {
  noteStop(100, 150);
  noteStop(300, 400);
  assert.deepEqual([50, 120, 200, 500].map(withoutStops), [50, 100, 150, 350]);
});
