/** Primes below the limit. CPython counts fewer: it is the speed-up that is compared. */
const primesBelow = { 2_000_000: 148_933, 4_000_000: 283_146 };

export const scaling = {
  name: 'scaling',
  title: 'Scaling',
  text: 'Primes counted in 125 ranges on 1 worker and on 2; the speed-up. The bare sides show what the machine allows. CPython counts a tenth as far.',
  host: 'driver',
  bare: true,
  limitMs: 120_000,
  variants: (quick) => [{ name: 'scaling', params: { limit: quick ? 2_000_000 : 4_000_000 } }],
  columns: [
    { variant: 'scaling', key: 'speedUp', title: 'speed-up', spread: true },
    { variant: 'scaling', key: 'one', title: '1 worker, ms' },
    { variant: 'scaling', key: 'two', title: '2 workers, ms' },
  ],
  async run({ pool }, { limit }) {
    const one = await count(await pool(1), limit);
    const two = await count(await pool(2), limit);
    return { one, two, speedUp: one / two };
  },
};

async function count({ run }, limit) {
  const width = limit / 125;
  // Each worker has to compile the function first.
  await Promise.all(Array.from({ length: 8 }, () => run('countPrimes', [0, 30_000])));
  const start = performance.now();
  const counts = await Promise.all(
    Array.from({ length: 125 }, (_, i) => run('countPrimes', [i * width, (i + 1) * width])),
  );
  const ms = performance.now() - start;
  if (counts.reduce((a, b) => a + b, 0) !== primesBelow[limit]) throw new Error('wrong: not the number of primes');
  return ms;
}
