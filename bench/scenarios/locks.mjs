export const locks = {
  name: 'locks',
  title: 'Locks',
  text: 'A free lock taken and given back by a call that blocks, in nanoseconds, of the quickest of ten runs; two processes (threads) that add to one number, 100,000 times each, in additions per second when both are up; and 1,000 calls that wait for a lock which another process has, in CPU time of their process (Linux only).',
  host: 'driver',
  limitMs: 120_000,
  baseline: 'python-fork',
  primings: 1,
  variants: () => [
    { name: 'free', params: { kind: 'free', count: 100_000 } },
    { name: 'contended', params: { kind: 'contended', each: 100_000 } },
    { name: 'waiters', params: { kind: 'waiters', count: 1_000, ms: 1_000 } },
  ],
  columns: [
    { variant: 'free', key: 'ns', title: 'free, ns', spread: true },
    { variant: 'free', key: 'ns', title: 'speed', ratio: true },
    { variant: 'contended', key: 'perSecond', title: 'additions/s', spread: true },
    { variant: 'contended', key: 'ms', title: 'speed', ratio: true },
    { variant: 'waiters', key: 'cpu', title: '1,000 waiting, ms CPU/s' },
  ],
  async run({ pool }, { kind, count, each, ms: during }) {
    const { locks: ways } = await pool(2);
    if (ways === undefined) return undefined;
    if (kind === 'free') return { ns: Math.min(...Array.from({ length: 10 }, () => ways.free(count))) };
    if (kind === 'waiters') return { cpu: (await ways.waiters(count, during)) / (during / 1000) };
    const { ms, total } = await ways.contended(each);
    if (total !== 2 * each) throw new Error(`wrong: ${total} instead of ${2 * each}`);
    return { ms, perSecond: ((2 * each) / ms) * 1000 };
  },
};
