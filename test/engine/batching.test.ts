import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timing, batchSize } from '#internal/engine/batching.js';
import { firstBatchSize, maxBatchItems } from '#internal/limits.js';

function timing(meanMs: number | undefined): Timing {
  const made = new Timing();
  made.meanMs = meanMs;
  return made;
}

const table = [
  ['unknown: small', undefined, 1_000, 2, firstBatchSize],
  ['unknown and few: a fair share', undefined, 4, 2, 1],
  ['unknown and none: at least one', undefined, 0, 2, 1],
  ['0.1 ms: a millisecond of it', 0.1, 1_000, 2, 10],
  ['longer than a millisecond: one', 20, 1_000, 2, 1],
  ['no time at all: a fair share', 0, 1_000, 2, 250],
  ['no time at all, many: bounded', 0, 10_000_000, 2, maxBatchItems],
  ['towards the end: smaller', 0.001, 8, 2, 2],
  ['at the end: one', 0.001, 1, 2, 1],
] as const;

for (const [name, meanMs, waiting, workers, expected] of table) {
  test(`batch size: ${name}`, () => assert.equal(batchSize(timing(meanMs), waiting, workers), expected));
}

test('timing: the first run counts in full, slower ones soon, faster ones by their number', () => {
  const learnt = new Timing();
  learnt.learn(4, 8);
  assert.equal(learnt.meanMs, 2);
  learnt.learn(1, 4);
  assert.equal(learnt.meanMs, 3);
  learnt.learn(1, 1);
  assert.ok(learnt.meanMs > 2.7, 'one fast run is weak evidence');
  learnt.learn(1_000, 1_000);
  assert.ok(learnt.meanMs < 2, 'a thousand are strong');
});

test('timing: what is no time is not learnt', () => {
  const learnt = new Timing();
  for (const [count, ms] of [
    [0, 1],
    [1, NaN],
    [1, -1],
    [1, Infinity],
  ] as const)
    learnt.learn(count, ms);
  assert.equal(learnt.meanMs, undefined);
});

test('batch size: grows while tasks are fast, and falls back to one when they get slow (W525)', () => {
  const learnt = new Timing();
  const run = (ms: number): number => {
    const size = batchSize(learnt, 1_000_000, 2);
    learnt.learn(size, size * ms);
    return size;
  };
  const fast = Array.from({ length: 5 }, () => run(0.01));
  assert.equal(fast[0], firstBatchSize);
  assert.equal(fast.at(-1), 100, 'a millisecond of it');
  const slow = Array.from({ length: 3 }, () => run(20));
  assert.deepEqual(slow.slice(1), [1, 1]);
});
