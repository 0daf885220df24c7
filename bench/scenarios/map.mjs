import { verifySquares } from './check.mjs';

export const map = {
  name: 'map',
  title: 'map',
  text: 'An array of numbers squared by `map` with its own choice of chunks; 2 workers, warm. The npm peers have no `map`; `ProcessPoolExecutor.map` has no automatic chunks.',
  host: 'driver',
  primings: 2,
  limitMs: 60_000,
  baseline: 'python-fork',
  variants: () => [{ name: 'map', params: { count: 1_000_000 } }],
  columns: [
    { variant: 'map', key: 'ms', title: 'ms', spread: true },
    { variant: 'map', key: 'perSecond', title: 'items/s' },
    { variant: 'map', key: 'ms', title: 'speed', ratio: true },
  ],
  async run({ pool }, { count }) {
    const { map: mapItems } = await pool(2);
    if (!mapItems) return undefined;
    const items = Array.from({ length: count }, (_, i) => i);
    const start = performance.now();
    const results = await mapItems('square', items);
    const ms = performance.now() - start;
    verifySquares(results, count);
    return { ms, perSecond: (count / ms) * 1000 };
  },
};
