import { strict as assert } from 'node:assert';
import { PassThrough } from 'node:stream';
import {
  AbortError,
  ArgumentTypeError,
  BrokenPipeError,
  type Connection,
  JoinableQueue,
  Lock,
  Pipe,
  Queue,
  wait,
} from 'manycore';
import { rejection, testClean } from '../matrix.ts';
import { interruptUntilItEnds, runScript } from '../run-script.ts';
import { start, testQueues } from './support.ts';

testQueues(
  'pipe: who waits for room is told when the last receiver was killed, however short ago he sent (G3)',
  async () => {
    const [reader, writer] = Pipe<string>({ duplex: false });
    const ready = new Queue<number>();
    const child = start(
      'process',
      async (_: Connection<never, string>, told: Queue<number>) => {
        await told.put(1);
        await new Promise(() => setInterval(() => undefined, 1_000));
      },
      reader,
      ready,
    );
    await ready.get();
    reader.close();
    const text = 'x'.repeat(10_000);
    while (
      await writer.send(text, { timeout: 0 }).then(
        () => true,
        () => false,
      )
    );
    const waiting = rejection(writer.send(text));
    child.kill();
    // Until this thread has seen the death by itself: its event loop hears of it right afterwards.
    const deadline = performance.now() + 10_000;
    for (let error: unknown; !(error instanceof BrokenPipeError); assert.ok(performance.now() < deadline)) {
      try {
        writer.sendSync(text, { timeout: 0 });
      } catch (reason) {
        error = reason;
      }
    }
    assert.ok((await waiting) instanceof BrokenPipeError);
    await child.join();
    writer.close();
  },
);

testQueues('wait: it is given up by its signal, whatever it waits for', async () => {
  const [here, there] = Pipe();
  const { sentinel } = { sentinel: new Promise(() => undefined) };
  for (const object of [new PassThrough(), sentinel, { sentinel }, here]) {
    const stop = new AbortController();
    const waiting = rejection(wait([object], { signal: stop.signal }));
    stop.abort(new Error('enough'));
    const error = await waiting;
    assert.ok(error instanceof AbortError);
    assert.match(String(error.cause), /enough/);
    assert.ok((await rejection(wait([object], { signal: stop.signal }))) instanceof AbortError);
  }
  assert.deepEqual(await wait([sentinel], { timeout: 1 }), []);
  here.close();
  there.close();
});

testQueues('queue: wrong options and wrong objects are refused by a typed error', async () => {
  const q = new JoinableQueue<number>();
  const [here, there] = Pipe();
  for (const call of [
    () => q.get({ signal: 5 } as never),
    () => q.put(1, { signal: {} } as never),
    () => q.get({ timeOut: 5 } as never),
    () => q.join(5 as never),
    () => here.recv({ timeout: 'x' } as never),
    () => here.poll({ signal: 'x' } as never),
    () => wait([null] as never),
    () => wait([5] as never),
    () => wait([{}] as never),
    () => wait([{ then: 5 }] as never),
    () => wait(5 as never),
    () => wait(undefined as never),
    () => wait([here], { signal: 5 } as never),
  ])
    assert.ok((await rejection(call())) instanceof ArgumentTypeError, String(call));
  assert.equal(q.qsize(), 0);
  here.close();
  there.close();
});

/** How often the event loop comes round during some work. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await work();
  clearImmediate(next);
  return turns;
}

testQueues('queue: who awaits items that are all there lets others have their turn', async () => {
  const q = new Queue<number>();
  const [here, there] = Pipe<number>();
  const busyUntil = (): (() => boolean) => {
    const end = performance.now() + 50;
    return () => performance.now() < end;
  };
  const works: Record<string, () => Promise<void>> = {
    async putAndGet() {
      for (const goesOn = busyUntil(); goesOn(); assert.equal(await q.get(), 1)) await q.put(1);
    },
    async iteration() {
      q.putNowait(1);
      const goesOn = busyUntil();
      for await (const i of q) {
        if (!goesOn()) return;
        q.putNowait(i);
      }
    },
    async nowhere() {
      for (const goesOn = busyUntil(); goesOn();) await rejection(q.get({ block: false }));
    },
    async poll() {
      for (const goesOn = busyUntil(); goesOn();) assert.equal(await here.poll(), false);
    },
    async lock() {
      const lock = new Lock();
      for (const goesOn = busyUntil(); goesOn();) await lock.run(() => 1);
    },
  };
  for (const [name, work] of Object.entries(works)) assert.ok((await turnsDuring(work)) > 0, name);
  here.close();
  there.close();
});

for (const call of ['q.getSync()', 'full.putSync(2)', 'pipe.recvSync()', 'q.joinSync()'])
  testClean(`queue: Ctrl-C ends a program that is blocked by ${call}, also while a pool works (G19)`, {}, async () => {
    const { signal } = await runScript(
      `
      import { JoinableQueue, Pipe, Pool, Queue, SharedEvent } from 'manycore';
      const pool = new Pool(1);
      const [q, full, [pipe, other], begun] = [new JoinableQueue(), new Queue(1), Pipe(), new SharedEvent()];
      full.putSync(1);
      void pool.apply((its) => (its.set(), new Promise(() => {})), [begun]);
      await begun.wait();
      console.log('blocked');
      ${call.startsWith('q.join') ? 'q.putSync(1);' : ''}
      ${call};
      `,
      { during: interruptUntilItEnds },
    );
    assert.equal(signal, 'SIGINT');
  });
