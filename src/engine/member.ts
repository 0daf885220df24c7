import { ProtocolError } from '../errors.ts';
import { stealAfterMs } from '../limits.ts';
import { Leases } from './leases.ts';
import type { Job, Lease, Link, Segment } from './task.ts';

/**
 * starting -> ready -> draining -> ending -> (gone)
 *
 * starting: sent work waits until the worker is up. draining: gets no more work and is closed when it has answered all.
 * ending: was asked to end or is being killed.
 */
export type MemberState = 'starting' | 'ready' | 'draining' | 'ending';

/** One worker, as the host's heap knows it: nothing here is read from shared memory. */
export interface Member {
  readonly id: number;
  /** Its place in the crew, from 0 to `max - 1`: who replaces it takes it over. */
  readonly seat: number;
  /** Who has the seat until it is done. */
  predecessor: Member | undefined;
  /** Another is to take its place. It goes on with its work: until that one is up, or (`recycle`) until its tasks are used up. */
  outgoing: RetireReason | undefined;
  readonly link: Link;
  readonly leases: Leases;
  readonly startedMs: number;
  state: MemberState;
  /** When it came up: also one that drains may not have yet. */
  bootedMs: number | undefined;
  /** What its initializer took, as it told. */
  initializerMs: number;
  /** What the tasks took that it has answered. */
  workedMs: number;
  pid: number | undefined;
  /** It begins nothing any more: an error that belongs to no task has put its state in doubt. */
  stopped: boolean;
  /** Tasks until it is recycled. */
  tasksLeft: number;
  /** Items that it has answered. */
  finished: number;
  /** Since when it has nothing to do. */
  idleSinceMs: number;
  /** Work that only this worker may do. */
  readonly pinned: Segment[];
  /** What it was told to stop, and may not have stopped yet. */
  stopping: { readonly lease: Lease; readonly sequence: number }[];
  /** What it had begun when it was last looked at for stealing. */
  lastBegun: number;
  /** Since when it was seen to begin nothing, and how long it may. */
  stalledSinceMs: number;
  patienceMs: number;
  /** Why it gets no more work. */
  retiredFor: RetireReason | undefined;
  /** Why it was asked to end. A worker that dies without is a loss, also while it drains. */
  endedFor: RetireReason | 'timeout' | 'abort' | 'boot' | undefined;
  /** What it is killed for, in words, when its tasks are to be told. */
  killedFor: string | undefined;
  /** Cancels its timer, the only one at a time: for its boot, for its end after `close`, for its end after SIGTERM. */
  timer: (() => void) | undefined;
}

export type RetireReason = 'close' | 'recycle' | 'memory' | 'age';

export function newMember(
  id: number,
  link: Link,
  now: number,
  tasks: number,
  { seat, predecessor }: Pick<Member, 'seat' | 'predecessor'>,
): Member {
  return {
    id,
    seat,
    predecessor,
    outgoing: undefined,
    link,
    leases: new Leases(),
    startedMs: now,
    state: 'starting',
    bootedMs: undefined,
    initializerMs: 0,
    workedMs: 0,
    stopped: false,
    pid: undefined,
    tasksLeft: tasks,
    finished: 0,
    idleSinceMs: now,
    pinned: [],
    stopping: [],
    lastBegun: -1,
    stalledSinceMs: now,
    patienceMs: stealAfterMs.first,
    retiredFor: undefined,
    endedFor: undefined,
    killedFor: undefined,
    timer: undefined,
  };
}

export function takesWork(member: Member): boolean {
  return (member.state === 'starting' || member.state === 'ready') && member.tasksLeft > 0;
}

/** It takes work or will, and keeps its seat. */
export function isActive({ state, outgoing }: Member): boolean {
  return (state === 'starting' || state === 'ready') && outgoing === undefined;
}

/** Whether who had its seat before is still at work. */
export function sharesSeat({ predecessor }: Member): boolean {
  return predecessor !== undefined && predecessor.leases.open > 0 && predecessor.retiredFor !== 'close';
}

