import { descendants } from '../lib/processes.mjs';
import { median } from '../lib/stats.mjs';

export const startUp = {
  name: 'start-up',
  title: 'Start-up',
  text: 'From the construction of a pool of 1 worker to its first result: the median of the repetitions, all JavaScript sides taking turns within one process, a new one each round. The bare sides are `new Worker` to its first message and `child_process.spawn` of node to its first byte.',
  host: 'shared',
  bare: true,
  limitMs: 60_000,
  baseline: 'bare-thread',
  warmUps: 0,
  variants: (quick) => [{ name: 'start-up', params: { repetitions: quick ? 5 : 15 } }],
  columns: [
    { variant: 'start-up', key: 'ms', title: 'ms', spread: true },
    { variant: 'start-up', key: 'ms', title: 'time / bare `Worker`', ratio: true, inverse: true },
    {
      variant: 'start-up',
      key: 'ms',
      title: 'time / bare child',
      ratio: true,
      inverse: true,
      baseline: 'bare-process',
    },
  ],
  /** All sides take turns; the first turns are not counted. Gives what happened by the name of the side. */
  async runShared(loaded, { repetitions }) {
    const outcome = Object.fromEntries(loaded.map(({ name }) => [name, { times: [] }]));
    for (let i = -2; i < repetitions; i++) {
      for (const side of i % 2 === 0 ? loaded : loaded.toReversed()) {
        const mine = outcome[side.name];
        if (mine.error) continue;
        try {
          const ms = await within(8_000, oneStart(side));
          if (i >= 0) mine.times.push(ms);
        } catch (error) {
          mine.error = error.message;
        }
      }
    }
    return Object.fromEntries(
      Object.entries(outcome).map(([name, { times, error }]) => [
        name,
        error ? { error } : { sample: { ms: median(times) } },
      ]),
    );
  },
};

async function oneStart(side) {
  const start = performance.now();
  if (side.first) {
    const { result, close } = side.first();
    await result;
    const ms = performance.now() - start;
    await close();
    return ms;
  }
  const pool = await side.open(1);
  const result = await pool.run('square', 7);
  const ms = performance.now() - start;
  if (result !== 49) throw new Error('wrong: the result is not the square');
  // poolifier's `destroy()` at times never settles; the start is measured all the same.
  await Promise.race([pool.close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  // The end of one side's process must not fall into the start of the next side's.
  for (let i = 0; i < 200 && descendants(process.pid).length > 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return ms;
}

function within(limitMs, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('hung')), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
