import { SquareCheck } from './check.mjs';

const MB = 2 ** 20;

export const memory = {
  name: 'memory',
  title: 'Memory',
  text: 'Each figure from a fresh process. Queued: bytes in the host per task that was submitted and is not done (heap with its external memory; RSS; the promise counts, the array that holds it does not), and the seconds until all were done. Finished: growth from a tenth of the finished tasks to all of them, in bursts of 10,000. Endless: `imap` over a generator without end and a consumer that takes 1 ms per item: how far it read ahead, and the growth. CPython: RSS only.',
  host: 'fresh',
  nodeFlags: ['--expose-gc'],
  limitMs: 180_000,
  warmUps: 0,
  rounds: 1,
  variants: (quick) => {
    const sizes = quick ? [20_000, 40_000, 80_000] : [250_000, 500_000, 1_000_000];
    const finishMs = quick ? 3_000 : 20_000;
    return [
      ...sizes.map((count, i) => ({ name: `queued-${i}`, params: { kind: 'queued', count, finishMs } })),
      { name: 'finished', params: { kind: 'finished', count: sizes[2], finishMs } },
      { name: 'endless', params: { kind: 'endless', count: quick ? 500 : 2_000 } },
    ];
  },
  /** Who did not get through a smaller queue in time need not try a larger one: its size is measured all the same. */
  adapt: (params, previous) =>
    params.kind === 'queued' && typeof previous?.seconds === 'string' ? { ...params, finishMs: 0 } : params,
  columns: [
    { variant: 'queued-0', key: 'seconds', title: 's, N/4' },
    { variant: 'queued-1', key: 'seconds', title: 's, N/2' },
    { variant: 'queued-2', key: 'seconds', title: 's, N' },
    { variant: 'queued-2', key: 'heapEach', title: 'heap B/task' },
    { variant: 'queued-2', key: 'rssEach', title: 'RSS B/task' },
    { variant: 'finished', key: 'count', title: 'finished' },
    { variant: 'finished', key: 'heapMB', title: 'heap MB' },
    { variant: 'finished', key: 'rssMB', title: 'RSS MB' },
    { variant: 'endless', key: 'ahead', title: 'endless: read ahead' },
    { variant: 'endless', key: 'heapMB', title: 'heap MB' },
    { variant: 'endless', key: 'rssMB', title: 'RSS MB' },
  ],
  run: async ({ pool }, params) => kinds[params.kind](await pool(2), params),
};

const kinds = { queued, finished, endless };

async function queued({ run }, { count, finishMs }) {
  const promises = Array.from({ length: count });
  await burst(run, 1_000);
  const before = usage();
  const start = performance.now();
  for (let i = 0; i < count; i++) promises[i] = run('square', i);
  // One turn of the event loop, so that what is put off to the end of the turn counts too.
  await new Promise((resolve) => setImmediate(resolve));
  const submitted = performance.now() - start;
  const after = usage();
  const each = { heapEach: (after.heap - before.heap) / count, rssEach: (after.rss - before.rss) / count };

  const limit = { reached: false };
  const timer = setTimeout(() => (limit.reached = true), finishMs);
  const check = new SquareCheck();
  const resumed = performance.now();
  for (const promise of promises) {
    check.add(await promise);
    if (limit.reached || performance.now() - resumed > finishMs)
      return { ...each, seconds: finishMs ? `> ${finishMs / 1000}` : 'no' };
  }
  clearTimeout(timer);
  check.verify(count);
  return { ...each, seconds: (submitted + performance.now() - resumed) / 1000 };
}

async function finished({ run }, { count, finishMs }) {
  const each = 10_000;
  const start = performance.now();
  let done = 0;
  let before;
  while (done < count && performance.now() - start < finishMs) {
    await burst(run, each);
    done += each;
    if (!before && done >= count / 10) before = usage();
  }
  const after = usage();
  before ??= after;
  return { count: done, heapMB: (after.heap - before.heap) / MB, rssMB: (after.rss - before.rss) / MB };
}

async function endless({ imap }, { count }) {
  if (!imap) return undefined;
  let produced = 0;
  let consumed = 0;
  let ahead = 0;
  let before;
  function* numbers() {
    for (;;) yield produced++ % 1_000;
  }
  for await (const result of imap('square', numbers())) {
    const number = consumed % 1_000;
    if (result !== number * number) throw new Error('wrong: the results are not the squares');
    ahead = Math.max(ahead, produced - ++consumed);
    if (consumed === count / 10) before = usage();
    if (consumed === count) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const after = usage();
  return { ahead, heapMB: (after.heap - before.heap) / MB, rssMB: (after.rss - before.rss) / MB };
}

async function burst(run, count) {
  const check = new SquareCheck();
  for (const result of await Promise.all(Array.from({ length: count }, (_, i) => run('square', i)))) check.add(result);
  check.verify(count);
}

function usage() {
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}
