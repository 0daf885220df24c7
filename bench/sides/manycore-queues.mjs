/** What `scenarios/queues.mjs` asks of manycore. */
import { Pipe, Process, Queue } from '../../dist/index.js';

export const queuesOf = (context) => ({
  /** One that puts here, one that gets there: its time from the first item to the last. */
  async stream(count, blocking) {
    const q = new Queue();
    const answer = new Queue();
    const target = blocking ? getBlocking : getAll;
    const child = new Process({ target, args: [q, answer, count], context }).start();
    await answer.get();
    if (blocking) for (let i = 0; i < count; i++) q.putSync(i);
    else for (let i = 0; i < count; i++) await q.put(i);
    const result = await answer.get();
    await child.join();
    return result;
  },
  async many(parties, each) {
    const q = new Queue();
    const answers = new Queue();
    const go = new Queue();
    const children = Array.from({ length: parties }, (_, i) => [
      new Process({ target: putAll, args: [q, answers, go, i * each, each], context }).start(),
      new Process({ target: getEvery, args: [q, answers, go], context }).start(),
    ]).flat();
    for (const _ of children) await answers.get();
    const start = performance.now();
    for (const _ of children) await go.put('go');
    for (let i = 0; i < parties; i++) await answers.get();
    for (let i = 0; i < parties; i++) await q.put(null);
    const taken = [];
    for (let i = 0; i < parties; i++) taken.push(...(await answers.get()));
    const ms = performance.now() - start;
    for (const child of children) await child.join();
    return { ms, taken };
  },
  async pipe(count) {
    const [here, there] = Pipe();
    const child = new Process({ target: echo, args: [there], context }).start();
    there.close();
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await here.send(i);
      if ((await here.recv()) !== i) throw new Error('wrong: another value came back');
      times.push(performance.now() - start);
    }
    here.close();
    await child.join();
    return times;
  },
});

async function getAll(q, answer, count) {
  await answer.put('ready');
  let total = await q.get();
  const start = performance.now();
  for (let i = 1; i < count; i++) total += await q.get();
  await answer.put({ ms: performance.now() - start, total });
}

async function getBlocking(q, answer, count) {
  await answer.put('ready');
  let total = q.getSync();
  const start = performance.now();
  for (let i = 1; i < count; i++) total += q.getSync();
  await answer.put({ ms: performance.now() - start, total });
}

async function putAll(q, answers, go, first, count) {
  await answers.put('ready');
  await go.get();
  for (let i = 0; i < count; i++) await q.put(first + i);
  await answers.put('done');
}

async function getEvery(q, answers, go) {
  await answers.put('ready');
  await go.get();
  const taken = [];
  for (let item = await q.get(); item !== null; item = await q.get()) taken.push(item);
  await answers.put(taken);
}

async function echo(end) {
  for await (const message of end) await end.send(message);
}
