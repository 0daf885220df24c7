import type { Member, WorkerTimes } from '../engine/member.ts';
import type { SlowTask } from '../engine/slowest.ts';
import type { Backend } from './backend.ts';
import type { PoolOptions } from './options.ts';

/** What a worker of a pool is doing. */
export interface WorkerStatistics extends WorkerTimes {
  readonly id: number;
  /** The process id; for a thread, its thread id. Undefined until it is up. */
  readonly pid: number | undefined;
  readonly state: Member['state'];
  /** Tasks sent to it that are not answered. */
  readonly tasks: number;
  /** Tasks answered. */
  readonly finished: number;
  /** Resident memory in bytes, as the worker last told; 0 before. */
  readonly memory: number;
}

/** What a pool is doing; a frozen snapshot. */
export interface PoolStatistics {
  readonly name: string | undefined;
  readonly context: 'process' | 'thread' | 'inline';
  readonly state: 'running' | 'closing' | 'terminating' | 'ended' | 'broken';
  readonly workers: readonly WorkerStatistics[];
  /** Tasks that have not begun, and tasks that run now. */
  readonly waiting: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Tasks whose worker was lost while it ran them; some of them may have been tried again. */
  readonly lost: number;
  readonly retried: number;
  /** The five tasks that took longest, slowest first. */
  readonly slowest: readonly SlowTask[];
}

/** What is shown of a pool or an executor when it is printed. */
export function describeState({ name, state, workers }: PoolStatistics): string {
  return `${name === undefined ? '' : ` ${name}`} state=${state} workers=${workers.length}`;
}

export function poolStatistics(backend: Backend, { name }: PoolOptions): PoolStatistics {
  const { engine, context } = backend;
  const workers = [...engine.members].map((member) =>
    Object.freeze({
      id: member.id,
      pid: member.pid,
      state: member.state,
      tasks: member.leases.open,
      finished: member.finished,
      memory: backend.memoryOf(member),
      ...engine.timesOf(member),
    }),
  );
  const { open, running } = engine.progress();
  return Object.freeze({
    name,
    context,
    state: engine.broken === undefined ? engine.state : 'broken',
    workers: Object.freeze(workers),
    waiting: open - running,
    running,
    ...engine.counts,
    slowest: engine.slowest.tasks,
  });
}
