import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { Pool } from 'manycore';
import { DictProxy, ListProxy, type QueueProxy, type SetProxy } from 'manycore/managers';
import { eachContext, rejection } from '../matrix.ts';
import { runIn, testManager, testServer } from './support.ts';

testManager(
  'manager: a list in a list: what is changed through either is seen through both (G167)',
  async (manager) => {
    const inner = manager.list([1, 2]);
    const outer = manager.list([inner]);
    const again = (await outer.get(0)) as ListProxy<number>;
    await again.append(3);
    assert.deepEqual(await inner.value(), [1, 2, 3]);
    await inner.append(4);
    assert.deepEqual(await again.value(), [1, 2, 3, 4]);
    const [copy] = await outer.value();
    assert.deepEqual(await (copy as ListProxy).value(), [1, 2, 3, 4]);
  },
);

testManager('manager: iteration gives all items once, in order (G168)', async (manager) => {
  const items = Array.from({ length: 2_500 }, (_, i) => i);
  const seen: number[] = [];
  for await (const item of manager.list(items)) seen.push(item);
  assert.deepEqual(seen, items);
  const pairs = items.map((n) => [`k${n}`, n] as const);
  const found: [string, number][] = [];
  for await (const pair of manager.dict(pairs)) found.push(pair);
  assert.deepEqual(found, pairs);
  const members = new Set<number>();
  for await (const member of manager.set(items)) members.add(member);
  assert.equal(members.size, items.length);
});

testManager('manager: a dict that changes its size under an iteration is an error there (G169)', async (manager) => {
  const dict = manager.dict([[1, 1]]);
  const iterate = async (): Promise<void> => {
    for await (const [key] of dict) await dict.set(key + 1, 0);
  };
  const error = await rejection(iterate());
  assert.equal(error.name, 'InvalidStateError');
  assert.match(error.message, /size/);
});

