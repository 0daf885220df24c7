import { median } from '../lib/stats.mjs';

const sum = (count) => (count * (count - 1)) / 2;

export const queues = {
  name: 'queues',
  title: 'Queues and pipes',
  text: 'Between processes (threads). One that puts small integers and one that gets them, in messages per second, each awaited, and by the blocking forms; 4 that put and 4 that get, 10,000 items each, in milliseconds when all are up; a small integer there and back through a pipe, in microseconds.',
  host: 'driver',
  limitMs: 120_000,
  baseline: 'python-fork',
  variants: (quick) => [
    { name: 'stream', params: { kind: 'stream', count: quick ? 100_000 : 300_000 } },
    { name: 'blocking', params: { kind: 'blocking', count: quick ? 100_000 : 300_000 } },
    { name: 'many', params: { kind: 'many', each: quick ? 1_000 : 10_000 } },
    { name: 'pipe', params: { kind: 'pipe', count: quick ? 2_000 : 20_000 } },
  ],
  columns: [
    { variant: 'stream', key: 'perSecond', title: 'messages/s', spread: true },
    { variant: 'stream', key: 'ms', title: 'speed', ratio: true },
    { variant: 'blocking', key: 'perSecond', title: 'messages/s, blocking', spread: true },
    { variant: 'blocking', key: 'ms', title: 'speed', ratio: true },
    { variant: 'many', key: 'ms', title: '4 x 4, ms', spread: true },
    { variant: 'many', key: 'ms', title: 'speed', ratio: true },
    { variant: 'pipe', key: 'us', title: 'pipe, us', spread: true },
    { variant: 'pipe', key: 'us', title: 'speed', ratio: true },
  ],
  async run({ pool }, { kind, count, each }) {
    const { queues: ways } = await pool(2);
    if (ways === undefined) return undefined;
    if (kind === 'pipe') return { us: median(await ways.pipe(count)) * 1000 };
    if (kind === 'many') {
      const { ms, taken } = await ways.many(4, each);
      if (taken.length !== 4 * each || new Set(taken).size !== 4 * each) throw new Error('wrong: not every item once');
      return { ms };
    }
    const { ms, total } = await ways.stream(count, kind === 'blocking');
    if (total !== sum(count)) throw new Error('wrong: not the items that were put');
    return { ms, perSecond: (count / ms) * 1000 };
  },
};
