import { readFileSync } from 'node:fs';

/** Bytes for a reader. */
export function inMB(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** The resident memory of a process in bytes, as the kernel knows it; 0 where it does not tell. */
export function memoryOf(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    // Not `statm`, which counts pages: how large they are differs between machines.
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
