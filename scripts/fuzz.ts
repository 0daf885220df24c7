// Reads spoilt messages for as long as it is told: `npm run fuzz -- [seconds] [first seed]`. The suite does a little of the same.
import { inspect } from 'node:util';
import { fuzz, samples } from '../test/wire/mutations.ts';

const CASES_PER_SEED = 5_000;

const seconds = Number(process.argv[2] ?? 60);
let seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);
const end = performance.now() + seconds * 1_000;
const all = samples();
let cases = 0;
while (performance.now() < end) {
  const finding = fuzz(seed, CASES_PER_SEED, all);
  if (finding !== undefined) {
    console.log(
      `seed ${seed}: ${finding.sample} ${finding.problem}\n${finding.bytes.toString('hex')}\n${inspect(finding.error)}`,
    );
    process.exit(1);
  }
  cases += CASES_PER_SEED;
  seed++;
}
console.log(`${cases} cases, none that ends in anything but a value or a typed refusal`);
