import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** A picture of what this process holds; later `missing()` tells what came since and is still there. */
export interface Leftovers {
  missing(): string[];
  newProcesses(): number[];
}

export function leftovers(): Leftovers {
  const processes = new Set(descendants(process.pid));
  const descriptors = new Set(openDescriptors());
  const files = new Set(filesOf(process.pid));
  const resources = count(process.getActiveResourcesInfo());
  const newProcesses = (): number[] => descendants(process.pid).filter((pid) => !processes.has(pid));
  return {
    newProcesses,
    missing: () => [
      ...newProcesses().map((pid) => `process ${pid}: ${commandOf(pid)}`),
      ...openDescriptors()
        .filter((link) => !descriptors.has(link))
        .map((link) => `descriptor ${link}`),
      ...filesOf(process.pid)
        .filter((path) => !files.has(path))
        .map((path) => `file ${path}`),
      ...[...count(process.getActiveResourcesInfo())]
        .filter(([kind, number]) => number > (resources.get(kind) ?? 0))
        .map(([kind, number]) => `resource ${kind} x ${number}, was ${resources.get(kind) ?? 0}`),
    ],
  };
}

/** Notes what the host complains of until `stop`: uncaught errors, unhandled rejections, warnings that are not expected. */
export function watchHost(expected: RegExp | undefined): { readonly complaints: string[]; stop(): void } {
  const complaints: string[] = [];
  const onError = (error: unknown, origin: string): void => void complaints.push(`${origin}: ${String(error)}`);
  const onWarning = (warning: Error): void => {
    if (expected?.test(`${warning.name}: ${warning.message}`) !== true) complaints.push(String(warning));
  };
  const onRejection = (reason: unknown): void => onError(reason, 'unhandledRejection');
  process.on('uncaughtExceptionMonitor', onError);
  process.on('unhandledRejection', onRejection);
  process.on('warning', onWarning);
  return {
    complaints,
    stop: () => {
      process.off('uncaughtExceptionMonitor', onError);
      process.off('unhandledRejection', onRejection);
      process.off('warning', onWarning);
    },
  };
}

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

function processIds(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} -> ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      return []; // The listing's own.
    }
  });
}

/** Shared memory and temporary files of a process, which has its id in their names: other tests run beside this one. */
export function filesOf(pid: number): string[] {
  return ['/dev/shm', tmpdir()].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.startsWith(`manycore-${pid}-`))
      .map((name) => `${folder}/${name}`),
  );
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
