import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { EndOfFileError, JoinableQueue, Pipe, Queue, QueueTaskError, type Connection } from 'manycore';
import { assertSoon, eventually, rejection } from '../matrix.ts';
import { start, testQueues } from './support.ts';

/** Real SIGKILLs at each step: a few rounds of each in the suite, `--whole` does a hundred. */
const rounds = Number(process.env['KILL_ROUNDS'] ?? 3);
const atOnce = 3;
/** A survivor that takes longer than this is blocked. */
const patience = { timeout: 5_000 };

const putSteps = [
  'put: latched',
  'put: placed',
  'put: slot written',
  'put: bytes written',
  'put: published',
  'put: unlatched',
] as const;
const takeSteps = ['take: latched', 'take: about to drop', 'take: dropped', 'take: unlatched'] as const;

interface Item {
  readonly i: number;
  readonly text: string;
}

function item(i: number): Item {
  return { i, text: String.fromCodePoint(97 + (i % 26)).repeat((i * 37) % 500) };
}

/** Every so many items is one that goes beside the ring. */
function large(i: number): Item {
  return { i, text: 'L'.repeat(i % 3 === 1 ? 300_000 : i) };
}

async function each(body: (round: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < rounds; first += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, rounds - first) }, (_, i) => first + i);
    await Promise.all(numbers.map(body));
  }
}

