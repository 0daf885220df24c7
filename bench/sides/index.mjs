/**
 * Every side of the comparison. A JavaScript side's module has `open({ workers, ...options })`, which gives
 * `{ run(task, argument), submit?(task, argument), map?(task, items), imap?(task, items), close() }`; a missing method is shown as a dash.
 * `queues?` streams, spreads and returns values between processes; see `scenarios/queues.mjs`.
 * `locks?` takes locks, alone, between processes and by many that wait; see `scenarios/locks.mjs`.
 * `control?` ends tasks that never yield; see `scenarios/control.mjs`.
 * `dict?()` gives a dict that lives in a process of its own. `whole()` gives the exit code of a process that does nothing.
 * Only `manycore.mjs` knows manycore's API. This table loads no library: each is loaded in its own driver.
 */
export const sides = [
  side('manycore-processes', 'manycore processes', './manycore.mjs', { context: 'process' }),
  side('manycore-threads', 'manycore threads', './manycore.mjs', { context: 'thread' }),
  side('piscina', 'piscina', './piscina.mjs', { tuned: false }),
  side('piscina-tuned', 'piscina, tuned', './piscina.mjs', { tuned: true }),
  side('tinypool-threads', 'tinypool threads', './tinypool.mjs', { runtime: 'worker_threads' }),
  side('tinypool-processes', 'tinypool processes', './tinypool.mjs', { runtime: 'child_process' }),
  side('workerpool-threads', 'workerpool threads', './workerpool.mjs', { workerType: 'thread' }),
  side('workerpool-processes', 'workerpool processes', './workerpool.mjs', { workerType: 'process' }),
  side('jest-worker-threads', 'jest-worker threads', './jest-worker.mjs', { enableWorkerThreads: true }),
  side('jest-worker-processes', 'jest-worker processes', './jest-worker.mjs', { enableWorkerThreads: false }),
  side('poolifier', 'poolifier threads', './poolifier.mjs', {}),
  side('python-fork', 'CPython Pool, fork', undefined, { kind: 'fork' }),
  side('python-spawn', 'CPython Pool, spawn', undefined, { kind: 'spawn' }),
  side('python-executor', 'CPython ProcessPoolExecutor', undefined, { kind: 'executor' }),
  side('bare-thread', 'bare `Worker`', './bare.mjs', { context: 'thread' }),
  side('bare-process', 'bare child process', './bare.mjs', { context: 'process' }),
];

function side(name, title, module, options) {
  const python = module === undefined;
  return { name, title, module, options, python, bare: name.startsWith('bare-') };
}

export function findSide(name) {
  const found = sides.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no side "${name}". Sides: ${sides.map((s) => s.name).join(', ')}`);
  return found;
}

/** What the scenarios need of one JavaScript side. */
export async function loadSide({ name, module, options }) {
  const { open, first, whole } = await import(module);
  return { name, open: (workers) => open({ workers, ...options }), first: first && (() => first(options)), whole: whole && (() => whole(options)) };
}
