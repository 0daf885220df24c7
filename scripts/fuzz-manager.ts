// Spoilt frames for a manager's server, before and after a client has shown the key: `npm run fuzz:manager -- [frames] [first seed]`.
// No crash, nothing that takes long, no memory that grows. The suite does a little of the same.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setImmediate as turn } from 'node:timers/promises';
import { fuzzHandshakes, fuzzSessions, type Findings } from '../test/manager/fuzz.ts';

const perSeed = 10_000;
const slowestMs = 100;
const grownBytes = 32e6;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const frames = Number(process.argv[2] ?? 1_000_000);
const firstSeed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);

for (const [where, fuzz] of [
  ['before the key', fuzzHandshakes],
  ['after it', fuzzSessions],
] as const) {
  let done = 0;
  let accepted = 0;
  let slowest = 0;
  let before = 0;
  for (let seed = firstSeed; done < frames; seed++) {
    const found: Findings = fuzz(seed, Math.min(perSeed, frames - done));
    done += found.frames;
    accepted += found.accepted;
    slowest = Math.max(slowest, found.slowestMs);
    await turn();
    collect();
    // The first rounds fill caches.
    if (seed === firstSeed + 2) before = process.memoryUsage().heapUsed;
  }
  const grown = before === 0 ? 0 : process.memoryUsage().heapUsed - before;
  console.log(
    `${where}: ${done} frames, ${accepted} of them well-formed, the slowest ${slowest.toFixed(1)} ms, ${(grown / 1e6).toFixed(1)} MB more`,
  );
  if (slowest > slowestMs || grown > grownBytes) process.exitCode = 1;
}
process.exit();
