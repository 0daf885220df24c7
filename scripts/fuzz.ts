// Gives the codec and the ring inputs that nobody thought of, led on by what code they run, for as long as it is told:
// `npm run fuzz -- [seconds] [part of a target's name] [seed]`. The suite does a little of the same.
import { inspect } from 'node:util';
import { explore, type Report, type Target } from '../test/fuzzing/guided.ts';
import { codec, ring, spoiltRing } from '../test/fuzzing/targets.ts';

const seconds = Number(process.argv[2] ?? 60);
const part = process.argv[3] ?? '';
const seed = Number(process.argv[4] ?? Date.now() % 1_000_000_000);
const targets = [codec, ring, spoiltRing] as readonly Target<unknown>[];
const chosen = targets.filter(({ name }) => name.includes(part));

for (const target of chosen) {
  const end = performance.now() + (seconds * 1_000) / chosen.length;
  let told = 0;
  const report: Report<unknown> = explore(target, seed, (inputs) => {
    if (inputs - told >= 1_000_000) {
      told = inputs;
      console.log(`${target.name}: ${inputs} inputs`);
    }
    return performance.now() < end;
  });
  const { inputs, corpus, code, places, finding } = report;
  const reached = `${corpus.length} of them new ways, ${code} characters of code, ${places} places`;
  console.log(`${target.name}, seed ${seed}: ${inputs} inputs, ${reached}`);
  if (finding !== undefined) {
    console.log(`${inspect(finding.error)}\n${target.show(finding.input)}`);
    process.exitCode = 1;
  }
}
