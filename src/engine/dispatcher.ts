import { batchesInFlight, growAfterMs, stealAfterMs } from '../limits.ts';
import { batchSize } from './batching.ts';
import type { Clock } from './clock.ts';
import { canReturn, isFree, isIdle, isStopping, sharesSeat, takesWork, type Member } from './member.ts';
import type { ReadyQueue } from './ready-queue.ts';
import type { Job, Lease, Link, Segment } from './task.ts';

export interface DispatcherOptions {
  readonly queue: ReadyQueue;
  readonly members: ReadonlySet<Member>;
  readonly clock: Clock;
  /** How many workers there may be now, for `resize` changes it. */
  readonly size: { readonly max: number };
  /** Tasks that one worker runs at once. */
  readonly concurrency: number;
  /** An item could not be encoded. */
  readonly refuse: (job: Job, index: number, attempt: number, error: Error) => void;
  /** Items were given to a member. */
  readonly sent: (member: Member, lease: Lease) => void;
  /** Items were taken back from a member. */
  readonly returned: (member: Member) => void;
  /** Whether another worker could be started. */
  readonly canGrow: () => boolean;
  /** Hands out anew, starting workers if need be. */
  readonly dispatch: () => void;
}

/** Decides which worker gets which items, and how many at once. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  /** What is to be done when the arguments of a batch have been encoded; undefined while none is. */
  #deferred: (() => void)[] | undefined;
  #stealing: (() => void) | undefined;
  /** Jobs that move what they send: they go to workers that are free. */
  readonly #moving = new WeakSet<Job>();

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
        if (member.state === 'ending' || member.stopped) break;
        const here = segment;
        const sent = this.#send(member, here, here.to - here.from, (count) => {
          here.from += count;
          // Before a refusal is told: who hears of it may look for what is pinned.
          if (here.from >= here.to) member.pinned.shift();
        });
        if (!sent) break;
        touched.add(member);
      }
    }
    for (let segment = queue.front(); segment !== undefined; segment = queue.front()) {
      const member = this.#leastLoaded(segment.job);
      if (member === undefined) break;
      const here = segment;
      if (this.#send(member, here, this.#count(member, here), (count) => queue.take(here, count))) touched.add(member);
    }
    for (const member of touched) member.link.flush();
    if (queue.length === 0) this.#watchForStealing();
  }

  /**
   * To encode arguments runs the user's getters, which may do anything to the pool while its items are neither here nor there.
   * Returns whether `step` has to wait, and then does it as soon as they are somewhere.
   */
  defer(step: () => void): boolean {
    this.#deferred?.push(step);
    return this.#deferred !== undefined;
  }

  get isEncoding(): boolean {
    return this.#deferred !== undefined;
  }

  #leastLoaded(job: Job): Member | undefined {
    const free = this.#free();
    let best: Member | undefined;
    for (const member of this.#options.members) {
      if (!this.#hasRoom(member, job, free)) continue;
      if (best === undefined || load(member) < load(best)) best = member;
      if (load(best) === 0) break;
    }
    return best;
  }

  /**
   * How many tasks may be begun. A replacement gets what the worker that it replaces leaves, until that is done: never more
   * than `max` are at work.
   */
  #free(): number {
    const { members, concurrency, size } = this.#options;
    let used = 0;
    let leaving = concurrency === 1;
    for (const { state, leases, retiredFor, outgoing } of members) {
      if (state === 'ending' || retiredFor === 'close') continue;
      leaving ||= state === 'draining' || outgoing !== undefined;
      used += Math.min(leases.open, concurrency);
    }
    return leaving ? size.max * concurrency - used : Infinity;
  }

  #hasRoom(member: Member, job: Job, free: number): boolean {
    if (!takesWork(member)) return false;
    const { concurrency } = this.#options;
    const { open, batches } = member.leases;
    if (isStopping(member)) return false;
    if (this.#moving.has(job) && !isFree(member, concurrency)) return false;
    if (free <= 0 && (open === 0 || concurrency > 1)) return false;
    // A chunk takes all slots of its worker.
    if (job.terms.chunkSize !== undefined && free < concurrency - open) return false;
    if (open === 0) return member.state === 'ready' || canReturn(member);
    if (member.state === 'starting') return false;
    const { meanMs } = job.terms.timing;
    // Long tasks wait in the queue, where they make an elastic pool grow.
    const short = meanMs !== undefined && meanMs < growAfterMs;
    const ahead = short || !this.#options.canGrow();
    if (concurrency > 1) return open < concurrency * (ahead ? batchesInFlight : 1);
    // What waits behind a task of unknown length may wait long; it is only sent ahead if it can be taken back.
    return batches < batchesInFlight && meanMs !== undefined && ahead && canReturn(member);
  }

  #count(member: Member, segment: Segment): number {
    const { queue, members, concurrency } = this.#options;
    const { job, from, to } = segment;
    const available = to - from;
    if (job.terms.chunkSize !== undefined)
      return Math.min(available, job.terms.chunkSize - (from % job.terms.chunkSize));
    let count = batchSize(job.terms.timing, queue.length, members.size, job.growing);
    if (concurrency > 1) {
      const room = Math.min(this.#free(), concurrency * batchesInFlight - member.leases.open);
      count = Math.max(1, Math.min(Math.ceil(queue.length / members.size), room));
    }
    return Math.min(count, available, member.tasksLeft);
  }

  /** False when nothing was sent nor refused: what moves waits for a worker that is free. */
  #send(member: Member, segment: Segment, count: number, advance: (count: number) => void): boolean {
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
      ahead: !isFree(member, this.#options.concurrency),
      moved: false,
    };
    const deferred: (() => void)[] = [];
    this.#deferred = deferred;
    let sent: ReturnType<Link['send']>;
    try {
      sent = member.link.send(lease);
    } finally {
      this.#deferred = undefined;
    }
    const { taken, error } = sent;
    lease.count = taken;
    const waits = taken === 0 && error === undefined;
    if (waits) this.#moving.add(job);
    else advance(error === undefined ? taken : taken + 1);
    if (taken > 0) {
      if (isIdle(member)) member.stalledSinceMs = this.#options.clock.now();
      member.leases.add(lease);
      member.tasksLeft -= job.terms.chunkSize === undefined ? taken : 1;
      this.#options.sent(member, lease);
    }
    if (error !== undefined) this.#options.refuse(job, from + taken, attempt, error);
    for (const step of deferred) step();
    return !waits;
  }

  /**
   * When a worker is idle and nothing waits, what another one was sent and does not get to is taken back: a long task
   * never holds up the small ones behind it. When none is idle but another could be started, only what is behind a task of
   * unknown or long run time: the rest would be sent to the same worker again.
   */
  #watchForStealing(): void {
    if (this.#stealing !== undefined) return;
    const free = this.#someoneIsFree();
    if (!free && !this.#options.canGrow()) return;
    const now = this.#options.clock.now();
    let dueMs = Infinity;
    for (const member of this.#options.members) {
      if (!stealable(member, free)) continue;
      const begun = member.link.begun();
      if (begun !== member.lastBegun) {
        member.lastBegun = begun;
        member.stalledSinceMs = now;
        member.patienceMs = stealAfterMs.first;
      }
      dueMs = Math.min(dueMs, member.stalledSinceMs + member.patienceMs);
    }
    if (dueMs < Infinity) this.#stealing = this.#options.clock.after(Math.max(1, dueMs - now), () => this.#steal());
  }

  #someoneIsFree(): boolean {
    if (this.#free() <= 0) return false;
    for (const member of this.#options.members)
      if (member.state === 'ready' && takesWork(member) && isIdle(member)) return true;
    return false;
  }

  #steal(): void {
    this.#stealing = undefined;
    const free = this.#someoneIsFree();
    if (this.#options.queue.length > 0 || (!free && !this.#options.canGrow())) return;
    // A timer may be a millisecond early.
    const dueMs = this.#options.clock.now() + 1;
    for (const member of this.#options.members) {
      if (!stealable(member, free) || member.link.begun() !== member.lastBegun) continue;
      if (member.stalledSinceMs + member.patienceMs > dueMs) continue;
      const receiving = isReceiving(member);
      if (!receiving || member.patienceMs >= stealAfterMs.receiving) this.takeBack(member);
      member.stalledSinceMs = this.#options.clock.now();
      if (receiving) member.patienceMs = Math.min(member.patienceMs * 2, stealAfterMs.last);
    }
    this.#options.dispatch();
  }

  /** Puts what a worker has not begun back into the queue. */
  takeBack(member: Member): void {
    if (!canReturn(member)) return;
    const { leases } = member;
    const first = member.link.takeBack(leases.next);
    member.lastBegun = leases.next;
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
  const { leases, state } = member;
  return leases.open + (state === 'starting' ? 0.5 : 0) + (sharesSeat(member) ? 0.25 : 0);
}

/**
 * A worker that is up and runs nothing of what it holds wakes or decodes, or is stopped. Taking that back soon would only send
 * it on its way again, and what takes long to arrive would travel to and fro for ever.
 */
function isReceiving({ bootedMs, leases, link }: Member): boolean {
  return bootedMs !== undefined && leases.open > 0 && leases.open === leases.next - link.begun();
}

function stealable(member: Member, free: boolean): boolean {
  if (member.leases.open === 0 || !canReturn(member)) return false;
  if (!free && member.bootedMs === undefined) return false;
  const begun = member.link.begun();
  if (member.leases.next <= begun) return false;
  for (const { job, sequence, count } of member.leases) {
    const { pinned, timing } = job.terms;
    // What only this worker may do would come back to it, again and again.
    if (pinned !== undefined || sequence + count <= begun) continue;
    if (free || timing.meanMs === undefined || timing.meanMs >= growAfterMs) return true;
  }
  return false;
}
