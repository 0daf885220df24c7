/** The work that every side does. The npm peers load it through a file in `workers/`; manycore gets plain functions. */

export const square = (x) => x * x;

export const echo = (value) => value;

/** Computes for `ms` milliseconds by the clock. */
export function busy(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

/** How many primes there are from `from` up to, not including, `to`: trial division, so that it takes time. */
export function countPrimes([from, to]) {
  let count = 0;
  for (let n = from; n < to; n++) {
    let prime = n >= 2 && (n === 2 || n % 2 === 1);
    for (let d = 3; prime && d * d <= n; d += 2) prime = n % d !== 0;
    if (prime) count++;
  }
  return count;
}
