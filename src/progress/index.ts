/** Progress of a pool's calls, as a bar, as lines, or as calls of a function. */
import { ProgressDisplay } from './display.ts';
import { realHost } from './host.ts';
import type { ProgressCounters, ProgressHandle, ProgressOption } from './types.ts';

export type {
  ProgressCounters,
  ProgressHandle,
  ProgressOption,
  ProgressOptions,
  ProgressSnapshot,
  ProgressStream,
} from './types.ts';

let display: ProgressDisplay | undefined;

/**
 * Shows the progress of one call until its `stop`. The counters are read, never written; `defaultLabel` is used where the
 * option has none.
 *
 * @throws {ArgumentTypeError} The option is of a wrong type, or has a key that is not known.
 */
export function startProgress(
  option: ProgressOption | undefined,
  counters: ProgressCounters,
  defaultLabel: string,
): ProgressHandle {
  display ??= new ProgressDisplay(realHost);
  return display.start(option, counters, defaultLabel);
}
