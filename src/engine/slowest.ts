import { slowestTasks } from '../limits.ts';
import type { Job } from './task.ts';

/** One of the tasks that took longest, or a row of quick ones, whose time is measured together. */
export interface SlowTask {
  /** The number of the task within its pool, from 1; of a row the first one's. */
  readonly id: number;
  /** The name of the function, or the `name` option. */
  readonly name: string;
  /** The index of the input within its call; undefined for a single call. */
  readonly index: number | undefined;
  /** How many tasks it is. */
  readonly count: number;
  /** The worker that ran it. */
  readonly workerId: number;
  /** Milliseconds, of all of a row. */
  readonly ms: number;
}

/** The tasks that took longest, of those that were answered. */
export class Slowest {
  /** Slowest first. */
  tasks: readonly SlowTask[] = Object.freeze([]);
  /** What takes no longer is none of them. */
  leastMs = 0;

  add(
    { firstTaskId, terms }: Pick<Job, 'firstTaskId' | 'terms'>,
    item: number,
    count: number,
    ms: number,
    workerId: number,
  ): void {
    const { name, separate, pinned } = terms;
    const index = separate || pinned !== undefined ? undefined : item;
    const task: SlowTask = Object.freeze({ id: firstTaskId + item, name, index, count, workerId, ms });
    const tasks = [...this.tasks, task].toSorted((a, b) => b.ms - a.ms).slice(0, slowestTasks);
    this.tasks = Object.freeze(tasks);
    if (tasks.length === slowestTasks) this.leastMs = tasks.at(-1)!.ms;
  }
}
