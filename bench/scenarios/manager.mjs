import { median } from '../lib/stats.mjs';

export const manager = {
  name: 'manager',
  title: "A manager's dict",
  text: '`set` of a small value in a dict of a manager that this program has started: the median round trip of one at a time, in microseconds, and all of them issued together, in milliseconds. Python has no way to issue them together.',
  host: 'driver',
  limitMs: 60_000,
  baseline: 'python-fork',
  variants: (quick) => [{ name: 'manager', params: { count: quick ? 1_000 : 10_000 } }],
  columns: [
    { variant: 'manager', key: 'us', title: 'us per `set`', spread: true },
    { variant: 'manager', key: 'us', title: 'speed', ratio: true },
    { variant: 'manager', key: 'ms', title: 'ms for all', spread: true },
    { variant: 'manager', key: 'ms', title: 'speed of all', ratio: true },
  ],
  async run({ pool }, { count }) {
    const { dict } = await pool(2);
    if (dict === undefined) return undefined;
    const shared = await dict();
    try {
      const times = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await shared.set(i % 100, i);
        times.push(performance.now() - start);
      }
      const start = performance.now();
      await Promise.all(Array.from({ length: count }, (_, i) => shared.set(i % 100, i)));
      const ms = performance.now() - start;
      if ((await shared.get(99)) !== count - 1) throw new Error('wrong: the last value is not there');
      return { us: median(times) * 1000, ms };
    } finally {
      await shared.close();
    }
  },
};
