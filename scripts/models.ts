// Checks the models of docs/models/ with Spin: `node build/scripts/models.js [model] [--full]`. Says so where Spin or a compiler is missing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Run {
  readonly model: string;
  readonly define: Readonly<Record<string, number>>;
  /** Takes minutes or gigabytes. */
  readonly full?: boolean;
}

const runs: readonly Run[] = [
  { model: 'ring', define: { PRODUCERS: 1, CONSUMERS: 1, ITEMS: 3, LIMIT: 2, KILLS: 1 } },
  { model: 'ring', define: { PRODUCERS: 1, CONSUMERS: 2, ITEMS: 3, LIMIT: 2, KILLS: 2 } },
  { model: 'ring', define: { PRODUCERS: 2, CONSUMERS: 1, ITEMS: 2, LIMIT: 2, KILLS: 2 } },
  { model: 'ring', define: { PRODUCERS: 1, CONSUMERS: 1, ITEMS: 2, LIMIT: 2, KILLS: 1, SHUTDOWN: 1 } },
  { model: 'ring', define: { PRODUCERS: 2, CONSUMERS: 1, ITEMS: 1, LIMIT: 1, KILLS: 1, SHUTDOWN: 1 } },
  { model: 'ring', define: { PRODUCERS: 2, CONSUMERS: 2, ITEMS: 1, LIMIT: 1, KILLS: 2 }, full: true },
  { model: 'lock', define: { PARTIES: 2, ROUNDS: 2, KILLS: 1, GIVEUPS: 1 } },
  { model: 'lock', define: { PARTIES: 2, ROUNDS: 2, KILLS: 2, GIVEUPS: 2 } },
  { model: 'lock', define: { PARTIES: 2, ROUNDS: 2, KILLS: 1, GIVEUPS: 0, STOPS: 1 } },
  { model: 'lock', define: { PARTIES: 3, ROUNDS: 1, KILLS: 1, GIVEUPS: 0 }, full: true },
  { model: 'lock', define: { PARTIES: 3, ROUNDS: 1, KILLS: 0, GIVEUPS: 1 }, full: true },
  { model: 'lock', define: { PARTIES: 3, ROUNDS: 1, KILLS: 0, GIVEUPS: 0, STOPS: 1 }, full: true },
  { model: 'doorbell', define: { WAKERS: 2, CHANGES: 1, KILLS: 1, STOPS: 1 } },
  { model: 'doorbell', define: { WAKERS: 2, CHANGES: 2, KILLS: 1, STOPS: 0 } },
  { model: 'doorbell', define: { WAKERS: 2, CHANGES: 2, KILLS: 1, STOPS: 1 }, full: true },
  { model: 'doorbell', define: { WAKERS: 3, CHANGES: 1, KILLS: 1, STOPS: 0 }, full: true },
];

const names = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const full = process.argv.includes('--full');
const unknown = names.find((name) => runs.every(({ model }) => model !== name));
if (unknown !== undefined) throw new Error(`There is no model "${unknown}".`);
const missing = ['spin', 'gcc'].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
if (missing.length > 0) console.log(`models: not checked, as ${missing.join(' and ')} is missing`);
else process.exitCode = runs.filter(wanted).map(check).includes(false) ? 1 : 0;

function wanted(run: Run): boolean {
  return (names.length === 0 || names.includes(run.model)) && (full || run.full !== true);
}

function check({ model, define }: Run): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'manycore-model-'));
  try {
    const flags = Object.entries(define).map(([name, value]) => `-D${name}=${value}`);
    execute(folder, 'spin', ['-a', ...flags, resolve('docs/models', `${model}.pml`)]);
    execute(folder, 'gcc', ['-O2', '-o', 'pan', 'pan.c', '-DSAFETY', '-DCOLLAPSE', '-DMEMLIM=6000']);
    const report = execute(folder, './pan', ['-m2000000', '-w22']);
    const errors = Number(/errors: (\d+)/.exec(report)?.[1] ?? -1);
    const states = Number(/([\d.e+]+) states, stored/.exec(report)?.[1]);
    const complete = !report.includes('Search not completed');
    console.log(`${model} ${flags.join(' ')}: ${states} states, ${errors} errors${complete ? '' : ', not complete'}`);
    if (errors !== 0) console.log(report);
    return errors === 0 && complete;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function execute(cwd: string, command: string, args: readonly string[]): string {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined || status !== 0) throw error ?? new Error(`${command} failed:\n${stdout}${stderr}`);
  return stdout;
}
