import type { LinkEvents } from './engine.ts';
import type { WireJob } from './link.ts';
import type { Lease, Link } from './task.ts';
import { monotonicMs } from '../monotonic.ts';

/** A worker that is no worker: tasks run in this thread, one after the other, values are handed over as they are. */
export class InlineLink implements Link {
  readonly canTakeBack = true;
  readonly #events: LinkEvents;
  readonly #call: (job: WireJob, arg: unknown, taskId: number, attempt: number) => unknown;
  #queue: { readonly lease: Lease; readonly sequence: number }[] = [];
  #begun = 0;
  #running: { readonly sequence: number; readonly sinceMs: number } | undefined;
  #ended = false;

  constructor(
    events: LinkEvents,
    call: (job: WireJob, arg: unknown, taskId: number, attempt: number) => unknown,
    initialize: () => unknown,
  ) {
    this.#events = events;
    this.#call = call;
    setImmediate(() => void this.#boot(initialize));
  }

  async #boot(initialize: () => unknown): Promise<void> {
    try {
      await initialize();
      if (!this.#ended) this.#events.ready(process.pid);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  send(lease: Lease): { readonly taken: number } {
    for (let i = 0; i < lease.count; i++) this.#queue.push({ lease, sequence: lease.sequence + i });
    return { taken: lease.count };
  }

  flush(): void {
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#running === undefined && !this.#ended) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      const { lease, sequence } = entry;
      if (sequence < this.#begun) continue;
      const sinceMs = monotonicMs();
      this.#begun = sequence + 1;
      this.#running = { sequence, sinceMs };
      const job = lease.job as WireJob;
      const index = lease.from + sequence - lease.sequence;
      const { values, offset } = job.items(index);
      try {
        const value = await this.#call(job, values[offset], job.firstTaskId + index, lease.attempt);
        this.#answer(() => this.#events.succeeded(sequence, [value]), sequence, sinceMs);
      } catch (error) {
        const reason = error instanceof Error ? error : new Error(String(error));
        this.#answer(() => this.#events.failed(sequence, reason, 'error'), sequence, sinceMs);
      }
    }
  }

  #answer(report: () => void, sequence: number, sinceMs: number): void {
    this.#running = undefined;
    if (this.#ended) return;
    this.#events.took(sequence, 1, monotonicMs() - sinceMs);
    report();
    this.#events.settled();
  }

  begun(): number {
    return this.#begun;
  }

  takeBack(next: number): number {
    const first = this.#begun;
    this.#begun = next;
    return first;
  }

  running(): readonly { readonly sequence: number; readonly sinceMs: number }[] {
    return this.#running === undefined ? [] : [this.#running];
  }

  current(): number {
    return this.#begun - 1;
  }

  cancel(): void {}

  close(): void {
    this.#end();
  }

  kill(): void {
    this.#end();
  }

  #end(bootError?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    setImmediate(() => this.#events.exited({ exitCode: 0, signal: null, lastWords: '', oomHint: false, bootError }));
  }
}
