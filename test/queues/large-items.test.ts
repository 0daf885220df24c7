import assert from 'node:assert/strict';
import { steps } from '#internal/queues/ring.js';
import { Kind, SharedRing } from '#internal/queues/shared-ring.js';
import { testQueues } from './support.ts';

testQueues('queue: a large item is given back by its own record, which the next one writes over', () => {
  // Room for the records of four large items, which fill it.
  const ring = SharedRing.create({ capacity: 64, limit: 100 });
  const item = (i: number): string => String(i).repeat(10_000);
  const put = (i: number): boolean => ring.putSync(Kind.message, item(i), {}, 0);
  assert.deepEqual([0, 1, 2, 3, 4].map(put), [true, true, true, true, false]);
  for (let i = 0; i < 20; i++) {
    let refilled = false;
    steps.step = (name) => {
      if (name === 'take: dropped') refilled = put(i + 4);
    };
    try {
      assert.equal(ring.takeSync({}, 0), item(i));
    } finally {
      steps.step = undefined;
    }
    assert.ok(refilled);
  }
  for (let i = 20; i < 24; i++) assert.equal(ring.takeSync({}, 0), item(i));
  assert.equal(ring.storedBytes, 0);
});
