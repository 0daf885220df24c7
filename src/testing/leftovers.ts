import { AssertionError } from 'node:assert';
import { readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkFunction, checkKeys, checkTimeout } from '../arguments.ts';
import { commandOf, descendants, list } from './processes.ts';

/** What this process held when it was made, to be compared with. */
export interface Leftovers {
  /** What came since and is still there, one line each. */
  left(): string[];
  /** The child processes among it. */
  newProcesses(): number[];
}

/**
 * Notes what this process holds: child processes and theirs, open descriptors, shared memory and temporary files of
 * manycore, and what keeps the program alive (timers, sockets). Only the last is known off Linux.
 *
 * @example
 * ```ts
 * import { Pool } from 'manycore';
 * import { leftovers } from 'manycore/testing';
 * const before = leftovers();
 * const pool = new Pool(1);
 * await pool.apply(() => 0);
 * console.log(before.newProcesses().length); // 1
 * await pool.terminate();
 * ```
 */
export function leftovers(): Leftovers {
  // They are made when they are first asked for, and stay.
  for (const stream of [process.stdout, process.stderr]) stream.write('');
  const processes = new Set(descendants(process.pid));
  const descriptors = new Set(openDescriptors());
  const files = new Set(filesOf(process.pid));
  const resources = count(process.getActiveResourcesInfo());
  const newProcesses = (): number[] => descendants(process.pid).filter((pid) => !processes.has(pid));
  return {
    newProcesses,
    left: () => [
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

/**
 * Runs `body`, which is to leave nothing behind, and returns what it returns.
 *
 * @param options.graceMs how long things may take to go. Default 1,000.
 * @throws AssertionError that lists what is left.
 * @example
 * ```ts
 * import { Pool } from 'manycore';
 * import { checkLeaks } from 'manycore/testing';
 * await checkLeaks(async () => {
 *   await using pool = new Pool(2);
 *   await pool.map((n) => n * n, [1, 2, 3]);
 * });
 * ```
 */
export async function checkLeaks<R>(body: () => R, options: { readonly graceMs?: number } = {}): Promise<Awaited<R>> {
  checkFunction('body', body);
  checkKeys('checkLeaks', options, ['graceMs']);
  checkTimeout(options.graceMs, 'graceMs');
  const before = leftovers();
  const result = await body();
  const endMs = performance.now() + (options.graceMs ?? graceMs);
  let left = before.left();
  for (; left.length > 0 && performance.now() < endMs; left = before.left()) await sleep(pollMs);
  if (left.length > 0) throw new AssertionError({ message: `Left behind:\n  ${left.join('\n  ')}`, actual: left });
  return result;
}

const graceMs = 1_000;
const pollMs = 5;

/** Node opens one with its first child process and keeps it. */
const nodesOwn = '/dev/null';

function openDescriptors(): string[] {
  return list('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target === nodesOwn ? [] : [`${fd} -> ${target}`];
    } catch {
      return []; // The listing's own.
    }
  });
}

/** Shared memory and temporary files of a process, which has its id in their names: other tests run beside this one. */
export function filesOf(pid: number): string[] {
  return ['/dev/shm', tmpdir()].flatMap((folder) =>
    list(folder)
      .filter((name) => name.startsWith(`manycore-${pid}-`))
      .map((name) => `${folder}/${name}`),
  );
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
