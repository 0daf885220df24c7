import { readFileSync, readlinkSync } from 'node:fs';
import { SharedMemoryError } from '../errors.ts';

/** The fields of /proc/<pid>/stat behind the name of the program: the state is the first, the start the twentieth. */
const startField = 19;

/**
 * When a thread was started, in ticks since the system's: with its number it names a thread for ever. Undefined when it is dead.
 *
 * @throws the system's error when that cannot be told, such as for want of a descriptor.
 */
export function startOf(pid: number, tid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
  // The name may have spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[startField]);
}

export interface Life {
  readonly pid: number;
  readonly tid: number;
  readonly start: number;
}

/** Who is not known to be dead is alive: nobody may take from the living what they have. */
export function isAlive({ pid, tid, start }: Life): boolean {
  try {
    return startOf(pid, tid) === start;
  } catch {
    return true;
  }
}

let own: Life | undefined;

/** This thread. */
export function ownLife(): Life {
  if (own === undefined) {
    const { pid } = process;
    try {
      const tid = Number(/task\/(\d+)/.exec(readlinkSync('/proc/thread-self'))?.[1] ?? pid);
      own = { pid, tid, start: startOf(pid, tid) ?? 0 };
    } catch (cause) {
      throw new SharedMemoryError(`Cannot use shared memory: ${(cause as Error).message}.`, { cause });
    }
  }
  return own;
}
