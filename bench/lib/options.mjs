import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { scenarios } from '../scenarios/index.mjs';
import { sides } from '../sides/index.mjs';

const help = `node run.mjs [options]

  --only NAMES    these scenarios: ${scenarios.map((s) => s.name).join(', ')}
  --sides NAMES   these sides, by name or by how it begins: ${sides.map((s) => s.name).join(', ')}
  --rounds N      rounds that count (7; quick 3); some scenarios have fewer
  --warm-ups N    rounds before them that do not count (3; quick 1)
  --quick         less work and fewer rounds, for a look
  --out FILE      where the report goes; RESULTS.md beside this for a full run of everything, else nowhere
`;

export function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      sides: { type: 'string' },
      rounds: { type: 'string' },
      'warm-ups': { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    process.exit();
  }
  const { quick } = values;
  return {
    quick,
    scenarios: choose(scenarios, values.only, (name, wanted) => name === wanted),
    sides: choose(sides, values.sides, (name, wanted) => name.startsWith(wanted)),
    rounds: count(values.rounds, quick ? 3 : 7),
    warmUps: count(values['warm-ups'], quick ? 1 : 3),
    // A part of the scenarios must not overwrite the report of all.
    out:
      values.out ??
      (values.only || values.sides || quick ? undefined : fileURLToPath(new URL('../RESULTS.md', import.meta.url))),
  };
}

function choose(all, list, matches) {
  if (list === undefined) return all;
  const wanted = list.split(',').map((name) => name.trim());
  for (const name of wanted) {
    if (!all.some((one) => matches(one.name, name))) {
      throw new Error(`"${name}" is none of ${all.map((one) => one.name).join(', ')}`);
    }
  }
  return all.filter((one) => wanted.some((name) => matches(one.name, name)));
}

function count(text, fallback) {
  const number = Number(text ?? fallback);
  if (!Number.isInteger(number) || number < 0) throw new Error(`Cannot run "${text}" rounds`);
  return number;
}
