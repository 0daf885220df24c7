import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intrinsicOf } from '#internal/closure/intrinsics.js';

test('intrinsics: every global of this version of Node is known, so that a function which uses one travels', () => {
  const unknown = Object.getOwnPropertyNames(globalThis).filter((name) => {
    const value: unknown = Reflect.get(globalThis, name);
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    return isObject && intrinsicOf(value, () => globalThis) === undefined;
  });
  assert.deepEqual(unknown, []);
});
