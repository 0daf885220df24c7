import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pool } from 'manycore';
import { leftovers } from 'manycore/testing';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const double = (x: number): number => x * 2;

/** One pool's life, in each of the ways that there are. */
export const soakKinds = {
  'processes, terminated': async () => {
    const pool = new Pool(1);
    await pool.apply(double, [1]);
    await pool.terminate();
  },
  'processes, closed': async () => {
    const pool = new Pool(1);
    await pool.map(double, [1, 2, 3]);
    pool.close();
    await pool.join();
  },
  'threads, terminated': async () => {
    const pool = new Pool(1, { context: 'thread' });
    await pool.apply(double, [1]);
    await pool.terminate();
  },
  'threads, closed': async () => {
    const pool = new Pool(1, { context: 'thread' });
    await pool.map(double, [1, 2, 3]);
    pool.close();
    await pool.join();
  },
  'processes, started lazily and used': async () => {
    const pool = new Pool({ min: 0, max: 2 });
    await pool.apply(double, [1]);
    await pool.terminate();
  },
  'processes, started lazily and not used': async () => {
    const pool = new Pool({ min: 0, max: 2 });
    await pool.terminate();
  },
  'processes, terminated at their start': async () => {
    const pool = new Pool(1);
    await pool.terminate();
  },
  'threads, terminated at their start': async () => {
    const pool = new Pool(1, { context: 'thread' });
    await pool.terminate();
  },
} as const;

export interface SoakResult {
  /** What is there that was not there after the warm-up. */
  readonly left: readonly string[];
  /**
   * By how much resident memory grows with each pool: from the least in the middle third to the least in the last. The
   * allocator keeps some megabytes of threads that ended for a while, more or less of them at each look.
   */
  readonly slopeBytes: number;
  /** The slope of a line through the heap in the last four fifths. */
  readonly heapSlopeBytes: number;
}

const samples = 60;
const settleMs = 2_000;

/** Opens and closes pools one after the other, a tenth of them first to warm up. */
export async function soak(kind: keyof typeof soakKinds, pools: number): Promise<SoakResult> {
  const life = soakKinds[kind];
  for (let i = 0; i < Math.ceil(pools / 10); i++) await life();
  await sleep(100);
  const before = leftovers();
  const points: { readonly x: number; readonly rss: number; readonly heap: number }[] = [];
  const every = Math.max(1, Math.floor(pools / samples));
  for (let i = 0; i < pools; i++) {
    await life();
    // What a WeakRef has named in a turn of the event loop lives until its end.
    await nextTurn();
    if (i % every !== 0) continue;
    collect();
    const { rss, heapUsed } = process.memoryUsage();
    points.push({ x: i, rss, heap: heapUsed });
  }
  const endMs = performance.now() + settleMs;
  while (before.left().length > 0 && performance.now() < endMs) await sleep(10);
  const late = points.slice(Math.floor(points.length / 5));
  return {
    left: before.left(),
    slopeBytes: floorGrowth(points.map(({ rss }) => rss)) / (pools / 3),
    heapSlopeBytes: slope(late.map(({ x, heap }) => [x, heap])),
  };
}

function floorGrowth(values: readonly number[]): number {
  const third = Math.floor(values.length / 3);
  return Math.min(...values.slice(-third)) - Math.min(...values.slice(third, -third));
}

/** Least squares. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return under === 0 ? 0 : over / under;
}
