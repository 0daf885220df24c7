import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * The cores that this process may use: the smallest of its CPU affinity, its container's quota and the environment's
 * `MANYCORE_CPU_COUNT`, at least 1.
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
  return coresOf(availableParallelism(), read, process.env['MANYCORE_CPU_COUNT']);
}

type ReadFile = (path: string) => string | undefined;

/** The same for given cores, files and wish. What makes no sense is ignored. */
export function coresOf(available: number, file: ReadFile, wish: string | undefined): number {
  return Math.max(1, Math.min(available, quota(file), cores(Number(wish), 1)));
}

/** The quota of the control group in cores; Infinity without one. */
function quota(file: ReadFile): number {
  const v2 = file('/sys/fs/cgroup/cpu.max')?.split(' ');
  if (v2 !== undefined) return cores(Number(v2[0]), Number(v2[1]));
  const limit = Number(file('/sys/fs/cgroup/cpu/cpu.cfs_quota_us') ?? Number.NaN);
  return cores(limit, Number(file('/sys/fs/cgroup/cpu/cpu.cfs_period_us') ?? Number.NaN));
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
