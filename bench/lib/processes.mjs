/** What Linux says about processes. Elsewhere there is no /proc, and the functions give undefined or nothing. */
import { readFileSync, readdirSync } from 'node:fs';

/** The children of a process, their children, and so on. */
export function descendants(pid) {
  const children = new Map();
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The name of the program is in parentheses and may hold spaces.
    const fields = read(`/proc/${name}/stat`)
      ?.replace(/^.*\) /s, '')
      .split(' ');
    if (!fields || fields[0] === 'Z') continue;
    const siblings = children.get(Number(fields[1]));
    if (siblings) siblings.push(Number(name));
    else children.set(Number(fields[1]), [Number(name)]);
  }
  const found = [];
  const walk = (parent) => {
    for (const child of children.get(parent) ?? []) {
      found.push(child);
      walk(child);
    }
  };
  walk(pid);
  return found;
}

/** The CPU time of a process and all of its threads so far. */
export function cpuMs(pid) {
  let total;
  for (const thread of list(`/proc/${pid}/task`)) {
    const spent = read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0];
    if (spent) total = (total ?? 0) + Number(spent) / 1e6;
  }
  return total;
}

/** The share of the machine's CPU time that is in use, 0 to 1, over `ms` milliseconds. */
export async function machineLoad(ms) {
  const before = cpuTimes();
  if (!before) return undefined;
  await new Promise((resolve) => setTimeout(resolve, ms));
  const spent = cpuTimes().map((value, i) => value - before[i]);
  const total = spent.reduce((a, b) => a + b, 0);
  return total > 0 ? 1 - (spent[3] + spent[4]) / total : 0;
}

/** Whether a process runs. One that ended and that nobody has waited for does not. */
export function alive(pid) {
  const state = read(`/proc/${pid}/stat`)?.replace(/^.*\) /s, '')[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

function cpuTimes() {
  return read('/proc/stat')?.split('\n', 1)[0].trim().split(/\s+/).slice(1).map(Number);
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
