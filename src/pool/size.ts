import { cpuCount } from './cpu-count.ts';
import type { PoolOptions } from './options.ts';

/** How many workers a pool has at rest and under load. */
export interface Size {
  readonly min: number;
  readonly max: number;
  /** Each task that no worker is free for gets one at once. */
  readonly eager?: boolean;
}

export function sizeOf({ workers, min, max, clock }: PoolOptions): Size {
  const unsaid = workers === undefined && min === undefined && max === undefined;
  if (workers === 0 || (unsaid && clock !== undefined)) return { min: 1, max: 1 };
  if (workers !== undefined) return { min: workers, max: workers };
  if (unsaid) return { min: cpuCount(), max: cpuCount() };
  return { min: min ?? 0, max: max ?? Math.max(min ?? 0, cpuCount()) };
}