testManager('manager: a dict does what a dict does, in the order of insertion (G170)', async (manager) => {
  const dict = manager.dict<string, number>({ a: 1, b: 2 });
  assert.equal(await dict.get('a'), 1);
  assert.equal(await dict.get('x'), undefined);
  assert.equal(await dict.get('x', 9), 9);
  await dict.set('c', 3);
  await dict.update({ d: 4, a: 10 });
  await dict.update(new Map([['e', 5]]));
  assert.deepEqual(await dict.keys(), ['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(await dict.values(), [10, 2, 3, 4, 5]);
  assert.deepEqual(await dict.items(), [...(await dict.value())]);
  assert.equal(await dict.has('b'), true);
  assert.equal(await dict.delete('b'), true);
  assert.equal(await dict.delete('b'), false);
  assert.deepEqual(await dict.popItem(), ['e', 5]);
  assert.equal(await dict.pop('d'), 4);
  assert.equal(await dict.pop('d', 0), 0);
  assert.equal(await dict.pop('d', undefined), undefined);
  assert.equal((await rejection(dict.pop('d'))).name, 'ArgumentRangeError');
  assert.equal(await dict.setDefault('a', 7), 10);
  assert.equal(await dict.setDefault('f', 7), 7);
  assert.deepEqual(
    await dict.union({ g: 1 }),
    new Map([
      ['a', 10],
      ['c', 3],
      ['f', 7],
      ['g', 1],
    ]),
  );
  assert.equal(await dict.size(), 3);
  assert.equal(await dict.str(), "Map(3) { 'a' => 10, 'c' => 3, 'f' => 7 }");
  await dict.clear();
  assert.equal(await dict.size(), 0);
  assert.equal((await rejection(dict.popItem())).name, 'ArgumentRangeError');
  assert.equal((await rejection(dict.update(5 as never))).name, 'ArgumentTypeError');
});

testManager(
  'manager: keys are data and told by their contents; odd ones are keys as all others (I12)',
  async (manager) => {
    const dict = manager.dict<unknown, number>();
    const keys = ['__proto__', 'constructor', 'toString', '', '\u0001', 1, -0, NaN, null, undefined, true, 10n];
    for (const [i, key] of keys.entries()) await dict.set(key, i);
    for (const [i, key] of keys.entries()) assert.equal(await dict.get(key), i, inspect(key));
    await dict.set([1, 'a'], 100);
    await dict.set({ x: [1] }, 101);
    assert.equal(await dict.get([1, 'a']), 100);
    assert.equal(await dict.get({ x: [1] }), 101);
    assert.equal(await dict.size(), keys.length + 2);
    assert.deepEqual((await dict.keys()).at(-2), [1, 'a']);
    const record = await manager.dict([['r', JSON.parse('{"__proto__": {"polluted": 1}}')]]).get('r');
    assert.deepEqual(Object.keys(record as object), ['__proto__']);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  },
);

testManager('manager: positions of a list are checked (I12)', async (manager) => {
  const list = manager.list([1, 2, 3]);
  assert.equal(await list.get(-1), 3);
  for (const index of [3, -4, 1e308, 0.5, NaN, Infinity, 2 ** 32 - 1])
    assert.equal((await rejection(list.get(index))).name, 'ArgumentRangeError', String(index));
  for (const index of ['0x1', 'length', null, {}])
    assert.equal((await rejection(list.set(index as never, 1))).name, 'ArgumentTypeError', String(index));
  assert.equal((await rejection(list.repeat(1e9))).name, 'ArgumentRangeError');
  assert.deepEqual(await list.value(), [1, 2, 3]);
});

testManager('manager: a list does what a list does', async (manager) => {
  const list = manager.list<number>([3, 1]);
  await list.append(2);
  await list.extend([5, 4]);
  await list.insert(0, 9);
  await list.insert(-1, 8);
  assert.deepEqual(await list.value(), [9, 3, 1, 2, 5, 8, 4]);
  assert.equal(await list.pop(), 4);
  assert.equal(await list.pop(0), 9);
  await list.remove(8);
  await list.delete(-1);
  await list.set(0, 7);
  assert.deepEqual(await list.value(), [7, 1, 2]);
  assert.equal(await list.index(2), 2);
  assert.equal(await list.includes(5), false);
  assert.equal(await list.count(1), 1);
  // oxlint-disable-next-line unicorn/no-array-sort
  await list.sort();
  assert.deepEqual(await list.value(), [1, 2, 7]);
  await list.sort({ reverse: true });
  assert.deepEqual(await list.slice(0, 2), [7, 2]);
  await list.sort({ compare: (a, b) => (a % 7) - (b % 7) });
  assert.deepEqual(await list.value(), [7, 1, 2]);
  // oxlint-disable-next-line unicorn/no-array-reverse
  await list.reverse();
  assert.deepEqual(await list.concat([0]), [2, 1, 7, 0]);
  assert.deepEqual(await list.repeat(2), [2, 1, 7, 2, 1, 7]);
  assert.equal(await list.length(), 3);
  assert.equal(await list.str(), '[ 2, 1, 7 ]');
  assert.equal((await rejection(list.remove(99))).name, 'ArgumentRangeError');
  await list.clear();
  assert.deepEqual(await list.value(), []);
  const rows = manager.list([{ a: [1] }]);
  assert.equal(await rows.index({ a: [1] }), 0);
});

eachContext((context) => {
  testManager('manager: a dict in a dict, changed by a child (G171)', async (manager) => {
    const inner = manager.dict<string, number>();
    const outer = manager.dict<string, DictProxy<string, number>>({ inner });
    await runIn(
      context,
      async (given) => {
        const dict = (await given.get('inner'))!;
        await dict.set('from', 1);
      },
      [outer],
    );
    assert.deepEqual(await inner.value(), new Map([['from', 1]]));
  });

  testManager('manager: a queue in a list, put here and got by a child (G174)', async (manager) => {
    const queue = manager.Queue<number>();
    const back = manager.Queue<number>();
    const list = manager.list<QueueProxy<number>>([queue, back]);
    await queue.put(20);
    await runIn(
      context,
      async (given) => {
        const [from, to] = await given.value();
        await to!.put((await from!.get()) + 1);
      },
      [list],
    );
    assert.equal(await back.get(), 21);
  });

  testManager('manager: updates by two children, 200 each, lose nothing (G173)', async (manager) => {
    await using pool = new Pool(2, { context });
    const dict = manager.dict<string, number>();
    await pool.map(async () => {
      for (let i = 0; i < 200; i++) {
        await dict.update('x', (n = 0) => n + 1);
        await dict.incr('y');
      }
    }, [1, 2]);
    assert.deepEqual(
      await dict.value(),
      new Map([
        ['x', 400],
        ['y', 400],
      ]),
    );
  });
});

testServer('manager: updates where no code is taken compare and set, and lose nothing (G173)', {}, async (manager) => {
  const dict = manager.dict<string, number>();
  const list = manager.list([0]);
  const value = manager.Value('i', 0);
  let tries = 0;
  const add = (n = 0): number => {
    tries++;
    return n + 1;
  };
  const all = Array.from({ length: 50 }, () => [dict.update('x', add), list.update(0, add), value.update(add)]);
  await Promise.all(all.flat());
  assert.equal(await dict.get('x'), 50);
  assert.equal(await list.get(0), 50);
  assert.equal(await value.get(), 50);
  assert.ok(tries > 150, 'some had to try again');
});

testManager('manager: updates by asynchronous functions, and of what is shared', async (manager) => {
  const dict: DictProxy<string> = manager.dict({ n: 0, list: manager.list([1]) });
  const later = (n: unknown): Promise<number> => Promise.resolve(Number(n) + 1);
  await Promise.all(Array.from({ length: 20 }, () => dict.update('n', later)));
  assert.equal(await dict.get('n'), 20);
  await dict.update('list', async (list) => {
    await (list as ListProxy<number>).append(2);
    return list;
  });
  assert.deepEqual(await ((await dict.get('list')) as ListProxy).value(), [1, 2]);
  const error = await rejection(
    dict.update('n', () => {
      throw new RangeError('no more');
    }),
  );
  assert.ok(error instanceof RangeError);
  assert.equal(error.message, 'no more');
  assert.equal(await dict.get('n'), 20, 'nothing was changed');
});

testManager('manager: what was got is a copy: changing it changes nothing (G172)', async (manager) => {
  const dict = manager.dict<string, number[]>({ k: [1] });
  (await dict.get('k'))!.push(2);
  assert.deepEqual(await dict.get('k'), [1]);
  const mine = [1];
  await dict.set('k', mine);
  mine.push(2);
  assert.deepEqual(await dict.get('k'), [1]);
});

testManager('manager: proxies are known by their classes (G176)', async (manager) => {
  assert.ok(manager.dict() instanceof DictProxy);
  assert.ok(manager.list() instanceof ListProxy);
  assert.ok((await manager.list([manager.dict()]).get(0)) instanceof DictProxy);
  assert.match(inspect(manager.dict()), /^<DictProxy of dict [0-9a-f]{8}>$/);
});

testManager('manager: a set does what a set does (G177)', async (manager) => {
  const set: SetProxy = manager.set([1, 2, [3]]);
  await set.add(2, 'x');
  assert.deepEqual(await set.value(), new Set([1, 2, [3], 'x']));
  assert.equal(await set.has([3]), true);
  assert.equal(await set.delete(1), true);
  assert.equal(await set.delete(1), false);
  assert.deepEqual(await set.union([7]), new Set([2, [3], 'x', 7]));
  assert.deepEqual(await set.intersection(new Set([2, 9])), new Set([2]));
  assert.deepEqual(await set.difference([2]), new Set([[3], 'x']));
  assert.deepEqual(await set.symmetricDifference([2, 5]), new Set([[3], 'x', 5]));
  assert.equal(await set.isSubsetOf([2, [3], 'x', 1]), true);
  assert.equal(await set.isSupersetOf([2]), true);
  assert.equal(await set.isDisjointFrom([2]), false);
  await set.update([8]);
  assert.equal(await set.size(), 4);
  assert.equal((await rejection(set.union(5 as never))).name, 'ArgumentTypeError');
  assert.equal(await set.pop(), 2);
  await set.clear();
  assert.equal((await rejection(set.pop())).name, 'ArgumentRangeError');
});

testManager('manager: Value, Array and Namespace (G185)', async (manager) => {
  const value = manager.Value('i', 5);
  await value.set(6);
  assert.equal(await value.get(), 6);
  assert.equal(await value.incr(4), 10);
  assert.equal(await value.update((n) => n * 2), 20);
  assert.equal(await value.str(), "Value('i', 20)");
  const array = manager.Array('i', [1, 2, 3]);
  await array.set(-1, 9);
  assert.equal(await array.get(2), 9);
  assert.equal(await array.incr(0), 2);
  assert.equal(await array.length(), 3);
  assert.deepEqual(await array.slice(1), Int32Array.of(2, 9));
  assert.deepEqual(await array.value(), Int32Array.of(2, 2, 9));
  assert.equal(await array.str(), "array('i', [ 2, 2, 9 ])");
  assert.equal((await rejection(array.set(0, 2 ** 31))).name, 'ArgumentRangeError');
  assert.equal((await rejection(array.set(0, 'x' as never))).name, 'ArgumentTypeError');
  assert.equal((await rejection(manager.Array('q', 3).length())).name, 'ArgumentRangeError');
  const space = manager.Namespace<{ name: string; job: string }>({ name: 'Bob' });
  await space.set('job', 'Builder');
  assert.deepEqual(await space.value(), { name: 'Bob', job: 'Builder' });
  assert.equal(await space.get('name'), 'Bob');
  await space.delete('job');
  assert.equal(await space.str(), "Namespace(name='Bob')");
});

testManager('manager: whatever travels can be kept: instances, functions, bytes, cycles', async (manager) => {
  class Point {
    #hidden = 3;
    x: number;
    constructor(x: number) {
      this.x = x;
    }
    sum(): number {
      return this.x + this.#hidden;
    }
  }
  const dict = manager.dict();
  await dict.set('point', new Point(4));
  const point = (await dict.get('point')) as Point;
  assert.ok(point instanceof Point);
  assert.equal(point.sum(), 7);
  const by = 2;
  await dict.set('fn', (n: number) => n * by);
  assert.equal(((await dict.get('fn')) as (n: number) => number)(21), 42);
  await dict.set('bytes', {
    a: Uint8Array.of(1, 2),
    b: Buffer.from('x'),
    c: new ArrayBuffer(3),
    d: Float64Array.of(1.5),
  });
  assert.deepEqual(await dict.get('bytes'), {
    a: Uint8Array.of(1, 2),
    b: Buffer.from('x'),
    c: new ArrayBuffer(3),
    d: Float64Array.of(1.5),
  });
  const cycle: { self?: unknown; when: Date; map: Map<unknown, unknown> } = {
    when: new Date(5),
    map: new Map<unknown, unknown>([[1, new Set([2n])]]),
  };
  cycle.self = cycle;
  await dict.set('cycle', cycle);
  const back = (await dict.get('cycle')) as typeof cycle;
  assert.equal(back.self, back);
  assert.deepEqual(back.map, cycle.map);
  const inner = manager.list([1]);
  await dict.set('closure', () => inner.append(2));
  await ((await dict.get('closure')) as () => Promise<void>)();
  assert.deepEqual(await inner.value(), [1, 2]);
});
