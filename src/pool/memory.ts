import { readFileSync } from 'node:fs';

const pageBytes = 4096;

/** The resident memory of a process in bytes, as the kernel knows it; 0 where it does not tell. */
export function memoryOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * pageBytes;
  } catch {
    return 0;
  }
}
