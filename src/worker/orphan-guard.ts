/** Where the kernel does not end a worker process with its host (see `channel/lifeline.ts`), a thread watches who our parent is. */
export function guardAgainstOrphanhood(hostPid: number): void {
  const everybody = process.platform === 'win32' ? process.pid : -process.pid;
  const code = `setInterval(() => { if (process.ppid !== ${hostPid}) process.kill(${everybody}, 'SIGKILL'); }, 250)`;
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  new Worker(code, { eval: true, execArgv: [] }).unref();
  // The host may have died before the guard stood.
  if (process.ppid !== hostPid) process.exit(1);
}
