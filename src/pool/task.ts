import { ManycoreError } from '../errors.ts';
import { currentTask, type TaskContext } from '../worker/task-context.ts';

/**
 * The task that is running: its number, whether it is cancelled, and how to tell how far it is. To be called inside a
 * function that a worker runs.
 *
 * @throws ManycoreError outside of a task.
 * @example
 * ```ts
 * import { Pool, task } from 'manycore';
 * await using pool = new Pool(1);
 * console.log(await pool.apply(() => task().attempt)); // 1
 * ```
 */
export function task(): TaskContext {
  const context = currentTask();
  if (context === undefined)
    throw new ManycoreError('task() was called outside of a task: it works in functions that a worker runs.');
  return context;
}
