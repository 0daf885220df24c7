import { median } from './stats.mjs';

/**
 * All sides take turns at what `once(side)` measures in milliseconds (undefined: the side has it not); the first turns are
 * not counted. Gives what happened by the name of the side.
 */
export async function takeTurns(loaded, repetitions, once) {
  const outcome = Object.fromEntries(loaded.map(({ name }) => [name, { times: [] }]));
  for (let i = -2; i < repetitions; i++) {
    for (const side of i % 2 === 0 ? loaded : loaded.toReversed()) {
      const mine = outcome[side.name];
      if (mine.error || mine.absent) continue;
      try {
        const ms = await within(8_000, once(side));
        if (ms === undefined) mine.absent = true;
        else if (i >= 0) mine.times.push(ms);
      } catch (error) {
        mine.error = error.message;
      }
    }
  }
  return Object.fromEntries(
    Object.entries(outcome).map(([name, { times, error, absent }]) => [
      name,
      error ? { error } : absent ? { absent } : { sample: { ms: median(times) } },
    ]),
  );
}

function within(limitMs, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('hung')), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
