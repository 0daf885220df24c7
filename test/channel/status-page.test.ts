import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryPage, pageBytes } from '#internal/channel/status-page.js';
import { ProtocolError } from '#internal/errors.js';

test('status page: items that follow no others are begun by nobody', () => {
  const page = new MemoryPage(new ArrayBuffer(pageBytes(1)));
  assert.equal(page.begin(0, 3), 0);
  assert.equal(page.takeBack(5), 3);
  assert.equal(page.begin(3, 4), 2);
  assert.throws(() => page.begin(9, 1), ProtocolError);
  assert.equal(page.begun(), 7);
});
