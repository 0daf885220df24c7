import { strict as assert } from 'node:assert';
import { equal } from '#internal/manager/objects/equal.js';
import { text } from '#internal/manager/objects/text.js';
import { testClean } from '../matrix.ts';
import { testManager } from './support.ts';

/** So many levels, each of which is its next one twice: a tree of 2 ** levels. */
function twice(levels: number, leaf: unknown = 1): unknown[] {
  let value = [leaf];
  for (let i = 0; i < levels; i++) value = [value, value];
  return value;
}

function ring(length: number): unknown[] {
  const first: unknown[] = [];
  let at = first;
  for (let i = 1; i < length; i++) at.push((at = []));
  at.push(first);
  return first;
}

testClean('equal: data of every kind', {}, () => {
  const values = (): unknown[] => [
    1,
    -0,
    NaN,
    'a',
    null,
    undefined,
    1n,
    [],
    [1, [2]],
    { a: 1, b: { c: [] } },
    new Map<unknown, unknown>([
      [1, [1]],
      [[2], 3],
    ]),
    new Set<unknown>([1, [2], [3]]),
    new Date(5),
    new Date(NaN),
    Buffer.from('ab'),
    new Uint8Array([97, 98]),
    new Float64Array([1]),
    new Uint8Array([1]).buffer,
    Object.assign(new RangeError('x', { cause: [1] }), { code: 2 }),
    new RangeError('x'),
    new Error('x'),
  ];
  const [left, right] = [values(), values()];
  for (const [i, value] of left.entries())
    for (const [j, other] of right.entries()) assert.equal(equal(value, other), i === j, `${i} and ${j}`);
  assert.equal(equal({ a: 1, b: 2 }, { b: 2, a: 1 }), true);
  assert.equal(equal(0, -0), false);
});

testClean(
  'equal: what is shared, and what is a cycle, is compared in time with its size (I10)',
  { limit: 10_000 },
  () => {
    assert.equal(equal(twice(1_000), twice(1_000)), true);
    assert.equal(equal(twice(1_000), twice(1_000, 2)), false);
    assert.equal(equal(twice(1_000), twice(1_001)), false);
    assert.equal(equal(ring(200), ring(300)), true, 'nobody can tell them apart');
  },
);

testClean('text: what is shared is not shown without end (I10)', { limit: 10_000 }, () => {
  let wide: unknown = 'leaf';
  for (let i = 0; i < 5; i++) wide = Array.from({ length: 100 }).fill(wide);
  assert.ok(text(wide).length < 1_000_000);
  assert.match(text([[[['deep']]]]), /deep/);
});

testManager(
  'manager: a list finds what has the same contents, and sorts what holds shared objects',
  async (manager) => {
    const list = manager.list([twice(300), { s: 2, of: manager.list() }, { s: 1, of: manager.list() }]);
    assert.equal(await list.index(twice(300)), 0);
    assert.equal(await list.includes(twice(300, 2)), false);
    assert.equal(await list.count(twice(300)), 1);
    await list.remove(twice(300));
    await list.sort({ compare: (a, b) => (a as { s: number }).s - (b as { s: number }).s });
    assert.deepEqual(
      (await list.value()).map((item) => (item as { s: number }).s),
      [1, 2],
    );
  },
);
