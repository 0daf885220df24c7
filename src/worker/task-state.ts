import { monotonicMs } from '../monotonic.ts';
import type { TaskContext } from './task-context.ts';

/** What a task's context does to the outside. */
export interface TaskHost {
  readonly workerId: number;
  isCancelled(state: TaskState): boolean;
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

  get cancelled(): boolean {
    return this.#controller?.signal.aborted === true || this.#host.isCancelled(this);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#host.isCancelled(this)) this.abort();
    return this.#controller.signal;
  }

  abort(): void {
    (this.#controller ??= new AbortController()).abort();
  }

  progress(done: number, total?: number): void {
    this.#host.progress(this, done, total);
  }

  log(...values: unknown[]): void {
    this.#host.log(this, values);
  }
}
