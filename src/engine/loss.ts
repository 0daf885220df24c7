import { PoolBrokenError } from '../errors.ts';
import { poisonDeaths } from '../limits.ts';
import type { Agenda } from './agenda.ts';
import type { Member } from './member.ts';
import type { ReadyQueue } from './ready-queue.ts';
import type { Job, Loss, Segment, WorkerExit } from './task.ts';

interface Item {
  readonly job: Job;
  readonly index: number;
  readonly attempt: number;
}

interface LostItem extends Item {
  readonly loss: Loss;
  /** What it takes is not here any more. */
  readonly moved: boolean;
  /** So many workers have died of reading it. */
  readonly deaths?: number;
}

/**
 * Empties a dead worker's hands: what had not begun may go back into the queue, in order, unless so many workers have died of
 * reading it that all would; the rest is lost. What was given up before is over.
 */
export function takeHeld(
  member: Member,
  exit: WorkerExit,
  died: (job: Job, index: number) => number,
): { back: Item[]; losses: LostItem[]; over: Item[] } {
  const begun = member.link.begun();
  const current = member.link.current();
  // A signal that others send says nothing of what was read.
  const isKilled = exit.signal === 'SIGKILL' || exit.signal === 'SIGTERM';
  const reading = isKilled ? undefined : member.link.reading();
  const back: Item[] = [];
  const losses: LostItem[] = [];
  const over: Item[] = [];
  const { id: workerId, pid, killedFor } = member;
  const oomHint = exit.oomHint || killedFor !== undefined;
  const loss = (phase: Loss['phase']): Loss => ({ ...exit, oomHint, workerId, pid, phase, killedFor });
  for (const { lease, sequence } of member.leases.drain()) {
    const { job, attempt, moved } = lease;
    const index = lease.from + sequence - lease.sequence;
    if (lease.abandoned?.has(sequence) === true) {
      over.push({ job, index, attempt });
      continue;
    }
    const hasBegun = sequence < begun && sequence <= current;
    if (hasBegun) losses.push({ job, index, attempt, moved, loss: loss(sequence < current ? 'reply' : 'running') });
    else if (moved || job.terms.pinned !== undefined)
      losses.push({ job, index, attempt, moved, loss: loss('dispatch') });
    else {
      const deaths = sequence === reading ? died(job, index) : 0;
      if (deaths < poisonDeaths) back.push({ job, index, attempt });
      else losses.push({ job, index, attempt, moved, loss: loss('dispatch'), deaths });
    }
  }
  for (const { job, from } of member.pinned.splice(0))
    losses.push({ job, index: from, attempt: 1, moved: false, loss: loss('dispatch') });
  return { back, losses, over };
}

/** Empties the ledger: all that has no outcome yet. */
export function takeEverything(
  queue: ReadyQueue,
  agenda: Agenda,
  members: ReadonlySet<Member>,
): Pick<Segment, 'job' | 'from' | 'to'>[] {
  const left: Pick<Segment, 'job' | 'from' | 'to'>[] = queue.remove(undefined);
  for (const { job, index } of agenda.remove(undefined)) left.push({ job, from: index, to: index + 1 });
  for (const member of members) {
    left.push(...member.pinned.splice(0));
    for (const { lease, sequence } of member.leases.drain()) {
      if (lease.abandoned?.has(sequence) === true) continue;
      const from = lease.from + sequence - lease.sequence;
      left.push({ job: lease.job, from, to: from + 1 });
    }
  }
  return left;
}

export function brokenError(deaths: number, last: WorkerExit): PoolBrokenError {
  const cause = last.bootError ?? last.protocolError;
  const how =
    cause === undefined ? `ended with ${describeExit(last)}` : `failed to start (${cause.name}: ${cause.message})`;
  const advice =
    cause === undefined
      ? 'Find the task that ends its worker (the errors of the tasks before name it)'
      : 'Correct what made them fail, such as the initializer';
  const message = `${deaths} workers in a row ${how}. Stopped restarting. ${advice}, and make a new pool.`;
  return new PoolBrokenError(message, cause === undefined ? {} : { cause });
}

function describeExit({ exitCode, signal }: WorkerExit): string {
  return signal === null ? `exit code ${String(exitCode)}` : signal;
}
