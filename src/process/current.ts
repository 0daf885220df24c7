import { threadId } from 'node:worker_threads';
import { own } from '../worker/process-info.ts';
import { shared } from '../worker/task-context.ts';
import { living } from './family.ts';
import { Process } from './process.ts';
import { addState, selfState } from './states.ts';
import { waitingOf } from '../waiting.ts';
import { waitFor } from './wait-for.ts';

/** What a child sees of the process that made it. */
export interface ParentProcess {
  readonly pid: number;
  readonly name: string;
  /** False for the moment between its end and this process's own, which follows from it. */
  isAlive(): boolean;
  /** Waits for its end, which is this process's end too, or for `timeout` milliseconds. */
  join(options?: { readonly timeout?: number }): Promise<void>;
  /** Never resolves while this process is there to see it. */
  readonly sentinel: Promise<void>;
}

let current: Process | undefined;
let parent: ParentProcess | undefined;

/**
 * The process that runs this code: in the main program `MainProcess`, in a child its own `Process` (of a subclass the instance
 * that was sent). Python: `current_process`.
 *
 * @example
 * ```ts
 * import { currentProcess } from 'manycore';
 * console.log(currentProcess().name); // MainProcess
 * ```
 */
export function currentProcess(): Process {
  if (current === undefined) {
    const self = own.job?.self;
    if (self instanceof Process) current = self;
    else addState((current = Object.create(Process.prototype) as Process), selfState());
  }
  return current;
}

/** The process that made this one; undefined in the main program. Python: `parent_process`. */
export function parentProcess(): ParentProcess | undefined {
  if (own.info === undefined && shared.worker === undefined) return undefined;
  return (parent ??= describeParent());
}

function describeParent(): ParentProcess {
  const inThread = threadId !== 0;
  const { ppid } = process;
  const { pid, name } = own.info?.parent ?? { pid: selfState().parentPid, name: 'MainProcess' };
  // When the parent ends, so does this process, by the kernel's hand.
  const sentinel = new Promise<void>(() => {});
  return {
    pid,
    name,
    sentinel,
    isAlive: () => inThread || process.ppid === ppid,
    join: async (options = {}) => {
      const { timeout } = waitingOf('join', options, ['timeout']);
      await waitFor(sentinel, timeout);
    },
  };
}

/** The processes that this one has started and that have not ended; a new list at each call. Python: `active_children`. */
export function activeChildren(): Process[] {
  return living() as Process[];
}
