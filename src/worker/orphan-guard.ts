import type { Native } from '../native.ts';
import { Worker } from 'node:worker_threads';

const SIGKILL = 9;

/**
 * A worker ends with its host, busy or not, however the host dies. The kernel sees to it where it can; elsewhere a thread
 * watches who our parent is. Either way the parent is checked once after the guard stands, as it may have died before.
 */
export function guardAgainstOrphanhood(hostPid: number, native: Native | undefined): void {
  if (native !== undefined && process.platform === 'linux') native.setParentDeathSignal(SIGKILL);
  else watch(hostPid);
  if (process.ppid !== hostPid) process.exit(1);
}

function watch(hostPid: number): void {
  const code = `setInterval(() => { if (process.ppid !== ${hostPid}) process.kill(process.pid, 'SIGKILL'); }, 250)`;
  new Worker(code, { eval: true, execArgv: [] }).unref();
}
