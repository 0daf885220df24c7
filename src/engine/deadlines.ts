import type { Clock } from './clock.ts';
import type { Member } from './member.ts';
import type { Lease } from './task.ts';

/** A task that runs longer than it may. */
export interface Overdue {
  readonly lease: Lease;
  readonly sequence: number;
  readonly ranMs: number;
}

/**
 * Finds tasks that run longer than their timeout, which counts from the start on the worker. A worker has one timer at
 * most, whatever the number of its tasks: when it fires, the status page tells what runs since when.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #expired: (member: Member, overdue: readonly Overdue[]) => void;
  readonly #timers = new Map<Member, { readonly dueMs: number; readonly cancel: () => void }>();

  constructor(clock: Clock, expired: (member: Member, overdue: readonly Overdue[]) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Watches a member that was given work with a timeout. */
  watch(member: Member, timeoutMs: number): void {
    this.#arm(member, timeoutMs);
  }

  forget(member: Member): void {
    this.#timers.get(member)?.cancel();
    this.#timers.delete(member);
  }

  /** Looks after `ms` at the latest: a short timeout behind a long one moves the timer forward. */
  #arm(member: Member, timeoutMs: number): void {
    const ms = Math.max(1, timeoutMs);
    const dueMs = this.#clock.now() + ms;
    const present = this.#timers.get(member);
    if (present !== undefined && present.dueMs <= dueMs) return;
    present?.cancel();
    this.#timers.set(member, { dueMs, cancel: this.#clock.after(ms, () => this.#look(member)) });
  }

  #look(member: Member): void {
    this.#timers.delete(member);
    const now = this.#clock.now();
    let nextMs = Infinity;
    const overdue: Overdue[] = [];
    for (const { sequence, sinceMs } of member.link.running()) {
      const lease = member.leases.holding(sequence);
      if (lease?.job.terms.timeoutMs === undefined || lease.abandoned?.has(sequence) === true) continue;
      const leftMs = sinceMs + lease.job.terms.timeoutMs - now;
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      else overdue.push({ lease, sequence, ranMs: now - sinceMs });
    }
    if (overdue.length > 0) this.#expired(member, overdue);
    // What has not begun cannot expire earlier than a whole timeout from now.
    for (const { job, count, abandoned } of member.leases)
      if (job.terms.timeoutMs !== undefined && abandoned?.size !== count)
        nextMs = Math.min(nextMs, job.terms.timeoutMs);
    if (nextMs < Infinity) this.#arm(member, nextMs);
  }
}
