// `npm run soak` does the same with 1,000 pools of each kind, and judges the memory too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak, soakKinds } from './soak.ts';

for (const kind of Object.keys(soakKinds) as (keyof typeof soakKinds)[]) {
  test(`pools opened and closed leave nothing: ${kind} (L1)`, { timeout: 60_000 }, async () => {
    const { left, heapSlopeBytes } = await soak(kind, 20);
    assert.deepEqual(left, []);
    // So few pools say little about memory; a leak of whole pools they show.
    assert.ok(heapSlopeBytes < 100 * 1_024, `${heapSlopeBytes} bytes of heap for each pool`);
  });
}
