import { median } from '../lib/stats.mjs';
import { verifySquares } from './check.mjs';

export const roundTrip = {
  name: 'round-trip',
  title: 'Round trip',
  text: 'One square at a time, each awaited before the next; the median of them, in microseconds; 2 workers, warm.',
  host: 'driver',
  limitMs: 60_000,
  baseline: 'piscina-tuned',
  variants: (quick) => [{ name: 'round-trip', params: { count: quick ? 500 : 2_000 } }],
  columns: [
    { variant: 'round-trip', key: 'us', title: 'us', spread: true },
    { variant: 'round-trip', key: 'us', title: 'speed', ratio: true },
  ],
  async run({ pool }, { count }) {
    const { run } = await pool(2);
    const results = [];
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      results.push(await run('square', i));
      times.push(performance.now() - start);
    }
    verifySquares(results, count);
    return { us: median(times) * 1000 };
  },
};
