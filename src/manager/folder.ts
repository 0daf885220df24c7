import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'manycore-';
/** `sun_path` has room for 107 bytes. */
const longestFolder = 80;

const folders = new Set<string>();

/** A folder that only this user can enter, for a socket. It goes with the program. */
export function makeFolder(): string {
  sweep();
  const base = Buffer.byteLength(tmpdir()) <= longestFolder ? tmpdir() : '/tmp';
  const folder = mkdtempSync(join(base, `${prefix}${process.pid}-`));
  removeAtEnd(folder);
  return folder;
}

/** Has a folder, or a socket, go with the program. */
export function removeAtEnd(path: string): void {
  if (folders.size === 0) process.on('exit', removeAll);
  folders.add(path);
}

export function removeFolder(folder: string): void {
  if (!folders.delete(folder)) return;
  rmSync(folder, { recursive: true, force: true });
  if (folders.size === 0) process.off('exit', removeAll);
}

function removeAll(): void {
  for (const folder of Array.from(folders)) removeFolder(folder);
}

let swept = false;

/** What killed programs have left. */
function sweep(): void {
  if (swept) return;
  swept = true;
  for (const base of new Set([tmpdir(), '/tmp'])) {
    for (const name of list(base)) {
      const pid = /^manycore-(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && !exists(Number(pid))) remove(join(base, name));
    }
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's.
  }
}
