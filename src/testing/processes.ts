import { readdirSync, readFileSync } from 'node:fs';

/** Children, their children and so on, zombies included. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of processIds()) {
    // The name in parentheses may hold anything; the parent comes second behind it.
    const stat = read(`/proc/${pid}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const add = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      add(child);
    }
  };
  add(root);
  return found;
}

/** The processes whose environment at their start held this text. */
export function marked(mark: string): number[] {
  return processIds().filter((pid) => pid !== process.pid && read(`/proc/${pid}/environ`).includes(mark));
}

export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

export function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 200) || '(zombie)';
}

/** None where there is no /proc. */
function processIds(): number[] {
  return list('/proc').map(Number).filter(Number.isInteger);
}

/** The names in a folder; none when it does not exist. */
export function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
