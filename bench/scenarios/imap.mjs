import { SquareCheck } from './check.mjs';

export const imap = {
  name: 'imap',
  title: 'imap',
  text: 'Squares through the lazy `imap` with its defaults (CPython: chunks of 1); 2 workers, warm. The npm peers have none; `ProcessPoolExecutor.map` is the nearest of the executor.',
  host: 'driver',
  primings: 2,
  limitMs: 60_000,
  baseline: 'python-fork',
  variants: () => [{ name: 'imap', params: { count: 20_000 } }],
  columns: [
    { variant: 'imap', key: 'ms', title: 'ms', spread: true },
    { variant: 'imap', key: 'perSecond', title: 'items/s' },
    { variant: 'imap', key: 'ms', title: 'speed', ratio: true },
  ],
  async run({ pool }, { count }) {
    const { imap: imapItems } = await pool(2);
    if (!imapItems) return undefined;
    const items = Array.from({ length: count }, (_, i) => i);
    const check = new SquareCheck();
    const start = performance.now();
    for await (const result of imapItems('square', items)) check.add(result);
    const ms = performance.now() - start;
    check.verify(count);
    return { ms, perSecond: (count / ms) * 1000 };
  },
};
