const shortMs = 1;
const workers = 2;

export const skew = {
  name: 'skew',
  title: 'Skew',
  text: 'One long task among many of 1 ms on 2 workers: time by an ideal in-order schedule = 1.00. The long one is the first or the middle one. `singles` are submitted one by one, `map` is one call. `shorts` is when the last short task was done, by its ideal: a short task that waits behind the long one shows here.',
  host: 'driver',
  limitMs: 60_000,
  warmUps: 0,
  rounds: 3,
  variants: (quick) =>
    ['first', 'middle'].flatMap((place) =>
      ['singles', 'map'].map((form) => ({
        name: `${form}-${place}`,
        params: { place, form, shorts: quick ? 200 : 1_000, longMs: quick ? 400 : 2_000 },
      })),
    ),
  columns: ['first', 'middle'].flatMap((place) => [
    { variant: `singles-${place}`, key: 'time', title: `singles, ${place}` },
    { variant: `singles-${place}`, key: 'shorts', title: 'shorts' },
    { variant: `map-${place}`, key: 'time', title: `map, ${place}` },
  ]),
  async run({ pool }, { place, form, shorts, longMs }) {
    const { run, map } = await pool(workers);
    if (form === 'map' && !map) return undefined;
    const items = Array.from({ length: shorts + 1 }, () => shortMs);
    items[place === 'first' ? 0 : shorts / 2] = longMs;
    const ideal = inOrder(items, longMs);
    await Promise.all(Array.from({ length: 20 }, () => run('busy', 0)));

    let lastShort = 0;
    const start = performance.now();
    const results = await (form === 'map'
      ? map('busy', items)
      : Promise.all(
          items.map(async (ms) => {
            const result = await run('busy', ms);
            if (ms !== longMs) lastShort = performance.now() - start;
            return result;
          }),
        ));
    const ms = performance.now() - start;
    if (results.some((result, i) => result !== items[i])) throw new Error('wrong: not the results of the tasks');
    return { time: ms / ideal.all, ...(form === 'singles' && { shorts: lastShort / ideal.shorts }) };
  },
};

/** Each task goes, in order and at no cost, to the worker that is free first. */
function inOrder(items, longMs) {
  const free = Array.from({ length: workers }, () => 0);
  let lastShort = 0;
  for (const ms of items) {
    const soonest = free.indexOf(Math.min(...free));
    free[soonest] += ms;
    if (ms !== longMs) lastShort = Math.max(lastShort, free[soonest]);
  }
  return { all: Math.max(...free), shorts: lastShort };
}
