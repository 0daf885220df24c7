import { strict as assert } from 'node:assert';
import {
  type DictProxy,
  type IteratorProxy,
  ListProxy,
  PythonManager,
  QueueProxy,
  RemoteProxy,
} from 'manycore/managers';
import { Pool } from 'manycore';
import { eventually, rejection } from '../../matrix.ts';
import { authKey } from './server.ts';
import { testPython } from './support.ts';

testPython('python: a dict does what a dict does (G170)', async (manager) => {
  const dict = manager.dict(new Map<string, unknown>([['a', 1]]));
  await dict.set('b', [1, 2.5, null, true, 'ü', 2n ** 70n]);
  assert.deepEqual(await dict.get('b'), [1, 2.5, null, true, 'ü', 2n ** 70n]);
  assert.equal(await dict.get('missing'), undefined);
  assert.equal(await dict.get('missing', 7), 7);
  await dict.set('none', null);
  assert.equal(await dict.get('none', 7), null);
  await dict.delete('none');
  assert.equal(await dict.has('a'), true);
  assert.deepEqual([await dict.delete('a'), await dict.delete('a')], [true, false]);
  assert.equal(await dict.setDefault('c', 3), 3);
  await dict.update({ d: 4 });
  assert.deepEqual(await dict.keys(), ['b', 'c', 'd']);
  assert.equal(await dict.pop('c'), 3);
  assert.equal(await dict.pop('c', 0), 0);
  assert.equal((await rejection(dict.pop('c'))).name, 'ArgumentRangeError');
  assert.deepEqual(await dict.popItem(), ['d', 4]);
  assert.deepEqual(
    await dict.union({ z: 1 }),
    new Map<string, unknown>([
      ['b', await dict.get('b')],
      ['z', 1],
    ]),
  );
  await dict.clear();
  assert.equal(await dict.size(), 0);
  await Promise.all(Array.from({ length: 200 }, (_, i) => dict.set(String(i), i)));
  const seen: unknown[] = [];
  for await (const [, value] of dict) seen.push(value);
  assert.deepEqual(
    seen,
    Array.from({ length: 200 }, (_, i) => i),
    'in the order in which they were issued',
  );
  assert.match(await manager.dict({ k: 'v' }).str(), /^\{'k': 'v'\}$/);
  const other = manager.dict<readonly number[], Date>([[Object.freeze([1, 2]), new Date(1e12)]]);
  assert.deepEqual(await other.value(), new Map([[[1, 2], new Date(1e12)]]));
});

