import { readSync } from 'node:fs';
import type { Native } from '../native.ts';

/**
 * A worker ends with its host, busy, stopped or blocked, however the host dies, and so does what its tasks have started.
 * Where the kernel can, it sees to it: `fd` is a socket on which nothing is ever sent, and when the host's end of it is
 * closed the kernel sends SIGKILL to the worker's process group. (A parent-death signal would reach the worker alone, and
 * only if the host's thread ends.) Elsewhere a thread watches who our parent is.
 */
export function guardAgainstOrphanhood(hostPid: number, fd: number, native: Native | undefined): void {
  if (process.platform !== 'linux' || native === undefined || !armed(native, fd)) watch(hostPid);
  // The host may have died before the guard stood.
  if (process.ppid !== hostPid || hungUp(fd)) process.exit(1);
}

function armed(native: Native, fd: number): boolean {
  try {
    native.killGroupOnHangup(fd);
    return true;
  } catch {
    return false;
  }
}

function hungUp(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 0;
  } catch {
    // EAGAIN: it is open.
    return false;
  }
}

function watch(hostPid: number): void {
  const everybody = process.platform === 'win32' ? process.pid : -process.pid;
  const code = `setInterval(() => { if (process.ppid !== ${hostPid}) process.kill(${everybody}, 'SIGKILL'); }, 250)`;
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  new Worker(code, { eval: true, execArgv: [] }).unref();
}
