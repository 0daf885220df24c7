import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * The cores that this process may use: the smallest of its CPU affinity and its container's quota, at least 1.
 *
 * Python: `os.process_cpu_count()`.
 *
 * @example
 * ```ts
 * import { cpuCount } from 'manycore';
 * console.log(cpuCount() >= 1); // true
 * ```
 */
export function cpuCount(): number {
  return Math.max(1, Math.min(availableParallelism(), quota()));
}

/** The quota of the control group in cores; Infinity without one. */
function quota(): number {
  const v2 = read('/sys/fs/cgroup/cpu.max')?.split(' ');
  if (v2 !== undefined) return cores(Number(v2[0]), Number(v2[1]));
  const limit = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? Number.NaN);
  return cores(limit, Number(read('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? Number.NaN));
}

function cores(limit: number, period: number): number {
  const count = Math.ceil(limit / period);
  return count > 0 ? count : Infinity;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}
