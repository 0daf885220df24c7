import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap } from '#internal/engine/heap.js';
import '../seeded.ts';

function drain(heap: Heap<number>): number[] {
  const all: number[] = [];
  while (heap.first !== undefined) all.push(heap.pop()!);
  return all;
}

test('heap: gives what was added in order, as a sorted list does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.array(fc.integer()), (first, later) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const entry of first) heap.push(entry);
      const taken = heap.size > 0 ? [heap.pop()!] : [];
      for (const entry of later) heap.push(entry);
      const left = [...first.toSorted((a, b) => a - b).slice(1), ...later].toSorted((a, b) => a - b);
      assert.deepEqual(taken, first.length > 0 ? [Math.min(...first)] : []);
      assert.equal(heap.size, left.length);
      assert.deepEqual(drain(heap), left);
      assert.equal(heap.pop(), undefined);
    }),
  );
});

test('heap: what is not kept is gone', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (entries) => {
      const heap = new Heap<number>((a, b) => a < b);
      for (const entry of entries) heap.push(entry);
      heap.keep([...heap].filter((entry) => entry % 2 === 0));
      assert.deepEqual(
        drain(heap),
        entries.filter((entry) => entry % 2 === 0).toSorted((a, b) => a - b),
      );
    }),
  );
});
