import { batchesInFlight, stealAfterMs } from '../limits.ts';
import { batchSize } from './batching.ts';
import type { Clock } from './clock.ts';
import { isIdle, takesWork, type Member } from './member.ts';
import type { ReadyQueue } from './ready-queue.ts';
import type { Job, Lease, Segment } from './task.ts';

export interface DispatcherOptions {
  readonly queue: ReadyQueue;
  readonly members: ReadonlySet<Member>;
  readonly clock: Clock;
  /** Tasks that one worker runs at once. */
  readonly concurrency: number;
  /** An item could not be encoded. */
  readonly refuse: (job: Job, index: number, attempt: number, error: Error) => void;
  /** Items were given to a member. */
  readonly sent: (member: Member, lease: Lease) => void;
  /** Items were taken back from a member. */
  readonly returned: (member: Member) => void;
}

/** Decides which worker gets which items, and how many at once. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  #stealing: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Hands out what waits, to the workers that have the least to do. */
  dispatch(): void {
    const { queue, members } = this.#options;
    const touched = new Set<Member>();
    for (const member of members) {
      // A worker that drains still does what only it may do.
      for (let segment = member.pinned[0]; segment !== undefined; segment = member.pinned[0]) {
        if (member.state === 'ending') break;
        if (segment.from >= segment.to) member.pinned.shift();
        else this.#send(member, segment, segment.to - segment.from, (count) => (segment.from += count));
        touched.add(member);
      }
    }
    for (let segment = queue.front(); segment !== undefined; segment = queue.front()) {
      const member = this.#leastLoaded(segment.job);
      if (member === undefined) break;
      const here = segment;
      this.#send(member, here, this.#count(member, here), (count) => queue.take(here, count));
      touched.add(member);
    }
    for (const member of touched) member.link.flush();
    if (queue.length === 0) this.#watchForStealing();
  }

  #leastLoaded(job: Job): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#options.members) {
      if (!this.#hasRoom(member, job)) continue;
      if (best === undefined || load(member) < load(best)) best = member;
      if (load(best) === 0) break;
    }
    return best;
  }

  #hasRoom(member: Member, job: Job): boolean {
    if (!takesWork(member)) return false;
    const { concurrency } = this.#options;
    const { open, batches } = member.leases;
    if (open === 0) return member.state === 'ready' || member.link.canTakeBack;
    if (member.state === 'starting') return false;
    if (concurrency > 1) return open < concurrency * batchesInFlight;
    // What waits behind a task of unknown length may wait long; it is only sent ahead if it can be taken back.
    return batches < batchesInFlight && job.terms.timing.meanMs !== undefined && member.link.canTakeBack;
  }

  #count(member: Member, segment: Segment): number {
    const { queue, members, concurrency } = this.#options;
    const { job, from, to } = segment;
    const available = to - from;
    if (job.terms.chunkSize !== undefined)
      return Math.min(available, job.terms.chunkSize - (from % job.terms.chunkSize));
    let count = batchSize(job.terms.timing, queue.length, members.size, job.growing);
    if (concurrency > 1)
      count = Math.max(
        1,
        Math.min(Math.ceil(queue.length / members.size), concurrency * batchesInFlight - member.leases.open),
      );
    return Math.min(count, available, member.tasksLeft);
  }

  #send(member: Member, segment: Segment, count: number, advance: (count: number) => void): void {
    const { job, attempt, from } = segment;
    const lease: Lease = {
      job,
      attempt,
      from,
      sequence: member.leases.next,
      count,
      settled: 0,
      inOrder: 0,
      outOfOrder: undefined,
      abandoned: undefined,
    };
    const { taken, error } = member.link.send(lease);
    lease.count = taken;
    advance(error === undefined ? taken : taken + 1);
    if (taken > 0) {
      member.leases.add(lease);
      member.tasksLeft -= job.terms.chunkSize === undefined ? taken : 1;
      this.#options.sent(member, lease);
    }
    if (error !== undefined) this.#options.refuse(job, from + taken, attempt, error);
  }

  /**
   * When a worker is idle and nothing waits, what another one was sent and does not get to is taken back: a long task
   * never holds up the small ones behind it.
   */
  #watchForStealing(): void {
    if (this.#stealing !== undefined || !this.#someoneIsFree()) return;
    let worthIt = false;
    for (const member of this.#options.members) {
      if (!holdsUnbegun(member)) continue;
      member.lastBegun = member.link.begun();
      worthIt = true;
    }
    if (worthIt) this.#stealing = this.#options.clock.after(stealAfterMs, () => this.#steal());
  }

  #someoneIsFree(): boolean {
    for (const member of this.#options.members)
      if (member.state === 'ready' && takesWork(member) && isIdle(member)) return true;
    return false;
  }

  #steal(): void {
    this.#stealing = undefined;
    if (this.#options.queue.length > 0 || !this.#someoneIsFree()) return;
    for (const member of this.#options.members) {
      if (holdsUnbegun(member) && isStuck(member)) this.takeBack(member);
    }
    this.dispatch();
  }

  /** Puts what a worker has not begun back into the queue. */
  takeBack(member: Member): void {
    if (!member.link.canTakeBack) return;
    const { leases } = member;
    const first = member.link.takeBack(leases.next);
    for (const { job, from, to, attempt } of leases.cut(first).toReversed()) {
      member.tasksLeft += job.terms.chunkSize === undefined ? to - from : 1;
      if (job.terms.pinned === undefined) this.#options.queue.unshift(job, from, to, attempt);
      else member.pinned.unshift({ job, from, to, attempt });
    }
    this.#options.returned(member);
  }

  /** No timer is left behind. */
  stop(): void {
    this.#stealing?.();
    this.#stealing = undefined;
  }
}

function load(member: Member): number {
  return member.leases.open + (member.state === 'starting' ? 0.5 : 0);
}

/** Whether it was sent something that it has not begun and that another worker may do. */
function holdsUnbegun(member: Member): boolean {
  if (member.leases.open === 0 || !member.link.canTakeBack) return false;
  const begun = member.link.begun();
  // What only this worker may do would come back to it, again and again.
  for (const { job, sequence, count } of member.leases)
    if (job.terms.pinned === undefined && sequence + count > begun) return true;
  return false;
}

/**
 * Whether it got no further since the last look, being at a task or not up yet. One that is up and runs nothing is still
 * receiving: taking that back would only send it on its way again, and what takes long to decode would travel for ever.
 */
function isStuck(member: Member): boolean {
  const begun = member.link.begun();
  const receiving = member.state !== 'starting' && member.leases.open === member.leases.next - begun;
  return begun === member.lastBegun && !receiving;
}
