import { strict as assert } from 'node:assert';
import { Manager } from 'manycore';
import { type EventProxy, IteratorProxy, QueueProxy } from 'manycore/managers';
import { eachContext, eventually, rejection, testClean } from '../matrix.ts';
import { authKey, runIn, testManager, testServer } from './support.ts';

class Foo {
  f(): string {
    return 'f()';
  }
  g(): never {
    throw new RangeError('g() fails');
  }
  _h(): string {
    return '_h()';
  }
}

function* baz(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i * i;
}

class Tree {
  readonly name: string;
  readonly children: Tree[] = [];
  constructor(name: string) {
    this.name = name;
  }
  add(name: string): Tree {
    const child = new Tree(name);
    this.children.push(child);
    return child;
  }
  path(): string[] {
    return [this.name, ...this.children.flatMap((child) => child.path())];
  }
  walk(): Generator<number> {
    return baz(3);
  }
}

class MyManager extends Manager {}
MyManager.register('Foo', { create: Foo });
MyManager.register('Bar', { create: () => new Foo(), exposed: ['f', '_h'] });
MyManager.register('Tree', { create: Tree, results: { add: 'Tree', walk: 'Iterator' } });
MyManager.register('jobs', { type: 'Queue', shared: true });

eachContext((context) => {
  testClean('manager: a class of the user: what is exposed can be called (G186, G189, G198)', {}, async () => {
    await using manager = new MyManager();
    const foo = manager.create<Foo>('Foo');
    assert.equal(await foo.f(), 'f()');
    const error = await rejection(foo.g());
    assert.ok(error instanceof RangeError);
    assert.equal(error.message, 'g() fails');
    assert.match(String(error.stack), /at Foo\.g/, 'where it was, in the server');
    assert.equal((await rejection(foo._h())).name, 'MethodNotExposedError');
    assert.equal((await rejection(foo.callMethod('nothing'))).name, 'MethodNotExposedError');
    const bar = manager.create<Foo>('Bar');
    assert.equal(await bar.f(), 'f()');
    assert.equal(await bar._h(), '_h()');
    assert.equal((await rejection(bar.g())).name, 'MethodNotExposedError');
    await runIn(
      context,
      async (given) => {
        if ((await given.f()) !== 'f()') throw new Error('not f');
      },
      [foo],
    );
    assert.equal((await rejection(manager.create('Nothing').callMethod('f'))).name, 'ArgumentRangeError');
  });
});

testClean('manager: results that stay in the server are proxies; generators give one by one (G187)', {}, async () => {
  await using manager = new MyManager();
  const root = manager.create<Tree>('Tree', 'root');
  const child = (await root.add('a')) as unknown as typeof root;
  await child.add('b');
  assert.deepEqual(await root.path(), ['root', 'a', 'b']);
  const walk = (await root.walk()) as unknown as IteratorProxy<number>;
  assert.ok(walk instanceof IteratorProxy);
  const seen: number[] = [];
  for await (const n of walk) seen.push(n);
  assert.deepEqual(seen, [0, 1, 4]);
});

testServer('manager: one object for all who ask', { manager: MyManager }, async (client, server) => {
  await using other = await Manager.connect(server.address, { authKey });
  const queue = client.create<QueueProxy<number>>('jobs');
  assert.ok(queue instanceof QueueProxy);
  await queue.put(5);
  // Who has not registered the name does not know which proxy it is: its methods are called all the same.
  const same = other.create('jobs');
  assert.equal(await same.callMethod('get'), 5);
});

testManager('manager: names that every object has are not exposed (I11)', async (manager) => {
  const names = [
    'constructor',
    '__proto__',
    'prototype',
    'then',
    'hasOwnProperty',
    '__defineGetter__',
    '__lookupSetter__',
    'valueOf',
    'toString',
    'isPrototypeOf',
    'abandonedBy',
    '#items',
    'Symbol(nodejs.util.inspect.custom)',
    '0',
    '',
  ];
  for (const object of [manager.list(), manager.dict(), manager.Lock(), manager.Queue()])
    for (const name of names) {
      const error = await rejection(object.callMethod(name));
      assert.equal(error.name, 'MethodNotExposedError', name);
    }
});

