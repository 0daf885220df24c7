import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { ArgumentRangeError, ArgumentTypeError, ShareableList } from 'manycore';
import { eachContext, rejection, testClean, testPool } from '../matrix.ts';

const howdy = ['howdy', new Uint8Array(Buffer.from('HoWdY')), -273.154, 100, null, true, 42];

function testList(
  name: string,
  items: Iterable<never> | readonly unknown[],
  body: (list: ShareableList) => void,
): void {
  testClean(name, {}, () => {
    const list = new ShareableList(items as never[]);
    try {
      body(list);
    } finally {
      list.memory.unlink();
    }
  });
}

testList('shareable list: values, length, order, negative places, format (F155)', howdy, (list) => {
  assert.deepEqual([...list], howdy);
  assert.deepEqual([list.length, list.at(-2), list.at(0)], [7, true, 'howdy']);
  assert.equal(list.format, '8s8sdqxxxxxx?xxxxxxxx?q');
  list.set(4, 'none');
  list.set(-1, 2n ** 60n);
  list.set(2, 7n);
  assert.deepEqual([list.get(4), list.get(6), list.get(2)], ['none', 2n ** 60n, 7]);
});

testList('shareable list: there is nothing beyond its ends (F156)', [1, 2], (list) => {
  for (const index of [2, -3, 0.5]) assert.throws(() => list.at(index), ArgumentRangeError);
  assert.throws(() => list.set(2, 1), ArgumentRangeError);
  assert.throws(() => list.get('0' as never), ArgumentTypeError);
});

testList('shareable list: text has the room of its slot, and no more (F158)', ['1234567', 'next'], (list) => {
  list.set(0, '12345678');
  assert.equal(list.get(0), '12345678');
  assert.throws(() => list.set(0, '123456789'), /takes 9 bytes and its slot has 8/);
  list.set(0, 'äöüß');
  assert.throws(() => list.set(0, 'äöüßä'), ArgumentRangeError);
  assert.deepEqual([...list], ['äöüß', 'next']);
});

testList('shareable list: what has no place in it is refused', [1], (list) => {
  for (const value of [undefined, {}, Symbol('x'), new Date()])
    assert.throws(() => list.set(0, value as never), ArgumentTypeError);
  assert.throws(() => list.set(0, 2n ** 64n), ArgumentRangeError);
  assert.equal(list.get(0), 1);
});

testList('shareable list: numbers of all kinds', [0, -0, 1.5, Number.NaN, -Infinity, 2 ** 53, -1], (list) => {
  assert.deepEqual([...list], [0, -0, 1.5, Number.NaN, -Infinity, 2 ** 53, -1]);
});

testList('shareable list: count, index, a copy of its own, the same by name (F159)', ['a', 'b', 'a'], (list) => {
  assert.deepEqual([list.count('a'), list.count('c'), list.index('b'), list.indexOf('b')], [2, 0, 1, 1]);
  assert.equal(list.indexOf('c'), -1);
  assert.throws(() => list.index('c'), ArgumentRangeError);
  assert.throws(() => list.index('c'), /Cannot find .c.: /);
  const copy = list.copy();
  const same = new ShareableList(undefined, { name: list.memory.name });
  list.set(0, 'x');
  assert.deepEqual([copy.get(0), same.get(0)], ['a', 'x']);
  copy.memory.unlink();
});

testList('shareable list: an empty one (F160)', [], (list) => {
  assert.deepEqual([list.length, list.count(1), list.indexOf(1), [...list]], [0, 0, -1, []]);
});

const python = spawnSync('python3', ['-c', 'import multiprocessing.shared_memory']).status === 0;

testClean(
  'shareable list: Python attaches the same, and what it writes is read here',
  { skip: python ? false : 'there is no python3' },
  () => {
    const list = new ShareableList<(typeof howdy)[number]>(howdy);
    const script = `
import sys
from multiprocessing import shared_memory, resource_tracker
l = shared_memory.ShareableList(name=sys.argv[1])
print(list(l), l.format)
l[0] = 'python'
l[3] = 2.5
l.shm.close()
resource_tracker.unregister(l.shm._name, 'shared_memory')
`;
    const { stdout, stderr } = spawnSync('python3', ['-c', script, list.memory.name], { encoding: 'utf8' });
    assert.equal(stdout, "['howdy', b'HoWdY', -273.154, 100, None, True, 42] 8s8sdqxxxxxx?xxxxxxxx?q\n", stderr);
    assert.deepEqual([list.get(0), list.get(3)], ['python', 2.5]);
    list.memory.unlink();
  },
);

eachContext((context) => {
  testPool(
    'shareable list: sent to a worker it is the same; after unlink it is missed (F161)',
    { context, workers: 1 },
    async (pool) => {
      const list = new ShareableList([1, 2, 3]);
      await pool.apply((shared: ShareableList<number>) => shared.set(1, 20), [list]);
      assert.deepEqual([...list], [1, 20, 3]);
      list.memory.unlink();
      const error = await rejection(pool.apply((shared: ShareableList<number>) => shared.get(0), [list]));
      assert.match(error.message, /there is none of this name/);
    },
  );
});
