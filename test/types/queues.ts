// Compiled, never run: what queues and pipes take and give, and what must not compile.
import { expectTypeOf } from 'expect-type';
import {
  type Connection,
  JoinableQueue,
  Pipe,
  type Pool,
  type Process,
  Queue,
  type QueueStatistics,
  SimpleQueue,
  wait,
} from 'manycore';

declare const pool: Pool;

interface Order {
  readonly id: number;
}

export async function queues(): Promise<void> {
  const q = new Queue<Order>(10);
  expectTypeOf(q.put({ id: 1 }, { timeout: 5, block: true })).toEqualTypeOf<Promise<void>>();
  expectTypeOf(await q.get()).toEqualTypeOf<Order>();
  expectTypeOf(q.getSync({ timeout: 5 })).toEqualTypeOf<Order>();
  expectTypeOf(q.getNowait()).toEqualTypeOf<Order>();
  expectTypeOf(q.qsize()).toEqualTypeOf<number>();
  expectTypeOf(q.statistics()).toEqualTypeOf<QueueStatistics>();
  for await (const order of q) expectTypeOf(order).toEqualTypeOf<Order>();
  expectTypeOf(new Queue().getNowait()).toEqualTypeOf<unknown>();
  // @ts-expect-error -- another kind of item
  await q.put({ id: 'a' });
  // @ts-expect-error -- positional in Python
  await q.get(true, 5);
  // @ts-expect-error -- a blocked thread hears no signal
  q.getSync({ signal: AbortSignal.timeout(5) });
  // @ts-expect-error -- Python's spelling
  void new Queue({ maxsize: 10 });
  // @ts-expect-error -- there is no such method
  q.get_nowait();
}

export async function others(): Promise<void> {
  const jobs = new JoinableQueue<string>();
  expectTypeOf(await jobs.get()).toEqualTypeOf<string>();
  expectTypeOf(await jobs.join({ timeout: 5 })).toEqualTypeOf<boolean>();
  expectTypeOf(jobs).toExtend<Queue<string>>();
  const simple = new SimpleQueue<number>();
  expectTypeOf(await simple.get()).toEqualTypeOf<number>();
  expectTypeOf(simple.statistics()).toEqualTypeOf<QueueStatistics>();
  // @ts-expect-error -- it has no limit
  void new SimpleQueue(5);
  // @ts-expect-error -- it cannot wait for a time
  await simple.get({ timeout: 5 });
  // @ts-expect-error -- only a JoinableQueue counts what is done
  new Queue().taskDone();
}

export async function pipes(): Promise<void> {
  const [here, there] = Pipe<string, number>();
  expectTypeOf(here).toEqualTypeOf<Connection<string, number>>();
  expectTypeOf(there).toEqualTypeOf<Connection<number, string>>();
  await here.send('a');
  expectTypeOf(await there.recv({ timeout: 5 })).toEqualTypeOf<string>();
  expectTypeOf(here.recvSync()).toEqualTypeOf<number>();
  expectTypeOf(await here.poll({ timeout: 5 })).toEqualTypeOf<boolean>();
  expectTypeOf(await here.recvBytes(100)).toEqualTypeOf<Uint8Array>();
  for await (const word of there) expectTypeOf(word).toEqualTypeOf<string>();
  expectTypeOf(Pipe<Order>({ duplex: false })).toEqualTypeOf<[Connection<Order>, Connection<Order>]>();
  // @ts-expect-error -- this end sends strings
  await here.send(1);
  // @ts-expect-error -- milliseconds go in an object
  await here.poll(1);
  // @ts-expect-error -- bytes
  await here.sendBytes('text');
}

export async function waiting(process: Process, end: Connection<string>): Promise<void> {
  expectTypeOf(await wait([end], { timeout: 5 })).toEqualTypeOf<Connection<string>[]>();
  expectTypeOf(await wait([end, process])).toEqualTypeOf<(Connection<string> | Process)[]>();
  // @ts-expect-error -- nothing that one could wait for
  void wait([5]);
  // @ts-expect-error -- a list
  void wait(end);
}

export function arguments_(q: Queue<number>): void {
  expectTypeOf(pool.apply(async (from) => (await from.get()) + 1, [q])).resolves.toEqualTypeOf<number>();
  void pool.map((to) => to.put(1), [q, q]);
  // @ts-expect-error -- a queue of other items
  void pool.apply((to: Queue<string>) => to.put('a'), [q]);
}
