import { strict as assert } from 'node:assert';
import { Manager } from 'manycore';
import type { DictProxy, IteratorProxy } from 'manycore/managers';
import { Call } from '#internal/manager/objects/call.js';
import { DictObject } from '#internal/manager/objects/dict.js';
import { SetObject } from '#internal/manager/objects/set.js';
import { ObjectTable } from '#internal/manager/object-table.js';
import { builtinTypes } from '#internal/manager/objects/index.js';
import { proxyMaker } from '#internal/manager/proxy-maker.js';
import { eventually, rejection, testClean } from '../matrix.ts';
import { authKey, testServer } from './support.ts';

const call = new Call({ leases: new Set(), isGone: false, code: undefined });
const type = builtinTypes.get('list')!;

testClean('table: a name of its own goes with the last who knows an object by it (2.5)', {}, () => {
  const table = new ObjectTable(60_000);
  const target = {};
  const managed = table.add(target, type, 'first');
  table.hold(managed, 'first');
  for (let i = 0; i < 10; i++) {
    const name = `other ${i}`;
    assert.equal(table.add(target, type, name), managed);
    table.hold(managed, name);
    table.hold(managed, name);
    assert.equal(table.has(name), true);
    table.release(managed, 1, name);
    assert.equal(table.has(name), true);
    table.release(managed, 1, name);
    assert.equal(table.has(name), false);
  }
  table.add(target, type, 'left before it came');
  table.release(managed, 0, 'left before it came');
  assert.equal(table.has('left before it came'), false);
  assert.equal(table.size, 1);
  table.add(target, type, 'passed on');
  table.hold(managed, 'passed on');
  table.travel(managed);
  table.release(managed, 1, 'passed on');
  assert.equal(table.has('passed on'), true, 'whoever was told of it may come');
  assert.equal(table.size, 1);
});

testClean('table: items are taken from a dict and a set in time with their number', { limit: 20_000 }, () => {
  const many = 50_000;
  const items = Array.from({ length: many }, (_, i) => i);
  const set = new SetObject(items);
  const dict = new DictObject(items.map((i) => [i, i]));
  let at = 0;
  for (let shape: number | undefined; ; at += 10) {
    const [now, ...page] = dict.page(call, at, 10, shape);
    if (page.length === 0) break;
    assert.deepEqual(page[0], [at, at]);
    shape = now;
  }
  assert.equal(at, many);
  for (const i of items) {
    assert.equal(set.pop(), i);
    assert.deepEqual(dict.popItem(), [many - 1 - i, many - 1 - i]);
  }
  assert.deepEqual([set.size(), dict.size()], [0, 0]);
  assert.throws(() => dict.popItem(), { name: 'ArgumentRangeError' });
  assert.throws(() => set.pop(), { name: 'ArgumentRangeError' });
});

testClean('table: the last item of a dict is the one that came last, whatever went in between', {}, () => {
  const dict = new DictObject([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  assert.deepEqual(dict.popItem(), ['c', 3]);
  dict.delete(call, 'a');
  dict.set(call, 'a', 4);
  dict.set(call, 'b', 5);
  for (let i = 0; i < 5_000; i++) {
    dict.set(call, 'd', i);
    dict.delete(call, 'd');
  }
  assert.deepEqual(dict.popItem(), ['a', 4]);
  assert.deepEqual(dict.popItem(), ['b', 5]);
  const set = new SetObject([undefined, 1]);
  assert.deepEqual([set.pop(), set.pop()], [undefined, 1]);
});

class Source {
  static closed = 0;
  *walk(): Generator<number> {
    try {
      yield 1;
      yield 2;
    } finally {
      Source.closed++;
    }
  }
}
class Attempts extends Manager {
  static made = 0;
}
Attempts.register('Source', { create: Source, results: { walk: 'Iterator' } });
Attempts.register('only', {
  type: 'dict',
  shared: true,
  create: async () => {
    if (++Attempts.made === 1) throw new Error('not yet');
    return {};
  },
});

testServer(
  'table: what a generator has open is closed when nobody asks for more (2.5)',
  { address: { port: 0 }, tls: false, manager: Attempts },
  async (_, server) => {
    const other = await Attempts.connect(server.address, { authKey, tls: false });
    const source = other.create<Source>('Source');
    const walk = (await source.callMethod('walk')) as IteratorProxy<number>;
    assert.deepEqual(await walk.next(), { done: false, value: 1 });
    proxyMaker.referenceOf(walk)!.connection.drop(proxyMaker.referenceOf(walk)!);
    await eventually(() => Source.closed === 1);
    await other.shutdown();
  },
);

testServer(
  'table: a shared object that could not be made is made for who asks next (2.5)',
  { address: { port: 0 }, tls: false, manager: Attempts },
  async (client) => {
    assert.equal((await rejection(client.create<DictProxy>('only').size())).message, 'not yet');
    const only = client.create<DictProxy>('only');
    assert.equal(await only.size(), 0);
    await only.set(1, 1);
    assert.equal(await client.create<DictProxy>('only').size(), 1);
  },
);
