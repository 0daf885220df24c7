import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocate, Block } from '#internal/memory/block.js';

test('memory: a block is zero, and attached it is the same memory', () => {
  const block = allocate(100);
  assert.equal(block.buffer.byteLength, 104);
  assert.ok(block.words.every((word) => word === 0));
  const again = Block.attach(structuredClone(block.refer()));
  assert.equal(again, block);
});

test('memory: too much is refused at the call, with the code of the system', () => {
  assert.throws(
    () => allocate(2 ** 44),
    (error: Error) => (error.cause as NodeJS.ErrnoException).code === 'ENOSPC' && error.name === 'SharedMemoryError',
  );
});
