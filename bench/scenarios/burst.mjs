import { verifySquares } from './check.mjs';

export const burst = {
  name: 'burst',
  title: 'Burst of single tasks',
  text: 'Squares submitted one by one, all at once, and awaited together; 2 workers, warm.',
  host: 'driver',
  primings: 2,
  limitMs: 60_000,
  baseline: 'piscina-tuned',
  variants: () => [{ name: 'burst', params: { count: 20_000 } }],
  columns: [
    { variant: 'burst', key: 'ms', title: 'ms', spread: true },
    { variant: 'burst', key: 'perSecond', title: 'tasks/s' },
    { variant: 'burst', key: 'ms', title: 'speed', ratio: true },
  ],
  async run({ pool }, { count }) {
    const { run } = await pool(2);
    const promises = [];
    const start = performance.now();
    for (let i = 0; i < count; i++) promises.push(run('square', i));
    const results = await Promise.all(promises);
    const ms = performance.now() - start;
    verifySquares(results, count);
    return { ms, perSecond: (count / ms) * 1000 };
  },
};
