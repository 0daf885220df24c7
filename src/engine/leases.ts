import { ProtocolError } from '../errors.ts';
import { giveUp } from '../memory/parcels.ts';
import type { Job, Lease } from './task.ts';

/** Items that are out of a worker's hands again, by where they stand. */
export interface Returned {
  readonly job: Job;
  readonly from: number;
  readonly to: number;
  readonly attempt: number;
}

/**
 * What one worker holds: the part of the ledger that says which items it owes an answer for. An item leaves in exactly one
 * of three ways: settled, taken back, or lost with the worker.
 */
export class Leases {
  /** Oldest first; those before `#head` are done. */
  #leases: Lease[] = [];
  #head = 0;
  /** The sequence number of the next item to be sent. */
  next = 0;
  /** Items without an answer. */
  open = 0;
  /** The sequence number of the last item that was moved to the worker. */
  lastMoved = -1;

  get batches(): number {
    return this.#leases.length - this.#head;
  }

  /** Marks an item whose outcome was decided without the worker. */
  abandon(lease: Lease, sequence: number): void {
    (lease.abandoned ??= new Set()).add(sequence);
  }

  /** Items without an answer that somebody waits for. */
  get owed(): number {
    let count = this.open;
    for (const lease of this) for (const sequence of lease.abandoned ?? []) if (this.isOpen(lease, sequence)) count--;
    return count;
  }

  /** Whether somebody waits for any of a lease. */
  owes(lease: Lease): boolean {
    let open = lease.count - lease.settled;
    for (const sequence of lease.abandoned ?? []) if (this.isOpen(lease, sequence)) open--;
    return open > 0;
  }

  *[Symbol.iterator](): Generator<Lease> {
    for (let i = this.#head; i < this.#leases.length; i++) yield this.#leases[i]!;
  }

  /** Enters a lease whose items have been sent. */
  add(lease: Lease): void {
    this.#leases.push(lease);
    this.next = lease.sequence + lease.count;
    this.open += lease.count;
    if (lease.moved) this.lastMoved = lease.sequence + lease.count - 1;
  }

  /** The lease that an item with this sequence number belongs to. */
  find(sequence: number): Lease {
    const lease = this.#at(sequence);
    if (lease !== undefined) return lease;
    throw new ProtocolError(`A worker answered task ${sequence} of its channel, which it does not hold.`);
  }

  /** The same, if the item still has no answer. */
  holding(sequence: number): Lease | undefined {
    const lease = this.#at(sequence);
    return lease !== undefined && this.isOpen(lease, sequence) ? lease : undefined;
  }

  #at(sequence: number): Lease | undefined {
    // Answers come mostly in order: the oldest lease first, then by bisection.
    const oldest = this.#leases[this.#head];
    if (oldest !== undefined && holds(oldest, sequence)) return oldest;
    let low = this.#head;
    let high = this.#leases.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const lease = this.#leases[middle]!;
      if (holds(lease, sequence)) return lease;
      if (lease.sequence > sequence) high = middle - 1;
      else low = middle + 1;
    }
    return undefined;
  }

  /** Marks consecutive items of a lease as settled: all, or none when one of them was before. */
  settleRun(lease: Lease, sequence: number, count: number): void {
    if (sequence - lease.sequence !== lease.inOrder || lease.outOfOrder !== undefined) {
      for (let i = 0; i < count; i++) if (!this.isOpen(lease, sequence + i)) throw answeredTwice(sequence + i);
      for (let i = 0; i < count; i++) this.settle(lease, sequence + i);
      return;
    }
    lease.inOrder += count;
    lease.settled += count;
    this.open -= count;
    if (lease.settled === lease.count) this.#done(lease);
  }

  /** Marks an item as settled; a second answer is a protocol error. */
  settle(lease: Lease, sequence: number): void {
    const offset = sequence - lease.sequence;
    if (offset === lease.inOrder) {
      lease.inOrder++;
      while (lease.outOfOrder?.delete(lease.inOrder) === true) lease.inOrder++;
    } else {
      if (offset < lease.inOrder || lease.outOfOrder?.has(offset) === true) throw answeredTwice(sequence);
      (lease.outOfOrder ??= new Set()).add(offset);
    }
    lease.settled++;
    this.open--;
    if (lease.settled === lease.count) this.#done(lease);
  }

  #done(lease: Lease): void {
    over(lease);
    this.#trim();
  }

  #trim(): void {
    while (this.#head < this.#leases.length) {
      const lease = this.#leases[this.#head]!;
      if (lease.settled < lease.count) break;
      this.#head++;
    }
    if (this.#head === this.#leases.length) {
      // What is done must not be kept by an idle worker: its function may hold on to anything.
      this.#leases.length = 0;
      this.#head = 0;
    } else if (this.#head > 32 && this.#head * 2 > this.#leases.length) {
      this.#leases = this.#leases.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Removes the items from `sequence` on, which the worker will not begin, newest lease last. Returns those that have no outcome. */
  cut(sequence: number): Returned[] {
    const returned: Returned[] = [];
    for (let i = this.#leases.length - 1; i >= this.#head; i--) {
      const lease = this.#leases[i]!;
      if (lease.sequence + lease.count <= sequence) break;
      const keep = Math.max(0, sequence - lease.sequence);
      returned.unshift(...wanted(lease, keep));
      this.open -= lease.count - keep;
      lease.count = keep;
      if (lease.settled === keep) over(lease);
      if (keep === 0) this.#leases.length = i;
      else break;
    }
    this.#trim();
    return returned;
  }

  /** Removes and hands over all items without an answer, each with its sequence number. */
  *drain(): Generator<{ readonly lease: Lease; readonly sequence: number }> {
    const leases = this.#leases.slice(this.#head);
    this.#leases = [];
    this.#head = 0;
    this.open = 0;
    for (const lease of leases) {
      over(lease);
      for (let offset = lease.inOrder; offset < lease.count; offset++) {
        if (lease.outOfOrder?.has(offset) !== true) yield { lease, sequence: lease.sequence + offset };
      }
    }
  }

  /** Whether an item still has no answer. */
  isOpen(lease: Lease, sequence: number): boolean {
    const offset = sequence - lease.sequence;
    return offset >= lease.inOrder && offset < lease.count && lease.outOfOrder?.has(offset) !== true;
  }
}

/** The items of a lease from `offset` on that have no outcome. */
function wanted({ job, from, count, sequence, attempt, abandoned }: Lease, offset: number): Returned[] {
  if (abandoned === undefined) return [{ job, from: from + offset, to: from + count, attempt }];
  const returned: Returned[] = [];
  for (let i = offset; i < count; i++)
    if (!abandoned.has(sequence + i)) returned.push({ job, from: from + i, to: from + i + 1, attempt });
  return returned;
}

/** What its message had on its way has arrived, or never will. */
function over({ parcels }: Lease): void {
  if (parcels !== undefined) giveUp(parcels);
}

function answeredTwice(sequence: number): ProtocolError {
  return new ProtocolError(`A worker answered task ${sequence} of its channel twice.`);
}

function holds(lease: Lease, sequence: number): boolean {
  return sequence >= lease.sequence && sequence < lease.sequence + lease.count;
}
