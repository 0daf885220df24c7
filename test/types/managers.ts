// Compiled, never run: what a manager's proxies take and give, and what must not compile.
import { expectTypeOf } from 'expect-type';
import { Manager, type Pool } from 'manycore';
import {
  type AsyncResultProxy,
  type BaseProxy,
  DictProxy,
  type IteratorProxy,
  ListProxy,
  type LockGrant,
  PythonManager,
  QueueProxy,
  type Remote,
  type Server,
  SetProxy,
} from 'manycore/managers';

declare const pool: Pool;
declare const manager: Manager;

class Counter {
  readonly label = 'mine';
  add(by: number): number {
    return by;
  }
  async words(): Promise<string[]> {
    return [];
  }
}

export async function dicts(): Promise<void> {
  const seen = manager.dict<string, number>();
  expectTypeOf(seen).toEqualTypeOf<DictProxy<string, number>>();
  expectTypeOf(await seen.get('a')).toEqualTypeOf<number | undefined>();
  expectTypeOf(await seen.get('a', 'none')).toEqualTypeOf<number | string>();
  expectTypeOf(await seen.update('a', (n = 0) => n + 1)).toEqualTypeOf<number>();
  expectTypeOf(await seen.value()).toEqualTypeOf<Map<string, number>>();
  for await (const entry of seen) expectTypeOf(entry).toEqualTypeOf<[string, number]>();
  expectTypeOf(manager.dict({ a: 1 })).toEqualTypeOf<DictProxy<string, number>>();
  expectTypeOf(manager.dict([['a', true]])).toEqualTypeOf<DictProxy<string, boolean>>();
  expectTypeOf(manager.dict(new Map([[1, 'a']]))).toEqualTypeOf<DictProxy<number, string>>();
  // @ts-expect-error -- a number
  await seen.set('a', 'b');
  // @ts-expect-error -- keys are strings
  await seen.get(1);
  // @ts-expect-error -- a method: each access is a call to the server
  seen['a'] = 1;
}

export async function containers(): Promise<void> {
  const list = manager.list([1, 2]);
  expectTypeOf(list).toEqualTypeOf<ListProxy<number>>();
  expectTypeOf(await list.get(-1)).toEqualTypeOf<number>();
  expectTypeOf(await list.slice(0, 1)).toEqualTypeOf<number[]>();
  for await (const item of list) expectTypeOf(item).toEqualTypeOf<number>();
  expectTypeOf(manager.list<string>()).toEqualTypeOf<ListProxy<string>>();
  expectTypeOf(manager.set('abc')).toEqualTypeOf<SetProxy<string>>();
  expectTypeOf(await manager.set([1]).union([2])).toEqualTypeOf<Set<number>>();
  expectTypeOf(await manager.Namespace<{ x: number }>().get('x')).toEqualTypeOf<number>();
  expectTypeOf(await manager.Value('i', 5).get()).toEqualTypeOf<number>();
  expectTypeOf(await manager.Array('d', 10).get(0)).toEqualTypeOf<number>();
  // @ts-expect-error -- a number
  await list.append('a');
  // @ts-expect-error -- no iterable
  manager.list(5);
  // @ts-expect-error -- no such name
  await manager.Namespace<{ x: number }>().set('y', 1);
}

export async function queuesAndLocks(): Promise<void> {
  const q = manager.Queue<string>(10);
  expectTypeOf(q).toEqualTypeOf<QueueProxy<string>>();
  expectTypeOf(await q.get({ timeout: 5 })).toEqualTypeOf<string>();
  expectTypeOf(await manager.JoinableQueue<number>().join()).toEqualTypeOf<boolean>();
  const lock = manager.Lock();
  expectTypeOf(await lock.acquire()).toEqualTypeOf<LockGrant>();
  expectTypeOf(await lock.acquire({ block: false })).toEqualTypeOf<LockGrant | undefined>();
  expectTypeOf(await lock.run(async () => 'a')).toEqualTypeOf<string>();
  expectTypeOf(await manager.Condition(lock).waitFor(() => 5)).toEqualTypeOf<number>();
  expectTypeOf(await manager.Barrier(2).nWaiting()).toEqualTypeOf<number>();
  // @ts-expect-error -- items are strings
  await q.put(1);
  // @ts-expect-error -- positional in Python
  await lock.acquire(true, 5);
  // @ts-expect-error -- a lock of this manager, not a queue
  manager.Condition(q);
}

export async function pools(): Promise<void> {
  const remote = manager.Pool(2);
  expectTypeOf(await remote.apply((a, b) => `${a + 1}${b.length}`, [1, 'a'])).toEqualTypeOf<string>();
  expectTypeOf(await remote.map(async (x) => x > 1, [1, 2])).toEqualTypeOf<boolean[]>();
  expectTypeOf(
    await remote.starmap(
      (a, b) => a + b.length,
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ),
  ).toEqualTypeOf<number[]>();
  expectTypeOf(await remote.applyAsync(() => 1)).toEqualTypeOf<AsyncResultProxy<number>>();
  expectTypeOf(await remote.imap((x) => x * 2, [1])).toEqualTypeOf<IteratorProxy<number>>();
  // @ts-expect-error -- the items do not fit the function
  await remote.map((x: number) => x, ['a']);
  // @ts-expect-error -- the wrong argument
  await remote.apply((x: number) => x, ['a']);
  // @ts-expect-error -- arguments are needed
  await remote.apply((x: number) => x);
}

export async function ownTypes(): Promise<void> {
  class MyManager extends Manager {}
  MyManager.register('Counter', { create: Counter, exposed: ['add'], results: { words: 'list' } });
  const counter = new MyManager().create<Counter>('Counter');
  expectTypeOf(counter).toEqualTypeOf<Remote<Counter>>();
  expectTypeOf(counter).toExtend<BaseProxy>();
  expectTypeOf(await counter.add(1)).toEqualTypeOf<number>();
  expectTypeOf(await counter.words()).toEqualTypeOf<string[]>();
  expectTypeOf(new MyManager().create<ListProxy<number>>('list')).toEqualTypeOf<ListProxy<number>>();
  // @ts-expect-error -- a field stays in the server
  void counter.label;
  // @ts-expect-error -- a number
  await counter.add('a');
  // @ts-expect-error -- Python's spelling
  MyManager.register('Counter', { callable: Counter });
}

export async function lifecycle(): Promise<void> {
  await using own = new Manager({ authKey: 'key', linger: 5 });
  expectTypeOf(await own.start({ initializer: (n) => n.toFixed(), initArgs: [1] })).toEqualTypeOf<typeof own>();
  expectTypeOf(own.getServer()).toEqualTypeOf<Server>();
  expectTypeOf(Manager.connect({ port: 5_000 }, { authKey: 'key' })).toEqualTypeOf<Promise<Manager>>();
  expectTypeOf(PythonManager.connect('/tmp/s', { authKey: 'key', legacy: true })).toEqualTypeOf<
    Promise<PythonManager>
  >();
  // @ts-expect-error -- a key is needed
  await Manager.connect({ port: 5_000 });
  // @ts-expect-error -- positional in Python
  void new Manager('127.0.0.1', 'key');
  // @ts-expect-error -- the wrong argument
  await own.start({ initializer: (n: number) => n, initArgs: ['a'] });
}

export function arguments_(seen: DictProxy<string, number>): void {
  expectTypeOf(pool.apply((d) => d.incr('a'), [seen])).resolves.toEqualTypeOf<number>();
  // @ts-expect-error -- a dict of other values
  void pool.apply((d: DictProxy<string, boolean>) => d.set('a', true), [seen]);
}
