import type { Agenda } from './agenda.ts';
import { checkBegun, type Member } from './member.ts';
import type { ReadyQueue } from './ready-queue.ts';
import { Retries, type Attempted } from './retries.ts';
import type { Failure, Job, Lease } from './task.ts';

export interface OutcomesOptions {
  readonly queue: ReadyQueue;
  readonly agenda: Agenda;
  /** What items fail with from now on, when nothing is the engine's business any more. */
  readonly over: () => Failure | undefined;
  /** A worker answered `count` items. */
  readonly productive: (member: Member, count: number) => void;
}

/** Tells the jobs what became of their items, each once, unless an item is to be tried again. */
export class Outcomes {
  readonly counts: { succeeded: number; failed: number; lost: number; retried: number } = {
    succeeded: 0,
    failed: 0,
    lost: 0,
    retried: 0,
  };
  readonly #options: OutcomesOptions;
  readonly #retries: Retries = new Retries();
  /** Jobs that were given up: what comes back of them is not tried again. */
  readonly #withdrawn = new WeakMap<Job, Failure>();

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Nothing of a job is tried again from now on. */
  withdraw(job: Job, failure: Failure): void {
    this.#withdrawn.set(job, failure);
  }

  succeeded(member: Member, sequence: number, values: readonly unknown[]): void {
    const { over, productive } = this.#options;
    // After `terminate` the ledger is empty and late answers are nobody's.
    if (over() !== undefined) return;
    const { leases } = member;
    checkBegun(member, sequence, values.length);
    // What a surface does when it hears of a result may end all.
    for (let at = 0; at < values.length && over() === undefined;) {
      const lease = leases.find(sequence + at);
      const count = Math.min(values.length - at, lease.sequence + lease.count - sequence - at);
      leases.settleRun(lease, sequence + at, count);
      const run = count === values.length ? values : values.slice(at, at + count);
      this.#deliver(lease, sequence + at, run);
      at += count;
    }
    productive(member, values.length);
  }

  #deliver(lease: Lease, sequence: number, values: readonly unknown[]): void {
    const from = lease.from + sequence - lease.sequence;
    const { abandoned } = lease;
    if (abandoned === undefined) {
      this.counts.succeeded += values.length;
      return lease.job.succeed(from, values);
    }
    values.forEach((value, i) => {
      if (abandoned.has(sequence + i)) return this.#options.agenda.attemptOver(lease.job, from + i);
      this.counts.succeeded++;
      lease.job.succeed(from + i, [value]);
    });
  }

  failed(member: Member, sequence: number, error: Error, kind: 'error' | 'unsendable'): void {
    if (this.#options.over() !== undefined) return;
    const { leases } = member;
    checkBegun(member, sequence, 1);
    const lease = leases.find(sequence);
    leases.settle(lease, sequence);
    const { job, attempt } = lease;
    const index = lease.from + sequence - lease.sequence;
    if (lease.abandoned?.has(sequence) === true) this.#options.agenda.attemptOver(job, index);
    else {
      if (kind === 'unsendable') this.fail(job, index, { kind, error, attempt });
      else {
        const worker = { workerId: member.id, pid: member.pid };
        this.failOrRetry(job, index, { kind, error, worker, attempt }, lease.moved);
      }
    }
    this.#options.productive(member, 1);
  }

  /** One more worker has died of reading an item: how many have. */
  died(job: Job, index: number): number {
    return this.#retries.died(job, index);
  }

  fail(job: Job, index: number, failure: Failure): void {
    this.counts.failed++;
    job.fail(index, failure);
  }

  failAll(job: Job, from: number, to: number, failure: Failure): void {
    for (let index = from; index < to; index++) this.fail(job, index, failure);
  }

  /** @param moved - What it takes is not here any more. */
  failOrRetry(job: Job, index: number, failure: Attempted, moved: boolean): void {
    if (moved) return this.fail(job, index, failure);
    const decision = this.#retries.decide(job, index, failure);
    if (!decision.again) return this.fail(job, index, decision.failure);
    // Who was asked may have given the job up, or ended all.
    const end = this.#options.over() ?? this.#withdrawn.get(job);
    if (end !== undefined) return this.fail(job, index, end);
    this.counts.retried++;
    const attempt = failure.attempt + 1;
    if (decision.delayMs > 0) this.#options.agenda.park(decision.delayMs, { job, index, attempt }, decision.leastMs);
    else this.#options.queue.push(job, index, index + 1, attempt);
  }
}