testPython('python: a list does what a list does (G168)', async (manager) => {
  const list = manager.list([3, 1, 2]);
  // oxlint-disable-next-line unicorn/no-array-sort
  await list.sort();
  await list.append(4);
  await list.append(5, 6);
  await list.extend([7]);
  await list.insert(0, 0);
  assert.deepEqual(await list.value(), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([await list.get(-1), await list.pop(), await list.pop(0)], [7, 7, 0]);
  await list.set(0, 10);
  assert.deepEqual(await list.slice(0, 2), [10, 2]);
  assert.deepEqual(await list.concat([1]), [10, 2, 3, 4, 5, 6, 1]);
  assert.equal(await list.index(3), 2);
  assert.equal((await rejection(list.index(99))).name, 'ArgumentRangeError');
  assert.equal((await rejection(list.get(99))).name, 'ArgumentRangeError');
  assert.deepEqual([await list.includes(4), await list.count(4), await list.length()], [true, 1, 6]);
  await list.remove(4);
  await list.delete(0);
  // oxlint-disable-next-line unicorn/no-array-reverse
  await list.reverse();
  await list.sort({ reverse: true });
  const seen: number[] = [];
  for await (const item of list) seen.push(item);
  assert.deepEqual(seen, [6, 5, 3, 2]);
  assert.deepEqual(await manager.list([1]).repeat(2), [1, 1]);
  assert.equal((await rejection(list.sort({ compare: (a, b) => a - b }))).name, 'ArgumentTypeError');
  await list.clear();
  assert.equal(await list.length(), 0);
});

testPython('python: proxies lie in others, and are found there (G167, G171, G174)', async (manager, server) => {
  const outer = manager.dict();
  const inner = manager.list([1]);
  await outer.set('inner', inner);
  const found = (await outer.get('inner')) as ListProxy;
  assert.ok(found instanceof ListProxy, 'known by its class (G176)');
  await found.append(2);
  assert.deepEqual(await inner.value(), [1, 2]);
  // Not made yet: their order holds all the same.
  const queues = manager.list([manager.Queue()]);
  // Its server cannot read such a proxy, not even one of its own.
  if (server.version === '3.8') return void (await assert.rejects(queues.get(0), { name: 'RemoteError' }));
  const queue = (await queues.get(0)) as QueueProxy;
  assert.ok(queue instanceof QueueProxy);
  await queue.put({ deep: [manager.Event()] });
  const { deep } = (await queue.get()) as { deep: [{ isSet(): Promise<boolean> }] };
  assert.equal(await deep[0].isSet(), false);
});

testPython('python: Namespace, Value and Array (G185)', async (manager) => {
  const namespace = manager.Namespace<{ x: number; y?: string }>({ x: 1 });
  await namespace.set('y', 'why');
  assert.deepEqual(await namespace.value(), { x: 1, y: 'why' });
  assert.deepEqual(
    [await namespace.delete('y'), await namespace.delete('y'), await namespace.has('y')],
    [true, false, false],
  );
  assert.equal(await namespace.get('y'), undefined);
  assert.equal(await namespace.str(), 'Namespace(x=1)');
  assert.equal((await rejection(namespace.has('__class__'))).name, 'ArgumentRangeError');
  const value = manager.Value('i', 1);
  await value.set(2);
  assert.equal(await value.get(), 2);
  const array = manager.Array('f64', 3);
  await array.set(1, 0.5);
  assert.deepEqual(await array.value(), Float64Array.of(0, 0.5, 0));
  assert.deepEqual(await array.slice(1), Float64Array.of(0.5, 0));
  assert.deepEqual([await array.get(1), await array.length()], [0.5, 3]);
  assert.deepEqual(await manager.Array('l', [1, -2]).value(), Float64Array.of(1, -2), 'of 64 bits');
});

testPython('python: what is not to be had in one step says so (G173)', async (manager) => {
  const dict = manager.dict<string, number>({ n: 1 });
  for (const promise of [dict.update('n', (n = 0) => n + 1), dict.incr('n'), manager.Value('i', 1).incr()]) {
    const error = await rejection(promise);
    assert.equal(error.name, 'MethodNotExposedError');
    assert.match(error.message, /hold a lock/);
  }
  assert.throws(() => manager.Pool(1), { name: 'ArgumentTypeError' });
  assert.throws(() => manager.list([() => 1]), { name: 'SerializationError' });
});

interface Counter {
  add(by: number): number;
  fail(): void;
  odd(): unknown;
  names(): string[];
  _hidden(): void;
}

class Registered extends PythonManager {}
Registered.register('get_queue', { type: 'Queue' });
Registered.register('count', { type: 'Iterator' });

testPython(
  'python: objects of the server, with and without a type (G186, G187, G189, G198)',
  async (manager) => {
    const counter = manager.create<Counter>('Counter', 5);
    assert.ok(counter instanceof RemoteProxy);
    assert.equal(await counter.add(3), 8);
    const names = (await counter.names()) as unknown as ListProxy<string>;
    assert.ok(names instanceof ListProxy, 'a result that stays there');
    assert.deepEqual(await names.value(), ['a', 'b']);
    const failed = await rejection(counter.fail());
    assert.deepEqual([failed.name, /ZeroDivisionError: by zero/.test(failed.message)], ['RemoteError', true]);
    assert.equal((await rejection(counter.odd())).name, 'UnpicklingError', 'an instance of a class is not received');
    assert.equal((await rejection(counter._hidden())).name, 'MethodNotExposedError');
    const strange = await rejection(manager.create<{ throw(): void }>('Thrower').throw());
    assert.match(strange.message, /__main__\.Strange: of its own, 7/);
    assert.equal(await counter.add(1), 9, 'the connection goes on (G192)');
    assert.equal((await rejection(manager.create('Nothing').callMethod('f'))).name, 'RemoteError');

    const jobs = manager.create<QueueProxy<string>>('get_queue');
    await jobs.put('paint');
    assert.equal(await jobs.get(), 'paint');
    const counted: number[] = [];
    for await (const n of manager.create<IteratorProxy<number>>('count', 3)) counted.push(n);
    assert.deepEqual(counted, [0, 1, 2]);
  },
  Registered,
);

testPython('python: proxies are arguments of tasks (G196)', async (manager) => {
  const dict = manager.dict<number, number>();
  const queue = manager.Queue<number>();
  await using pool = new Pool(2);
  const early = rejection((async () => pool.apply((each: unknown) => each, [manager.list()]))());
  assert.match((await early).message, /has not made yet/);
  await manager.settled();
  await pool.map(
    async (n: number) => {
      await dict.set(n, n * n);
      await queue.put(n);
    },
    [1, 2, 3],
  );
  assert.deepEqual(
    new Set(await dict.items()),
    new Set([
      [1, 1],
      [2, 4],
      [3, 9],
    ]),
  );
  assert.equal(await queue.qsize(), 3);
  const made = await pool.apply(
    async (there) => {
      const list = there.list([1]);
      await list.append(2);
      await there.settled();
      return list;
    },
    [manager],
  );
  assert.deepEqual(await made.value(), [1, 2], 'made by a task, kept on its way');
});

testPython('python: a manager that is shut down has no references any more (G196)', async (manager, server) => {
  const other = await PythonManager.connect(
    { host: 'localhost', ...server.address },
    { authKey, legacy: server.legacy },
  );
  const before = await manager.numberOfObjects();
  const list = other.list([other.list(), other.dict()]);
  await list.length();
  await list.get(0);
  assert.match(await other.debugInfo(), /refcount/);
  await other.shutdown();
  await other.shutdown();
  assert.equal((await rejection((async () => other.list())())).name, 'ManagerStateError');
  await eventually(async () => (await manager.numberOfObjects()) <= before);
});
