import { median } from '../lib/stats.mjs';

const kinds = ['overshoot', 'cancel', 'death', 'terminate'];
const titles = {
  overshoot: 'hard timeout, late by',
  cancel: 'cancel',
  death: 'death to rejection',
  terminate: 'terminate()',
};

export const control = {
  name: 'control',
  title: 'Control',
  text: 'A task that never yields: by how many milliseconds its worker outlives its timeout and grace; from `abort()` to the end of its worker; from the death of a worker to the rejection of its task; `terminate()` with two such tasks. The median and the 99th percentile of the repetitions.',
  host: 'driver',
  limitMs: 120_000,
  baseline: 'manycore-processes',
  warmUps: 0,
  rounds: 1,
  variants: (quick) => kinds.map((kind) => ({ name: kind, params: { kind, count: quick ? 20 : 100 } })),
  columns: kinds.flatMap((kind) => [
    { variant: kind, key: 'ms', title: `${titles[kind]}, ms` },
    { variant: kind, key: 'p99', title: 'p99' },
  ]),
  async run({ pool }, { kind, count }) {
    const { control: ways } = await pool(2);
    if (ways === undefined) return undefined;
    const times = await ways[kind](count);
    return { ms: median(times), p99: times.toSorted((a, b) => a - b)[Math.ceil(count * 0.99) - 1] };
  },
};
