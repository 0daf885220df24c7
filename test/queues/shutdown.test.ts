import { strict as assert } from 'node:assert';
import { JoinableQueue, Pipe, Queue, QueueClosedError, QueueEmptyError, SerializationError } from 'manycore';
import type { Home } from '#internal/memory/home.js';
import { unknown } from '#internal/queues/gate.js';
import { steps } from '#internal/queues/ring.js';
import { rejection } from '../matrix.ts';
import { ringOf, start, testQueues } from './support.ts';

/** What happens while this thread sleeps for the first time. */
function insteadOfSleep(home: Home, happens: () => void): void {
  home.sleep = () => {
    Reflect.deleteProperty(home, 'sleep');
    happens();
  };
}

for (const at of ['put: latched', 'put: bytes written'])
  testQueues(`queue: a shutdown beside a put, at "${at}", loses nothing that was put`, async () => {
    const q = new Queue<string>();
    let told: unknown;
    steps.step = (name) => {
      if (name !== at) return;
      steps.step = undefined;
      q.shutdown();
      try {
        q.getNowait();
      } catch (error) {
        told = error;
      }
    };
    const put = await q.put('x').then(
      () => true,
      (error: unknown) => error,
    );
    // Empty for the moment, but not at its end.
    assert.ok(told instanceof QueueEmptyError);
    if (put === true) assert.equal(q.getNowait(), 'x');
    else assert.ok(put instanceof QueueClosedError);
    assert.throws(() => q.getNowait(), QueueClosedError);
  });

testQueues('queue: who waits for an item while a put is refused by a shutdown is told of the end', async () => {
  const q = new Queue<string>();
  const getting = rejection(q.get());
  steps.step = (name) => {
    if (name !== 'put: latched') return;
    steps.step = undefined;
    q.shutdown();
  };
  assert.ok((await rejection(q.put('x'))) instanceof QueueClosedError);
  assert.ok((await getting) instanceof QueueClosedError);
});

testQueues('queue: an immediate shutdown drops all there is, also when somebody else gets just then', () => {
  const q = new JoinableQueue<number>();
  for (let i = 0; i < 5; i++) q.putNowait(i);
  const { gets, block } = ringOf(q);
  gets.enter(unknown);
  insteadOfSleep(block.home, () => gets.leave());
  q.shutdown({ immediate: true });
  assert.deepEqual([q.qsize(), q.unfinished()], [0, 0]);
});

testQueues('queue: an immediate shutdown waits for who puts just then', () => {
  const q = new Queue<number>();
  const { puts, ring, block } = ringOf(q);
  puts.enter(unknown);
  insteadOfSleep(block.home, () => {
    ring.put(0, Uint8Array.of(0, 0), 2);
    puts.leave();
  });
  q.shutdown({ immediate: true });
  assert.equal(q.qsize(), 0);
});

testQueues('queue: an immediate shutdown drops what cannot be read, or not without waiting', async () => {
  const q = new Queue();
  const child = start(
    'process',
    async (its: Queue, url: string) => its.put(((await import(url)) as { square: unknown }).square),
    q,
    new URL('../functions.js', import.meta.url).href,
  );
  await child.join();
  ringOf(q).ring.put(0, Uint8Array.of(9, 9), 2);
  assert.throws(() => q.getNowait(), SerializationError);
  assert.equal(q.qsize(), 2);
  q.shutdown({ immediate: true });
  assert.equal(q.qsize(), 0);
});

testQueues(
  'queue: who waits by way of a closed object is told, also behind one that waits by way of another',
  async () => {
    const q = new Queue<number>();
    const meta = new Queue<Queue<number>>();
    await meta.put(q);
    const other = await meta.get();
    assert.notEqual(other, q);
    const first = q.get();
    const second = rejection(other.get());
    const third = q.get();
    other.close();
    assert.ok((await second) instanceof QueueClosedError);
    await q.put(1);
    await q.put(2);
    assert.deepEqual(await Promise.all([first, third]), [1, 2]);
  },
);

testQueues(
  'queue: who waits for room by way of a closed object is told, and the order of the others stays',
  async () => {
    const q = new Queue<number>(1);
    const meta = new Queue<Queue<number>>();
    await meta.put(q);
    const other = await meta.get();
    await q.put(0);
    const first = q.put(1);
    const second = rejection(other.put(-1));
    const third = q.put(2);
    other.close();
    assert.ok((await second) instanceof QueueClosedError);
    assert.deepEqual([await q.get(), await q.get(), await q.get()], [0, 1, 2]);
    await Promise.all([first, third]);
  },
);

testQueues(
  'pipe: who receives by way of a closed object is told, also behind one that waits by way of another',
  async () => {
    const [here, there] = Pipe<string>();
    const meta = new Queue<typeof here>();
    await meta.put(here);
    const other = await meta.get();
    const first = here.recv();
    const second = rejection(other.recv());
    const third = rejection(other.poll({ timeout: Infinity }));
    other.close();
    assert.match((await second).message, /closed/);
    assert.match((await third).message, /closed/);
    await there.send('x');
    assert.equal(await first, 'x');
    here.close();
    there.close();
  },
);
