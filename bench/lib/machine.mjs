/** What the figures were measured on, and whether it was quiet. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { machineLoad } from './processes.mjs';

const maxLoad = 0.7;
const maxBusy = 0.1;

/** Warnings about what else the machine does. The load average lags a minute behind, so the CPU is watched for a second too. */
export async function quiet() {
  const warnings = [];
  const [load] = loadavg();
  const busy = await machineLoad(1_000);
  if (load > maxLoad) warnings.push(`the load average is ${load.toFixed(2)}`);
  if (busy > maxBusy) warnings.push(`${Math.round(busy * 100)} % of the CPU time is in use`);
  return warnings;
}

export function describeMachine() {
  const model = cpus()[0]?.model ?? 'unknown CPU';
  return [
    `${model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release().split('-')[0]}`,
    `Node ${process.versions.node}, ${pythonVersion() ?? 'no python3'}`,
  ];
}

export function pythonVersion() {
  try {
    return execFileSync('python3', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

export function packageVersions() {
  return ['manycore', 'piscina', 'tinypool', 'workerpool', 'jest-worker', 'poolifier'].map((name) => {
    const folder = name === 'manycore' ? '../../' : `../node_modules/${name}/`;
    try {
      const manifest = readFileSync(new URL(`${folder}package.json`, import.meta.url), 'utf8');
      return `${name} ${JSON.parse(manifest).version}`;
    } catch {
      return `${name} (not installed)`;
    }
  });
}
