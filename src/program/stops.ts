import { monotonicMs } from '../monotonic.ts';

/** When this program was stopped by Ctrl-Z, and its workers with it; on the clock of all processes. */
const stops: { readonly fromMs: number; readonly toMs: number }[] = [];

export function noteStop(fromMs: number, toMs: number): void {
  stops.push({ fromMs, toMs });
}

/** A time on the clock of all processes as one on a clock that stood still while the program was stopped. */
export function withoutStops(atMs: number = monotonicMs()): number {
  let result = atMs;
  for (const { fromMs, toMs } of stops) if (fromMs < atMs) result -= Math.min(toMs, atMs) - fromMs;
  return result;
}
