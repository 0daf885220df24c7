import { cpuMs, descendants } from '../lib/processes.mjs';
import { verifySquares } from './check.mjs';

export const idle = {
  name: 'idle',
  title: 'Idle',
  text: 'CPU time of a pool of 2 that has nothing to do, per second, host and workers together (Linux only); and whether a program that leaves its pool open ends by itself, in milliseconds.',
  host: 'fresh',
  limitMs: 30_000,
  warmUps: 0,
  rounds: 1,
  variants: (quick) => [
    { name: 'cpu', params: { kind: 'cpu', ms: quick ? 1_000 : 2_000 } },
    // The driver returns without closing its pool, and the harness waits for its end.
    { name: 'exit', params: { kind: 'exit' }, awaitExitMs: 3_000 },
  ],
  columns: [
    { variant: 'cpu', key: 'host', title: 'host, ms CPU/s' },
    { variant: 'cpu', key: 'workers', title: 'worker processes, ms CPU/s' },
    { variant: 'exit', key: 'exitMs', title: 'exits by itself, ms' },
  ],
  async run({ pool }, { kind, ms }) {
    const { run } = await pool(2);
    const results = await Promise.all(Array.from({ length: 100 }, (_, i) => run('square', i)));
    verifySquares(results, 100);
    if (kind === 'exit') return {};
    await new Promise((resolve) => setTimeout(resolve, 500));
    const workers = descendants(process.pid);
    const before = [cpuMs(process.pid), sum(workers)];
    await new Promise((resolve) => setTimeout(resolve, ms));
    const spent = [cpuMs(process.pid), sum(workers)].map((value, i) => ((value - before[i]) / ms) * 1000);
    // Threads are in the host's figure; where there is no /proc, there is none.
    return { host: Number.isNaN(spent[0]) ? undefined : spent[0], workers: workers.length > 0 ? spent[1] : undefined };
  },
};

const sum = (pids) => pids.reduce((total, pid) => total + (cpuMs(pid) ?? 0), 0);
