/**
 * A scenario: `variants(quick)` are what each side is asked to do, `columns` what is shown of the answers, and `run`
 * does it once in the side's driver and gives named figures, or undefined if the side cannot do it.
 * `drivers/python_driver.py` has the same scenarios under the same names.
 *
 * `host` is 'driver' (a driver per side, alive for the whole run), 'fresh' (a new process for every sample) or
 * 'shared' (one new process for all JavaScript sides, a round each).
 */
import { burst } from './burst.mjs';
import { control } from './control.mjs';
import { idle } from './idle.mjs';
import { imap } from './imap.mjs';
import { locks } from './locks.mjs';
import { manager } from './manager.mjs';
import { map } from './map.mjs';
import { memory } from './memory.mjs';
import { payloads } from './payloads.mjs';
import { process } from './process.mjs';
import { queues } from './queues.mjs';
import { roundTrip } from './round-trip.mjs';
import { scaling } from './scaling.mjs';
import { skew } from './skew.mjs';
import { startUp } from './start-up.mjs';
import { submit } from './submit.mjs';

export const scenarios = [burst, submit, map, imap, roundTrip, payloads, startUp, process, scaling, skew, memory, idle, control, manager, queues, locks];

export function findScenario(name) {
  const found = scenarios.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no scenario "${name}". Scenarios: ${scenarios.map((s) => s.name).join(', ')}`);
  return found;
}
