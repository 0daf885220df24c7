/* oxlint-disable typescript/no-unnecessary-type-parameters -- what the object holds is between the functions of one pool */
import { shared } from '../worker/task-context.ts';

/**
 * An object of the worker's own, the same for its initializer, all of its tasks and its finalizer. A worker that replaces another
 * one begins with an empty one. Captured variables, on the other hand, are copied for each call. Python: mpire's `worker_state`.
 *
 * @example
 * ```ts
 * import { Pool, workerState } from 'manycore';
 * await using pool = new Pool(1, { initializer: () => void (workerState<{ calls: number }>().calls = 0) });
 * const count = () => (workerState<{ calls: number }>().calls += 1);
 * console.log(await pool.map(count, [0, 0, 0])); // [ 1, 2, 3 ]
 * ```
 */
export function workerState<S extends object = Record<string, unknown>>(): S {
  return shared.state as S;
}
