import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatClock, formatCount, formatElapsed, formatPercent, formatRate } from '#internal/progress/format.js';

function table<T>(format: (value: T) => string, rows: readonly (readonly [T, string])[]): void {
  for (const [value, expected] of rows) assert.equal(format(value), expected, String(value));
}

test('formatCount groups by thousands', () => {
  table(formatCount, [
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [123_456, '123,456'],
    [1_234_567, '1,234,567'],
  ]);
});

test('formatRate keeps three digits, and changes the unit for the slow', () => {
  table(formatRate, [
    [0, '-/s'],
    [NaN, '-/s'],
    [Infinity, '-/s'],
    [0.001, '3.60/h'],
    [0.0166, '59.8/h'],
    [0.1, '6.00/min'],
    [1, '1.00/s'],
    [9.999, '10.0/s'],
    [12.34, '12.3/s'],
    [99.97, '100/s'],
    [3_456.7, '3,457/s'],
    [1_234_567, '1.23M/s'],
  ]);
});

test('formatClock shows minutes, then hours, then days', () => {
  table(formatClock, [
    [-5, '0:00'],
    [999, '0:00'],
    [7_000, '0:07'],
    [754_000, '12:34'],
    [18_001_000, '5:00:01'],
    [273_906_000, '3d 04:05:06'],
    [1e12, '>99d'],
    [Infinity, '-:--'],
  ]);
});

test('formatElapsed shows tenths below a minute', () => {
  table(formatElapsed, [
    [0, '0.0s'],
    [2_940, '2.9s'],
    [59_949, '59.9s'],
    [60_000, '1:00'],
  ]);
});

test('formatPercent is 100 % only at the end', () => {
  table(formatPercent, [
    [0, '0%'],
    [99.99, '99%'],
    [100, '100%'],
    [250, '100%'],
  ]);
});
