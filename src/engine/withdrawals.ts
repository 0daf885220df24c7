import type { StopReason } from '../channel/status-page.ts';
import { killGraceMs } from '../limits.ts';
import type { Agenda, Parked } from './agenda.ts';
import type { Crew } from './crew.ts';
import type { Dispatcher } from './dispatcher.ts';
import { hasBegun, holdsJob, isCurrent, openSequences, removePinned, type Member } from './member.ts';
import type { ReadyQueue } from './ready-queue.ts';
import type { Failure, Job, Lease, Segment } from './task.ts';

export interface WithdrawalsOptions {
  readonly queue: ReadyQueue;
  readonly agenda: Agenda;
  readonly crew: Crew;
  readonly dispatcher: Dispatcher;
  readonly fail: (job: Job, index: number, failure: Failure) => void;
}

/** An item that a worker has and has not answered. */
interface Held {
  readonly member: Member;
  readonly lease: Lease;
  readonly sequence: number;
}

/**
 * Takes work out of the ledger that nobody wants any more. All is marked before the first failure is told: who hears of it
 * may come back here.
 */
export class Withdrawals {
  readonly #options: WithdrawalsOptions;

  constructor(options: WithdrawalsOptions) {
    this.#options = options;
  }

  /** See `Engine.withdraw`. `stops`: what runs is told to stop. */
  job(job: Job, failure: Failure, stops: boolean): void {
    const { queue, agenda, crew, dispatcher, fail } = this.#options;
    for (const member of crew.members) if (holdsJob(member, job)) dispatcher.takeBack(member);
    const waiting = [...queue.remove(job), ...agenda.remove(job).map(segmentOf)];
    const begun: { member: Member; lease: Lease; sequences: number[] }[] = [];
    for (const member of crew.members) {
      waiting.push(...removePinned(member, job));
      crew.settle(member);
      for (const lease of member.leases) {
        if (lease.job !== job) continue;
        const sequences = openSequences(member, lease);
        for (const sequence of sequences) member.leases.abandon(lease, sequence);
        if (sequences.length > 0) begun.push({ member, lease, sequences });
      }
    }
    for (const { from, to } of waiting) for (let index = from; index < to; index++) fail(job, index, failure);
    for (const { member, lease, sequences } of begun) {
      for (const sequence of sequences) fail(job, lease.from + sequence - lease.sequence, failure);
      if (stops) this.stop(member, lease, sequences, 'abort');
    }
  }

  /** See `Engine.cancel`. */
  item(job: Job, index: number, force: boolean): boolean {
    const { queue, agenda, dispatcher, fail } = this.#options;
    const sent = this.#find(job, index);
    if (sent !== undefined && !hasBegun(sent.member, sent.sequence)) dispatcher.takeBack(sent.member);
    const waited = queue.removeItem(job, index) || agenda.removeItem(job, index) || this.#unpin(job);
    if (!waited) {
      // It began after all, or its worker is one that nothing can be taken back from.
      const held = force ? this.#find(job, index) : undefined;
      if (held === undefined) return false;
      held.member.leases.abandon(held.lease, held.sequence);
      this.#end(held);
    }
    fail(job, index, { kind: 'cancelled' });
    return true;
  }

  /** See `Engine.cancelWaiting`. */
  waiting(): void {
    const { queue, agenda, crew, dispatcher, fail } = this.#options;
    for (const member of crew.members) dispatcher.takeBack(member);
    const waiting = [...queue.remove(undefined), ...agenda.remove(undefined).map(segmentOf)];
    for (const member of crew.members) {
      waiting.push(...member.pinned.splice(0));
      crew.settle(member);
    }
    for (const { job, from, to } of waiting)
      for (let index = from; index < to; index++) fail(job, index, { kind: 'cancelled' });
  }

  /** See `Engine.isRunning`. */
  isRunning(job: Job, index: number): boolean {
    const held = this.#find(job, index);
    return held !== undefined && isCurrent(held.member, held.sequence);
  }

  /** A pinned job has one item, which may wait at its worker. */
  #unpin(job: Job): boolean {
    for (const member of this.#options.crew.members) {
      if (member.id !== job.terms.pinned || removePinned(member, job).length === 0) continue;
      this.#options.crew.settle(member);
      return true;
    }
    return false;
  }

  #find(job: Job, index: number): Held | undefined {
    for (const member of this.#options.crew.members) {
      for (const lease of member.leases) {
        if (lease.job !== job || index < lease.from || index >= lease.from + lease.count) continue;
        const sequence = lease.sequence + index - lease.from;
        if (member.leases.isOpen(lease, sequence) && lease.abandoned?.has(sequence) !== true)
          return { member, lease, sequence };
      }
    }
    return undefined;
  }

  /** Ends the worker that is at an item; one that will only come to it is told, and ended when it does not heed that. */
  #end({ member, lease, sequence }: Held): void {
    if (isCurrent(member, sequence)) this.#options.crew.kill(member, 'abort');
    else this.stop(member, lease, [sequence], 'abort');
  }

  /** Tells running items to stop, and ends their worker when they do not heed that. It gets nothing else to do until then. */
  stop(member: Member, lease: Lease, sequences: readonly number[], why: StopReason): void {
    const { graceMs } = lease.job.terms;
    for (const sequence of sequences) {
      member.stopping.push({ lease, sequence });
      member.link.cancel(sequence, why);
    }
    if (graceMs < Infinity) this.#watch(member, lease, sequences, why, graceMs);
  }

  #watch(member: Member, lease: Lease, sequences: readonly number[], why: StopReason, graceMs: number): void {
    const { crew } = this.#options;
    const look = (): void => {
      if (!crew.members.has(member)) return;
      const open = sequences.filter((sequence) => member.leases.isOpen(lease, sequence));
      if (open.length === 0) return;
      // What the worker is at may be somebody else's.
      if (open.some((sequence) => isCurrent(member, sequence))) crew.kill(member, why);
      else this.#watch(member, lease, open, why, Math.max(killGraceMs, graceMs));
    };
    if (graceMs > 0) crew.after(graceMs, look);
    else look();
  }
}

function segmentOf({ job, index, attempt }: Parked): Segment {
  return { job, from: index, to: index + 1, attempt };
}
