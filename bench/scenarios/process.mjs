import { takeTurns } from '../lib/turns.mjs';

export const process = {
  name: 'process',
  title: 'A process of its own',
  text: 'From `new Process` with an empty function to the end of `join`: the median of the repetitions, all JavaScript sides taking turns within one process, a new one each round. The bare sides are `new Worker` and `child_process.spawn` of node with an empty file, to their exit.',
  host: 'shared',
  bare: true,
  limitMs: 60_000,
  baseline: 'bare-process',
  warmUps: 0,
  variants: (quick) => [{ name: 'process', params: { repetitions: quick ? 5 : 15 } }],
  columns: [
    { variant: 'process', key: 'ms', title: 'ms', spread: true },
    { variant: 'process', key: 'ms', title: 'time / bare child', ratio: true, inverse: true },
    {
      variant: 'process',
      key: 'ms',
      title: 'time / bare `Worker`',
      ratio: true,
      inverse: true,
      baseline: 'bare-thread',
    },
  ],
  runShared: (loaded, { repetitions }) =>
    takeTurns(loaded, repetitions, async ({ whole }) => {
      if (!whole) return undefined;
      const start = performance.now();
      const code = await whole();
      if (code !== 0) throw new Error(`wrong: the exit code is ${code}`);
      return performance.now() - start;
    }),
};
