import { randomBytes } from 'node:crypto';
import { threadId } from 'node:worker_threads';
import { ProcessClosedError, ProcessStateError } from '../errors.ts';
import { own, type ProcessJob } from '../worker/process-info.ts';
import { shared } from '../worker/task-context.ts';
import type { Child } from './child.ts';
import type { AnyOptions } from './options.ts';
import type { Kind } from './start-method.ts';

/** What belongs to a Process that was made in this thread. */
export interface State {
  readonly kind: Kind;
  readonly identity: readonly number[];
  readonly parentPid: number;
  name: string;
  daemon: boolean;
  authKey: Uint8Array;
  options: AnyOptions;
  job: Omit<ProcessJob, 'self'>;
  child: Child | undefined;
  closed: boolean;
  /** It is the process that runs this code. */
  readonly isSelf: boolean;
}

const states = new WeakMap<object, State>();

export function addState(of: object, state: State): void {
  states.set(of, state);
}

/** Undefined for a Process that was made elsewhere and came here with a function or as a value. */
export function findState(of: object): State | undefined {
  const state = states.get(of);
  if (state !== undefined || own.job?.self !== of) return state;
  const self = selfState();
  states.set(of, self);
  return self;
}

/** The state of a Process that was made here. */
export function stateOf(of: object, what: string): State {
  const state = findState(of);
  if (state === undefined)
    throw new ProcessStateError(
      `Cannot use ${what} of a Process that was made by another process: only its creator can.`,
    );
  return state;
}

/** The same, for what ends with `close()`. */
export function openState(of: object, what: string): State {
  const state = stateOf(of, what);
  if (state.closed)
    throw new ProcessClosedError(`Cannot use ${what}: the process ${JSON.stringify(state.name)} is closed.`);
  return state;
}

/** The child of a Process that was started. */
export function childOf(of: object, what: string): Child {
  const { child, isSelf, name } = openState(of, what);
  if (isSelf) throw new ProcessStateError(`Cannot use ${what} of the process that runs this code.`);
  if (child === undefined)
    throw new ProcessStateError(`Cannot use ${what}: the process ${JSON.stringify(name)} was not started.`);
  return child;
}

export const ownPid: number = threadId === 0 || own.info?.kind === 'process' ? process.pid : threadId;

let self: State | undefined;

/** Of the process that runs this code: the main program, a Process, or a worker of a pool. */
export function selfState(): State {
  return (self ??= {
    ...whoAmI(),
    options: {},
    child: undefined,
    closed: false,
    isSelf: true,
  });
}

function whoAmI(): Pick<State, 'kind' | 'identity' | 'parentPid' | 'name' | 'daemon' | 'authKey' | 'job'> {
  const { info, job = { target: undefined, args: [] } } = own;
  if (info !== undefined) return { ...info, authKey: Buffer.from(info.authKey), parentPid: info.parent.pid, job };
  const common = { kind: threadId === 0 ? 'process' : 'thread', authKey: randomBytes(32), job } as const;
  const worker = shared.worker;
  // The workers of a pool end with it, as daemons do.
  if (worker !== undefined)
    return {
      ...common,
      identity: [worker.id],
      parentPid: threadId === 0 ? process.ppid : process.pid,
      name: worker.name ?? `PoolWorker-${worker.id}`,
      daemon: true,
    };
  return { ...common, identity: [], parentPid: process.ppid, name: 'MainProcess', daemon: false };
}
