import { descendants } from '../lib/processes.mjs';
import { takeTurns } from '../lib/turns.mjs';

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
  runShared: (loaded, { repetitions }) => takeTurns(loaded, repetitions, oneStart),
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
  // As long as a short program lives: not only the first start after an installation is of interest.
  await new Promise((resolve) => setTimeout(resolve, 50));
  // poolifier's `destroy()` at times never settles; the start is measured all the same.
  await Promise.race([pool.close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  // The end of one side's process must not fall into the start of the next side's.
  for (let i = 0; i < 200 && descendants(process.pid).length > 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return ms;
}
