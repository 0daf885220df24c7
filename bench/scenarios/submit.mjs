import { verifySquares } from './check.mjs';

export const submit = {
  name: 'submit',
  title: 'Burst of futures',
  text: 'As the burst, by `ProcessPoolExecutor.submit` (and `ThreadPoolExecutor.submit`) of both languages; 2 workers, warm.',
  host: 'driver',
  primings: 2,
  limitMs: 60_000,
  baseline: 'python-executor',
  variants: () => [{ name: 'submit', params: { count: 20_000 } }],
  columns: [
    { variant: 'submit', key: 'ms', title: 'ms', spread: true },
    { variant: 'submit', key: 'perSecond', title: 'futures/s' },
    { variant: 'submit', key: 'ms', title: 'speed', ratio: true },
  ],
  async run({ pool }, { count }) {
    const { submit: submitOne } = await pool(2);
    if (!submitOne) return undefined;
    const futures = [];
    const start = performance.now();
    for (let i = 0; i < count; i++) futures.push(submitOne('square', i));
    const results = await Promise.all(futures);
    const ms = performance.now() - start;
    verifySquares(results, count);
    return { ms, perSecond: (count / ms) * 1000 };
  },
};
