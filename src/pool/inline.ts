import type { StopReason } from '../channel/status-page.ts';
import type { InlineCall, Progress } from '../engine/inline-link.ts';
import type { WireJob } from '../engine/lease-writer.ts';
import { shared } from '../worker/task-context.ts';
import { TaskState, type TaskHost } from '../worker/task-state.ts';
import { isThenable } from '../thenable.ts';
import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect } from 'node:util';

/** Which pool's task runs here. */
const owners = new AsyncLocalStorage<{ readonly owner: object; running: boolean }>();

/** Whether this is called by a task of this pool, which has nobody else to run another one. */
export function isWithin(owner: object): boolean {
  const here = owners.getStore();
  return here !== undefined && here.owner === owner && here.running;
}

/** Runs a task of a pool without workers, with the context that it would have in one. */
export function runInline(
  owner: object,
  worker: Pick<TaskHost, 'workerId' | 'workerIndex'>,
  job: WireJob,
  arg: unknown,
  taskId: number,
  attempt: number,
  progress: Progress,
): InlineCall {
  const { original } = job.terms.fn;
  let stopped: StopReason | undefined;
  const host: TaskHost = {
    ...worker,
    stop: () => stopped,
    progress: (_, done, total) => progress(done, total),
    log,
  };
  const state = new TaskState(host, taskId, attempt, taskId, 0, true);
  const call = original as (...args: unknown[]) => unknown;
  const here = { owner, running: true };
  const result = owners.run(here, () =>
    shared.storage.run(state, () => {
      try {
        const value = job.terms.spread ? call(...(arg as unknown[])) : call(arg);
        here.running = isThenable(value);
        return isThenable(value) ? whole(value, here) : value;
      } catch (error) {
        here.running = false;
        throw error;
      }
    }),
  );
  const abort = (why: StopReason): void => {
    stopped = why;
    state.abort(why);
  };
  return { result, abort };
}

async function whole(value: PromiseLike<unknown>, here: { running: boolean }): Promise<unknown> {
  try {
    return await value;
  } finally {
    here.running = false;
  }
}

function log(state: TaskState, values: readonly unknown[]): void {
  process.stderr.write(
    `[task ${state.id}] ${values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ')}\n`,
  );
}