/** In a child: it is killed when it comes to a step for the `nth` time. */
async function killAt(url: string, name: string, nth: number): Promise<void> {
  const { steps } = (await import(url)) as { steps: { step: ((at: string) => void) | undefined } };
  let left = nth;
  steps.step = (at) => {
    if (at === name && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

const ringUrl = import.meta.resolve('#internal/queues/ring.js');

/** Puts items until it is killed in the nth put. */
async function produce(q: Queue<Item>, make: (i: number) => Item, url: string, at: string, nth: number): Promise<void> {
  await killAt(url, at, nth);
  for (let i = 0; ; i++) await q.put(make(i));
}

async function consume(q: Queue<Item>, told: Queue<number>, url: string, at: string, nth: number): Promise<void> {
  await killAt(url, at, nth);
  for (;;) {
    const { i } = await q.get();
    // Not by a step that is counted.
    await told.put(i);
  }
}

for (const at of [...putSteps, 'put: stored'] as const) {
  const limit = 60_000 + rounds * 2_000;
  testQueues(
    `kills: a producer killed at "${at}": its items are whole, those of others follow, ${rounds} of 100 rounds (G3, C86)`,
    () =>
      each(async (round) => {
        const q = new Queue<Item>();
        const nth = 1 + (round % 7);
        const make = at === 'put: stored' ? large : item;
        const child = start('process', produce, q, make, ringUrl, at, nth);
        // It waits when the child dies: nobody else could wake it.
        let expected = 0;
        const reading = (async () => {
          for (;;) {
            const { i, text } = await q.get(patience);
            if (i < 0) return;
            assert.equal(i, expected++);
            assert.equal(text, make(i).text);
          }
        })();
        await child.join();
        assert.equal(child.exitCode, -9);
        await q.put({ i: -1, text: '' }, patience);
        await reading;
        // Stored items are the second, fifth, ... of a producer.
        const whole =
          at === 'put: stored' ? 3 * nth - 2 : at === 'put: published' || at === 'put: unlatched' ? nth : nth - 1;
        assert.equal(expected, whole);
        assert.equal(q.qsize(), 0);
      }),
    { limit },
  );
}

for (const at of takeSteps) {
  testQueues(
    `kills: a consumer killed at "${at}": no more than the item in its hand is gone, ${rounds} of 100 rounds (G4)`,
    () =>
      each(async (round) => {
        const q = new Queue<Item>();
        const told = new Queue<number>();
        const nth = 1 + (round % 7);
        const child = start('process', consume, q, told, ringUrl, at, nth);
        for (let i = 0; i < 20; i++) await q.put(item(i), patience);
        await child.join();
        assert.equal(child.exitCode, -9);
        const taken = at === 'take: dropped' || at === 'take: unlatched' ? nth : nth - 1;
        for (let i = taken; i < 20; i++) assert.deepEqual(await q.get(patience), item(i));
        assert.equal(q.qsize(), 0);
        for (let i = 0; i < nth - 1; i++) assert.equal(await told.get(patience), i);
        assert.equal(told.qsize(), 0);
      }),
    { limit: 60_000 + rounds * 2_000 },
  );
}

testQueues(
  'kills: a producer that waits for room goes on when the consumer dies with room made and nobody told (G12)',
  () =>
    each(async (round) => {
      const q = new Queue<Item>(2);
      const told = new Queue<number>();
      const nth = 1 + (round % 5);
      const child = start('process', consume, q, told, ringUrl, 'take: dropped', nth);
      // `nth` are taken, two fit.
      for (let i = 0; i < nth + 2; i++) await q.put(item(i), patience);
      await child.join();
      assert.equal(q.full(), true);
    }),
  { limit: 60_000 + rounds * 2_000 },
);

testQueues(
  'kills: join() rejects when who had got an item died without taskDone() (G11)',
  () =>
    each(async () => {
      const q = new JoinableQueue<number>();
      const child = start(
        'process',
        async (queue: JoinableQueue<number>) => {
          await queue.get();
          queue.taskDone();
          await queue.get();
          process.kill(process.pid, 'SIGKILL');
        },
        q,
      );
      await q.put(1);
      await q.put(2);
      const error = await rejection(q.join(patience));
      assert.ok(error instanceof QueueTaskError);
      assert.match(error.message, /1 of 1 unfinished/);
      await child.join();
    }),
  { limit: 60_000 + rounds * 1_000 },
);

testQueues(
  'kills: who receives from a killed process gets what it has sent, then the end (G12)',
  () =>
    each(async (round) => {
      const [here, there] = Pipe<Item>();
      const child = start(
        'process',
        async (end: Connection<Item>, make: typeof item, url: string, nth: number) => {
          const { steps } = (await import(url)) as { steps: { step: ((at: string) => void) | undefined } };
          let left = nth;
          steps.step = (at) => {
            if (at === 'put: bytes written' && --left === 0) process.kill(process.pid, 'SIGKILL');
          };
          for (let i = 0; ; i++) await end.send(make(i));
        },
        there,
        item,
        ringUrl,
        2 + (round % 20),
      );
      there.close();
      for (let i = 0; i < 1 + (round % 20); i++) assert.deepEqual(await here.recv(patience), item(i));
      assert.ok((await rejection(here.recv(patience))) instanceof EndOfFileError);
      await child.join();
    }),
  { limit: 60_000 + rounds * 1_000 },
);

testQueues(
  'kills: a stopped producer with the latch blocks others for as long as it is stopped, not 100 ms longer than it lives (G3)',
  async () => {
    const delays: number[] = [];
    for (let round = 0; round < 5; round++) {
      const q = new Queue<Item>();
      const child = start(
        'process',
        async (queue: Queue<Item>, make: typeof item, url: string) => {
          const { steps } = (await import(url)) as { steps: { step: ((at: string) => void) | undefined } };
          steps.step = (at) => {
            if (at === 'put: bytes written') process.kill(process.pid, 'SIGSTOP');
          };
          await queue.put(make(1));
        },
        q,
        item,
        ringUrl,
      );
      // Taken by nobody: what waits for the latch waits asynchronously, so that this thread goes on.
      await eventually(() => stateOf(child.pid!) === 'T');
      const putting = q.put(item(2), patience);
      assert.equal(await q.get({ timeout: 50 }).catch((error: Error) => error.name), 'QueueEmptyError');
      const killed = performance.now();
      child.kill();
      await putting;
      delays.push(performance.now() - killed);
      assert.deepEqual(await q.get(patience), item(2));
      await child.join();
    }
    assertSoon(delays);
  },
);

function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]![0]!;
}
