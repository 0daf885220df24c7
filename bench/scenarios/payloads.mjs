import { median } from '../lib/stats.mjs';

const kinds = {
  'string-1k': { title: '1 KB string', trips: 500, make: () => 'x'.repeat(1_000) },
  'string-100k': { title: '100 KB string', trips: 100, make: () => 'x'.repeat(100_000) },
  records: { title: '1 MB of records', trips: 20, make: makeRecords },
  bytes: { title: '10 MB `Uint8Array`', trips: 10, make: () => new Uint8Array(10_000_000).fill(7) },
  large: { title: '100 MiB `Uint8Array`', trips: 5, make: () => new Uint8Array(100 * 2 ** 20).fill(7) },
};

function makeRecords() {
  const records = Array.from({ length: 10_000 }, (_, id) => ({
    id,
    name: `record number ${id}`,
    score: id / 7,
    active: id % 2 === 0,
    tags: ['first', `tag ${id % 10}`],
  }));
  return { records };
}

// A few looks tell apart what arrived from what was sent: a check of every byte would be most of the time.
const same = {
  'string-1k': (a, b) => a === b,
  'string-100k': (a, b) => a === b,
  records: ({ records: a }, { records: b }) =>
    a.length === b.length && [0, 5_000, 9_999].every((i) => JSON.stringify(a[i]) === JSON.stringify(b[i])),
  bytes: sameBytes,
  large: sameBytes,
};

function sameBytes(a, b) {
  return a instanceof Uint8Array && a.length === b.length && a[0] === 7 && a[b.length - 1] === 7;
}

export const payloads = {
  name: 'payloads',
  title: 'Payloads',
  text: 'A value sent to a worker and back, one at a time; the median trip in milliseconds; 2 workers, warm. CPython: `bytes` for the array, dicts and a list for the records.',
  host: 'driver',
  limitMs: 60_000,
  baseline: 'piscina-tuned',
  variants: (quick) =>
    Object.entries(kinds).map(([name, { trips }]) => ({
      name,
      params: { kind: name, trips: quick ? trips / 5 : trips },
    })),
  columns: Object.entries(kinds).flatMap(([variant, { title }]) => [
    { variant, key: 'ms', title },
    { variant, key: 'ms', title: 'speed', ratio: true },
  ]),
  async run({ pool }, { kind, trips }) {
    const { run } = await pool(2);
    const value = kinds[kind].make();
    const times = [];
    for (let i = 0; i < trips; i++) {
      const start = performance.now();
      const back = await run('echo', value);
      times.push(performance.now() - start);
      if (back === undefined || !same[kind](back, value)) throw new Error('wrong: the value came back changed');
    }
    return { ms: median(times) };
  },
};
