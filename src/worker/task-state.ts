import type { StopReason } from '../channel/status-page.ts';
import { monotonicMs } from '../monotonic.ts';
import type { TaskContext } from './task-context.ts';

/** What a task's context does to the outside. */
export interface TaskHost {
  readonly workerId: number;
  readonly workerIndex: number;
  /** Whether the task is to stop, and why. */
  stop(state: TaskState): StopReason | undefined;
  progress(state: TaskState, done: number, total: number | undefined): void;
  log(state: TaskState, values: readonly unknown[]): void;
}

/** One run of one task. Made for each asynchronous task, and for a synchronous one only when it asks for its context. */
export class TaskState implements TaskContext {
  readonly id: number;
  readonly attempt: number;
  readonly sequence: number;
  readonly slot: number;
  /** It runs in an asynchronous context of its own. */
  readonly tracked: boolean;
  readonly startedMs: number = monotonicMs();
  /** False once it has an outcome; what it left behind may go on. */
  running = true;
  readonly #host: TaskHost;
  #controller: AbortController | undefined;

  constructor(host: TaskHost, id: number, attempt: number, sequence: number, slot: number, tracked: boolean) {
    this.#host = host;
    this.id = id;
    this.attempt = attempt;
    this.sequence = sequence;
    this.slot = slot;
    this.tracked = tracked;
  }

  get workerId(): number {
    return this.#host.workerId;
  }

  get workerIndex(): number {
    return this.#host.workerIndex;
  }

  get cancelled(): boolean {
    return this.#controller?.signal.aborted === true || this.#host.stop(this) !== undefined;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    const why = this.#host.stop(this);
    if (why !== undefined) this.abort(why);
    return this.#controller.signal;
  }

  abort(why: StopReason): void {
    const controller = (this.#controller ??= new AbortController());
    // The reasons of `controller.abort()` and of `AbortSignal.timeout()`.
    if (why === 'abort') controller.abort();
    else controller.abort(new DOMException('The task ran longer than its timeout.', 'TimeoutError'));
  }

  progress(done: number, total?: number): void {
    this.#host.progress(this, done, total);
  }

  log(...values: unknown[]): void {
    this.#host.log(this, values);
  }
}