testClean('manager: the same of objects of the user', {}, async () => {
  await using manager = new MyManager();
  const foo = manager.create('Foo');
  for (const name of ['constructor', '__proto__', 'then', 'hasOwnProperty', 'toString', '__defineSetter__'])
    assert.equal((await rejection(foo.callMethod(name))).name, 'MethodNotExposedError', name);
  assert.equal(await (async () => foo)(), foo, 'a proxy is no promise');
});

testManager('manager: a pool in the server (G182)', async (manager) => {
  await using pool = manager.Pool(2);
  const by = 3;
  assert.equal(await pool.apply((n: number) => n * by, [14]), 42);
  assert.deepEqual(await pool.map((n: number) => n * n, [1, 2, 3]), [1, 4, 9]);
  assert.deepEqual(await pool.starmap((a: number, b: number) => a + b, [[1, 2] as const, [3, 4] as const]), [3, 7]);
  const error = await rejection(
    pool.apply(() => {
      throw new TypeError('in the pool');
    }),
  );
  assert.ok(error instanceof TypeError);
  await pool.close();
  await pool.join();
});

testManager('manager: results of a pool in the server stay there until they are asked for (G182)', async (manager) => {
  await using pool = manager.Pool(2);
  const gate = manager.Event();
  const slow = await pool.applyAsync(async (event: EventProxy) => event.wait(), [gate]);
  assert.equal(await slow.ready(), false);
  assert.equal((await rejection(slow.successful())).name, 'NotReadyError');
  assert.equal(await slow.wait({ timeout: 1 }), false);
  assert.equal((await rejection(slow.get({ timeout: 1 }))).name, 'TimeoutError');
  const stop = new AbortController();
  const given = slow.get({ signal: stop.signal });
  stop.abort();
  assert.equal((await rejection(given)).name, 'AbortError');
  await gate.set();
  assert.equal(await slow.get(), true);
  assert.equal(await slow.get(), true, 'again');
  assert.equal(await slow.successful(), true);
  const failing = await pool.applyAsync(() => {
    throw new TypeError('in the pool');
  });
  assert.equal(await failing.wait(), true, 'failed results are results too');
  assert.equal(await failing.successful(), false);
  assert.ok((await rejection(failing.get())) instanceof TypeError);
  const squares = await pool.mapAsync((n: number) => n * n, [1, 2, 3]);
  const sums = await pool.starmapAsync((a: number, b: number) => a + b, [[1, 2] as const, [3, 4] as const]);
  assert.deepEqual(
    [await squares.get(), await sums.get()],
    [
      [1, 4, 9],
      [3, 7],
    ],
  );
  const told = manager.list<number>();
  await (await pool.applyAsync((n: number) => n + 1, [1], { callback: (n) => void told.append(n) })).get();
  await eventually(async () => (await told.value()).includes(2));
});

testManager('manager: imap of a pool in the server gives results one by one (G182)', async (manager) => {
  await using pool = manager.Pool(2);
  const double = (n: number): number => {
    if (n === 2) throw new RangeError('two');
    return n * 2;
  };
  const doubled = await pool.imap(double, [1, 2, 3]);
  assert.deepEqual(await doubled.next({ timeout: 10_000 }), { done: false, value: 2 });
  assert.ok((await rejection(doubled.next())) instanceof RangeError, 'at its place');
  assert.deepEqual(await doubled.next(), { done: false, value: 6 });
  assert.deepEqual(await doubled.next(), { done: true, value: undefined });
  const seen = new Set<number>();
  for await (const n of await pool.imapUnordered((n: number) => n + 1, [1, 2, 3])) seen.add(n);
  assert.deepEqual(seen, new Set([2, 3, 4]));
  for await (const n of await pool.imap(
    (n: number) => n,
    Array.from({ length: 1_000 }, (_, i) => i),
  ))
    if (n === 3) break;
  await pool.close();
  await pool.join();
});

testServer(
  'manager: a value that does not travel is refused here, and the connection goes on (G192)',
  {},
  async (client) => {
    const queue = client.Queue();
    await queue.put(1);
    const bad = { deep: [{ fn: () => 1 }] };
    const error = await rejection((async () => queue.put(bad))());
    assert.equal(error.name, 'SerializationError');
    assert.match(error.message, /^Cannot send args\[0\]\.deep\[0\]\.fn: /);
    assert.equal((await rejection((async () => queue.put(new Foo()))())).name, 'SerializationError');
    assert.equal(await queue.get(), 1);
  },
);
