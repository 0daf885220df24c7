import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { ProgressSnapshot } from '#internal/progress/index.js';
import { barLine, plainLine } from '#internal/progress/lines.js';
import { columnsOf } from '#internal/progress/width.js';

const plain = { unicode: true, color: false };

function snapshot(change: Partial<ProgressSnapshot> = {}): ProgressSnapshot {
  const base = {
    label: 'squares',
    done: 4_200,
    total: 10_000,
    failed: 0,
    percent: 42,
    ratePerSecond: 3_450,
    etaMs: 1_681,
  };
  return { ...base, elapsedMs: 1_217, running: 3, workers: 4, finished: false, ...change };
}

test('a line for a terminal shows all when there is room', () => {
  assert.equal(
    barLine(snapshot(), 100, plain).text,
    'squares  42% ████████████░░░░░░░░░░░░░░░░░░  4,200/10,000 · 3,450/s · ETA 0:02 · 3/4 busy',
  );
  assert.equal(
    barLine(snapshot({ failed: 2, etaMs: undefined }), 100, { unicode: false, color: false }).text,
    'squares  42% ########------------  4,200/10,000 | 3,450/s | ETA -:-- | 2 failed | 3/4 busy',
  );
});

test('an unknown total: count, rate and time spent', () => {
  const open = snapshot({ total: undefined, percent: undefined, etaMs: undefined });
  assert.equal(barLine(open, 80, plain).text, 'squares 4,200 done · 3,450/s · 0:01 · 3/4 busy');
  assert.equal(plainLine(open), 'squares: 4,200 done, 3,450/s, 0:01, 3/4 busy');
});

test('the last line says how it ended', () => {
  const end = snapshot({ done: 10_000, percent: 100, etaMs: 0, elapsedMs: 2_900, finished: true });
  assert.equal(
    barLine(end, 70, plain, 'done').text,
    'squares 100% ████████████████████ 10,000/10,000 · 3,450/s · 2.9s',
  );
  assert.match(barLine(end, 100, plain, 'failed').text, / · 2\.9s · stopped by an error$/);
  assert.match(barLine(end, 100, plain, 'cancelled').text, / · 2\.9s · cancelled$/);
  assert.equal(plainLine(end, 'done'), 'squares: 10,000/10,000 (100%) in 2.9s, 3,450/s');
  assert.equal(
    plainLine(snapshot({ failed: 1 }), 'failed'),
    'squares: 4,200/10,000 (42%) in 1.2s, 3,450/s, 1 failed, stopped by an error',
  );
});

test('plain lines are ASCII, and have a name', () => {
  assert.equal(plainLine(snapshot()), 'squares: 4,200/10,000 (42%), 3,450/s, ETA 0:02, 3/4 busy');
  assert.match(plainLine(snapshot({ label: '' })), /^progress: /);
});

test('no line is wider than the terminal, whatever the label, and its width is told right', () => {
  for (const label of ['squares', '', '日本語のラベルはとても長い', '👩‍👩‍👧‍👦'.repeat(40), 'x'.repeat(500)]) {
    for (const total of [10_000, undefined]) {
      for (let columns = 1; columns <= 130; columns++) {
        const state = snapshot({ label, total, percent: total === undefined ? undefined : 42, failed: 12 });
        for (const style of [plain, { unicode: false, color: true }]) {
          const { text, width } = barLine(state, columns, style, columns % 2 === 0 ? 'failed' : undefined);
          assert.equal(columnsOf(stripVTControlCharacters(text)), width, text);
          assert.ok(width < columns, `${width} in ${columns}: ${text}`);
        }
      }
    }
  }
});

const failing = (columns: number): string => barLine(snapshot({ failed: 2 }), columns, plain).text;

test('a narrow terminal loses the least important first', () => {
  assert.equal(failing(60), 'squares  42% ████░░░░░░  4,200/10,000 · ETA 0:02 · 2 failed');
  assert.equal(failing(40), 'squares  42%  4,200/10,000 · 2 failed');
  assert.equal(failing(20), ' 42%  4,200/10,000');
  assert.equal(failing(10), ' 42%');
  assert.equal(failing(2), '');
});

test('color is used only where it is wanted', () => {
  const state = snapshot({ failed: 1 });
  assert.equal(
    barLine(state, 80, plain).text,
    stripVTControlCharacters(barLine(state, 80, { ...plain, color: true }).text),
  );
  assert.ok(barLine(state, 80, { ...plain, color: true }).text.includes('\x1b[31m1 failed\x1b[39m'));
});
