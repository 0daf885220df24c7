import type { Agenda } from './agenda.ts';
import { isIdle, runningOf, type Member } from './member.ts';
import type { ReadyQueue } from './ready-queue.ts';
import type { Job } from './task.ts';

/** What has no outcome yet, wherever it is: in the queue, in the agenda, with a worker. */
export class Holdings {
  readonly #queue: ReadyQueue;
  readonly #agenda: Agenda;
  readonly #members: ReadonlySet<Member>;

  constructor(queue: ReadyQueue, agenda: Agenda, members: ReadonlySet<Member>) {
    this.#queue = queue;
    this.#agenda = agenda;
    this.#members = members;
  }

  /** Items that no worker has. */
  get waiting(): number {
    return this.#queue.length + this.#agenda.parked;
  }

  get any(): boolean {
    if (this.waiting > 0) return true;
    for (const { leases, pinned } of this.#members) if (leases.open > 0 || pinned.length > 0) return true;
    return false;
  }

  /** Whether a worker has to do with any, or with what is left of one. */
  get busy(): boolean {
    for (const member of this.#members) if (!isIdle(member)) return true;
    return false;
  }

  /** How many there are, and how many of them run. */
  progress(): { readonly open: number; readonly running: number } {
    let open = this.waiting;
    let running = 0;
    for (const member of this.#members) {
      open += member.leases.open;
      running += runningOf(member);
    }
    return { open, running };
  }

  /** How many somebody waits for: not those that a worker is at, although they were given up. */
  get owed(): number {
    let count = this.waiting;
    for (const { leases, pinned } of this.#members) count += leases.owed + pinned.length;
    return count;
  }

  /** The earliest job that is not done. */
  unfinished(): Job | undefined {
    let earliest: Job | undefined;
    const look = ({ job }: { readonly job: Job }): void => {
      if (earliest === undefined || job.firstTaskId < earliest.firstTaskId) earliest = job;
    };
    for (const segment of this.#queue.segments()) look(segment);
    for (const parked of this.#agenda.items()) look(parked);
    for (const { leases, pinned } of this.#members) {
      pinned.forEach(look);
      for (const lease of leases) if (leases.owes(lease)) look(lease);
    }
    return earliest;
  }

  /** Says of a job whether some of it has not begun, or has no answer. */
  awaiting(): (job: Job) => boolean {
    const sent = new Set<Job>();
    for (const { leases, pinned } of this.#members) {
      for (const { job } of leases) sent.add(job);
      for (const { job } of pinned) sent.add(job);
    }
    return (job) => sent.has(job) || this.#queue.has(job);
  }
}