/** Whether it comes to what it is sent at once. */
export function isFree({ bootedMs, leases }: Member, concurrency: number): boolean {
  return bootedMs !== undefined && leases.open < concurrency;
}

/** Whether what it has not begun can be taken back: what was moved to it is nowhere else. */
export function canReturn({ link, leases }: Member): boolean {
  return link.canTakeBack && (leases.lastMoved < 0 || leases.lastMoved < link.begun());
}

export function isIdle(member: Member): boolean {
  return member.leases.open === 0;
}

/** How many items it runs: what it was sent and has begun. */
export function runningOf({ leases, link }: Member): number {
  return Math.max(0, leases.open - Math.max(0, leases.next - link.begun()));
}

/** What a worker has spent its time with, in milliseconds; all 0 until it is up. */
export interface WorkerTimes {
  /** From its start until it was up, without its initializer. */
  readonly startUpMs: number;
  readonly initializerMs: number;
  /** With tasks, the present ones included; those that ran at once are added up. */
  readonly workingMs: number;
  /** The rest of the time since it was up. */
  readonly waitingMs: number;
}

export function timesOf(
  { state, startedMs, bootedMs, initializerMs, workedMs, link }: Member,
  now: number,
): WorkerTimes {
  if (bootedMs === undefined) return { startUpMs: 0, initializerMs: 0, workingMs: 0, waitingMs: 0 };
  let workingMs = workedMs;
  // What the page says of one that was killed is what it did last.
  if (state !== 'ending') for (const { sinceMs } of link.running()) workingMs += Math.max(0, now - sinceMs);
  return {
    startUpMs: bootedMs - startedMs - initializerMs,
    initializerMs,
    workingMs,
    waitingMs: Math.max(0, now - bootedMs - workingMs),
  };
}

/** Takes out the pinned work of a job. */
export function removePinned(member: Member, job: Job): Segment[] {
  const mine = member.pinned.filter((segment) => segment.job === job);
  if (mine.length > 0) member.pinned.splice(0, Infinity, ...member.pinned.filter((segment) => segment.job !== job));
  return mine;
}

export function holdsJob(member: Member, job: Job): boolean {
  for (const lease of member.leases) if (lease.job === job) return true;
  return false;
}

/** Whether it was sent some of these jobs that it has not begun. */
export function awaitsOne({ link, leases }: Member, jobs: ReadonlySet<Job>): boolean {
  const begun = link.begun();
  for (const { job, sequence, count } of leases) if (sequence + count > begun && jobs.has(job)) return true;
  return false;
}

/** Whether it goes on with something that it was told to stop, and so may be ended soon. */
export function isStopping(member: Member): boolean {
  const { leases, stopping } = member;
  if (stopping.length > 0) member.stopping = stopping.filter(({ lease, sequence }) => leases.isOpen(lease, sequence));
  return member.stopping.length > 0;
}

/** The open items of a lease that were not given up before. */
export function openSequences(member: Member, lease: Lease): number[] {
  const sequences: number[] = [];
  for (let sequence = lease.sequence; sequence < lease.sequence + lease.count; sequence++) {
    if (member.leases.isOpen(lease, sequence) && lease.abandoned?.has(sequence) !== true) sequences.push(sequence);
  }
  return sequences;
}

/** It cannot be taken back any more. */
export function hasBegun({ link }: Member, sequence: number): boolean {
  return sequence < link.begun();
}

/** The worker is or was at it: items that begin together are run one after the other. */
export function isCurrent({ link }: Member, sequence: number): boolean {
  return sequence < link.begun() && sequence <= link.current();
}

/** An answer to what has not begun would be given twice: that item can still be taken back. */
export function checkBegun(member: Member, sequence: number, count: number): void {
  if (sequence + count <= member.link.begun()) return;
  throw new ProtocolError(`A worker answered task ${sequence + count - 1} of its channel, which it has not begun.`);
}
