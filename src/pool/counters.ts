import type { Engine } from '../engine/engine.ts';
import type { ProgressCounters } from '../progress/index.ts';

/** What a progress bar reads of a call; the jobs count, and who is busy is looked up when the bar is drawn. */
export function newCounters(engine: Engine): ProgressCounters {
  return {
    total: undefined,
    done: 0,
    failed: 0,
    get running() {
      let busy = 0;
      for (const { leases } of engine.members) if (leases.open > 0) busy++;
      return busy;
    },
    get workers() {
      return engine.members.size;
    },
  };
}
