/** manycore/testing: to test tasks, and programs that use pools, without waiting and without luck. */
export { faults, Faults } from './testing/faults.ts';
export { checkLeaks, leftovers, type Leftovers } from './testing/leftovers.ts';
export { Sequencer } from './testing/sequencer.ts';
export { virtualClock, VirtualClock } from './testing/virtual-clock.ts';
