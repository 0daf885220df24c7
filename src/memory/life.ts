import { readFileSync, readlinkSync } from 'node:fs';

/** The fields of /proc/<pid>/stat behind the name of the program: the state is the first, the start the twentieth. */
const startField = 19;

/** When a thread was started, in ticks since the system's: with its number it names a thread for ever. Undefined when it is dead. */
export function startOf(pid: number, tid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
    // The name may have spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[startField]);
  } catch {
    return undefined;
  }
}

export interface Life {
  readonly pid: number;
  readonly tid: number;
  readonly start: number;
}

export function isAlive({ pid, tid, start }: Life): boolean {
  return startOf(pid, tid) === start;
}

let own: Life | undefined;

/** This thread. */
export function ownLife(): Life {
  if (own === undefined) {
    const { pid } = process;
    const tid = Number(/task\/(\d+)/.exec(readlinkSync('/proc/thread-self'))?.[1] ?? pid);
    own = { pid, tid, start: startOf(pid, tid) ?? 0 };
  }
  return own;
}
