import { existsSync, readdirSync } from 'node:fs';
import { ManycoreError } from '../errors.ts';
import { loadNative } from '../native.ts';
import type { ProcessInfo } from './process-info.ts';

/** The priority and the cores, which on Linux are each thread's own. */
export function place({ nice, cpus }: Pick<ProcessInfo, 'nice' | 'cpus'>, isThread: boolean): void {
  if (nice === undefined && cpus === undefined) return;
  // 0 is the calling thread. Threads that are started later inherit what it has.
  const threads = isThread || process.platform !== 'linux' ? [0] : readdirSync('/proc/self/task').map(Number);
  for (const thread of threads) {
    try {
      if (nice !== undefined) process.getBuiltinModule('node:os').setPriority(thread, nice);
      if (cpus !== undefined && loadNative()?.setAffinity(thread, cpus) !== true)
        throw new ManycoreError(`Cannot run on the cores ${cpus.join(', ')}: this process may use none of them.`);
    } catch (error) {
      // Node ends threads of its own too.
      if (thread === 0 || existsSync(`/proc/self/task/${thread}`)) throw error;
    }
  }
}
