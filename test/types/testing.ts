// Compiled, never run: what the types of manycore/testing promise.
import { expectTypeOf } from 'expect-type';
import { Pool, type Clock } from 'manycore';
import { checkLeaks, faults, leftovers, Sequencer, virtualClock } from 'manycore/testing';

export function types(): void {
  const clock = virtualClock();
  expectTypeOf(clock).toExtend<Clock>();
  void new Pool({ min: 1, max: 4, clock, faults: faults().kill({ worker: 1, task: 3 }).delayStart({ ms: 5 }) });
  expectTypeOf(clock.pass(5)).toEqualTypeOf<Promise<void>>();
  expectTypeOf(new Sequencer(['a']).step('a', async () => 1)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(checkLeaks(() => 'a')).toEqualTypeOf<Promise<string>>();
  expectTypeOf(leftovers().left()).toEqualTypeOf<string[]>();
  // @ts-expect-error -- milliseconds are needed
  faults().delay({ task: 1 });
  // @ts-expect-error -- no such place
  faults().kill({ tasks: 1 });
  // @ts-expect-error -- steps are names
  void new Sequencer([1, 2]);
  // @ts-expect-error -- a clock, not a number
  void new Pool({ clock: 5 });
}
