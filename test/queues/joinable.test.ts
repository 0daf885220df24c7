import { strict as assert } from 'node:assert';
import { JoinableQueue, Queue, QueueTaskError } from 'manycore';
import { start, testQueues } from './support.ts';

testQueues('queue: an item is done with whoever says so: the one that got it may have ended before', async () => {
  const q = new JoinableQueue<string>();
  const handed = new Queue<string>();
  q.putNowait('a');
  q.putNowait('b');
  const child = start(
    'process',
    async (from: JoinableQueue<string>, to: Queue<string>) => to.putNowait(await from.get()),
    q,
    handed,
  );
  assert.equal(await handed.get(), 'a');
  await child.join();
  assert.throws(() => q.joinSync({ timeout: 0 }), QueueTaskError);
  q.taskDone();
  assert.equal(await q.get(), 'b');
  assert.equal(q.joinSync({ timeout: 0 }), false);
  q.taskDone();
  assert.equal(await q.join(), true);
});

testQueues('queue: one that was killed about to take an item has not taken it, and nobody waits for it', async () => {
  const q = new JoinableQueue<string>();
  q.putNowait('a');
  const child = start(
    'process',
    async (from: JoinableQueue<string>, url: string) => {
      const { steps } = (await import(url)) as { steps: { step: (name: string) => void } };
      steps.step = (name) => {
        if (name === 'take: about to drop') process.kill(process.pid, 'SIGKILL');
      };
      await from.get();
    },
    q,
    import.meta.resolve('#internal/queues/ring.js'),
  );
  await child.join();
  assert.equal(await q.get(), 'a');
  // It is still being worked on, here.
  assert.equal(q.joinSync({ timeout: 0 }), false);
  q.taskDone();
  assert.equal(q.joinSync(), true);
});

testQueues('queue: join() counts what died with several, and not what others work on', async () => {
  const q = new JoinableQueue<number>();
  for (let i = 0; i < 6; i++) q.putNowait(i);
  for (const count of [1, 2]) {
    const child = start(
      'process',
      async (from: JoinableQueue<number>, most: number) => {
        for (let i = 0; i < most; i++) await from.get();
      },
      q,
      count,
    );
    await child.join();
  }
  await q.get();
  assert.throws(() => q.joinSync({ timeout: 0 }), /3 of 6 unfinished items died/);
  q.taskDone();
  assert.throws(() => q.joinSync({ timeout: 0 }), /3 of 5 unfinished items died/);
});
