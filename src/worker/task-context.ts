import { AsyncLocalStorage } from 'node:async_hooks';

/** What a running task can know and say of itself. */
export interface TaskContext {
  /** The number of the task within its pool, from 1. */
  readonly id: number;
  /** 1 at first; more after its worker was lost and it is tried again. */
  readonly attempt: number;
  /** The number of the worker that runs it, stable for the worker's life. */
  readonly workerId: number;
  /**
   * The worker's place in its pool, from 0 to the number of workers - 1. A worker that replaces another one takes over its
   * place. Python: mpire's `worker_id`.
   */
  readonly workerIndex: number;
  /** Aborts when the caller gives the task up, or, with a reason named `TimeoutError`, when its `timeout` is over. */
  readonly signal: AbortSignal;
  /** The same, readable in a loop that never yields. */
  readonly cancelled: boolean;
  /** Reports how far the task is. */
  progress(done: number, total?: number): void;
  /** Writes a line to the host's stderr, marked with the task's number. */
  log(...values: unknown[]): void;
}

interface Shared {
  /** Finds the task of a worker that runs one at a time. */
  locate: (() => TaskContext | undefined) | undefined;
  readonly storage: AsyncLocalStorage<TaskContext>;
  /** Set in a worker: which one, and how deep pools are nested. */
  worker: { readonly id: number; readonly nesting: number; readonly name: string | undefined } | undefined;
  /** See `workerState`. */
  readonly state: Record<string, unknown>;
}

// A worker runs a bundle of its own, and the user's code in it may load the package once more: both must see one state.
const key: unique symbol = Symbol.for('manycore.task') as never;
const holder = globalThis as { [key]?: Shared };
export const shared: Shared = (holder[key] ??= {
  locate: undefined,
  storage: new AsyncLocalStorage(),
  worker: undefined,
  state: {},
});

/** The task that is running here, or undefined outside of one. */
export function currentTask(): TaskContext | undefined {
  return shared.storage.getStore() ?? shared.locate?.();
}
