/** Measures manycore beside its peers: see README.md. */
import { writeFileSync } from 'node:fs';
import { killAll } from './lib/driver.mjs';
import { describeMachine, packageVersions, pythonVersion, quiet } from './lib/machine.mjs';
import { Measurement } from './lib/measure.mjs';
import { readOptions } from './lib/options.mjs';
import { scenarioReport, table } from './lib/report.mjs';
import { judge } from './lib/targets.mjs';

const options = readOptions();
if (!pythonVersion()) options.sides = options.sides.filter((side) => !side.python);

process.on('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const warnings = await quiet();
for (const warning of warnings) process.stderr.write(`The machine is not quiet: ${warning}. Trust the ratios only.\n`);

const started = Date.now();
const measurement = new Measurement({ ...options, onProgress: progress });
const byScenario = new Map();
const sections = [];
for (const scenario of options.scenarios) {
  const results = await measurement.scenario(scenario);
  byScenario.set(scenario.name, results);
  const section = scenarioReport(scenario, results, options.quick);
  sections.push(section);
  progress('');
  process.stdout.write(`${section}\n`);
}
measurement.end();

const verdicts = judge(byScenario);
const targets = verdicts.length > 0 ? ['## Targets', '', ...table(['target', 'measured', ''], verdicts), ''] : [];
process.stdout.write(`${targets.join('\n')}\n`);
if (options.out) writeFileSync(options.out, `${[...head(), ...targets, ...sections].join('\n').trimEnd()}\n`);

function head() {
  const command = ['node run.mjs', ...process.argv.slice(2)].join(' ').replace(/ --out[ =]\S+/, '');
  return [
    '# Results',
    '',
    `Medians of ${options.rounds} rounds after ${options.warmUps} warm-up rounds; ratios are medians of the rounds' ratios. How to read them: [README.md](README.md).`,
    '',
    ...describeMachine().map((line) => `- ${line}`),
    `- ${packageVersions().join(', ')}`,
    `- ${new Date().toISOString().slice(0, 10)}, \`${command}\`, ${Math.round((Date.now() - started) / 60_000)} minutes`,
    ...warnings.map((warning) => `- **The machine was not quiet: ${warning}.**`),
    '',
  ];
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else if (process.env.BENCH_VERBOSE && text) process.stderr.write(`${text}\n`);
}
