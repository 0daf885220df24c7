import type { StopReason } from '../channel/status-page.ts';
import type { InlineCall } from '../engine/inline-link.ts';
import type { WireJob } from '../engine/link.ts';
import { shared } from '../worker/task-context.ts';
import { TaskState } from '../worker/task-state.ts';
import { inspect } from 'node:util';

/** Runs a task of a pool without workers, with the context that it would have in one. */
export function runInline(job: WireJob, arg: unknown, taskId: number, attempt: number): InlineCall {
  const { original } = job.terms.fn;
  let stopped: StopReason | undefined;
  const state = new TaskState({ ...host, stop: () => stopped }, taskId, attempt, taskId, 0, true);
  const call = original as (...args: unknown[]) => unknown;
  const result = shared.storage.run(state, () => (job.terms.spread ? call(...(arg as unknown[])) : call(arg)));
  const abort = (why: StopReason): void => {
    stopped = why;
    state.abort(why);
  };
  return { result, abort };
}

const host = {
  workerId: 0,
  progress: () => undefined,
  log: (state: TaskState, values: readonly unknown[]) =>
    void process.stderr.write(
      `[task ${state.id}] ${values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ')}\n`,
    ),
};
