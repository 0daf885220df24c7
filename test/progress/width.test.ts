import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanLabel, columnsOf, lastRow, truncate } from '#internal/progress/width.js';

test('columnsOf counts cells, not characters', () => {
  const rows: [string, number][] = [
    ['', 0],
    ['plain', 5],
    ['naïve', 5],
    ['nai\u0308ve', 5],
    ['日本語', 6],
    ['한국어', 6],
    ['ｗｉｄｅ', 8],
    ['🚀', 2],
    ['👩‍👩‍👧‍👦', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['█░·…', 4],
    ['a\u200bb', 2],
  ];
  for (const [text, width] of rows) assert.equal(columnsOf(text), width, text);
});

test('truncate never cuts a character in two and never exceeds the columns', () => {
  assert.equal(truncate('short', 5, '…'), 'short');
  assert.equal(truncate('longer text', 8, '…'), 'longer…');
  assert.equal(truncate('日本語日本語', 6, '…'), '日本…');
  assert.equal(truncate('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3, '…'), '👩‍👩‍👧‍👦…');
  assert.equal(truncate('abc', 0, '…'), '');
});

test('cleanLabel leaves nothing that could drive the terminal', () => {
  assert.equal(cleanLabel('\x1b[31mred\x1b[0m \x1b]0;title\x07text'), 'red text');
  assert.equal(cleanLabel('two\nlines\r\tand\x00\x9b2Jmore\x7f'), 'two lines and more');
  assert.equal(cleanLabel('a\u202egnp.exe\u2028b'), 'agnp.exe b');
  assert.equal(cleanLabel('half \ud83d pair'), 'half \ufffd pair');
  assert.equal(cleanLabel('x'.repeat(5_000)).length, 1_000);
});

test('lastRow is what the terminal shows of an unfinished line', () => {
  assert.equal(lastRow('', 10), '');
  assert.equal(lastRow('\r', 10), '');
  assert.equal(lastRow('10%\r20%', 10), '20%');
  assert.equal(lastRow('10%\r20%\r', 10), '20%\r');
  assert.equal(lastRow('0123456789', 10), '0123456789');
  assert.equal(lastRow('0123456789abc', 10), 'abc');
  assert.equal(lastRow('\x1b[1mok\x1b[0m', 10), '\x1b[1mok\x1b[0m');
});
