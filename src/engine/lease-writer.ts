import { FrameTooLargeError } from '../errors.ts';
import { maxFrameBytes, maxKnownFunctions } from '../limits.ts';
import { giveUp } from '../memory/parcels.ts';
import { encodeColumn } from '../wire/column.ts';
import { RunFlag, ToWorker } from '../wire/messages.ts';
import type { Outbox } from '../wire/outbox.ts';
import { tooLarge } from '../wire/writer.ts';
import type { FunctionHandle } from './functions.ts';
import { socketsOf, type SocketLedger } from './socket-ledger.ts';
import type { Job, Lease, Terms } from './task.ts';

/** What it takes to send a call's items for real. */
export interface WireTerms extends Terms {
  readonly fn: FunctionHandle;
  /** Items are lists of arguments, not single ones. */
  readonly spread: boolean;
  /** Each item is a call of its own. */
  readonly separate: boolean;
}

export interface WireJob extends Job {
  readonly terms: WireTerms;
  /** The items from `from` on; `values[offset]` is the first. */
  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number };
}

/** Writes leases as records for one worker, which is told of functions before it needs them. */
export class LeaseWriter {
  readonly #outbox: Outbox;
  readonly #sockets: SocketLedger;
  readonly #known = new Set<number>();
  /** Jobs whose items have sockets: they are sent one by one. */
  readonly #single = new WeakSet<WireJob>();

  constructor(outbox: Outbox, sockets: SocketLedger) {
    this.#outbox = outbox;
    this.#sockets = sockets;
  }

  /** See `Link.send`. */
  write(lease: Lease): { readonly taken: number; readonly error?: Error } {
    const job = lease.job as WireJob;
    const count = this.#single.has(job) ? 1 : lease.count;
    let refused = this.#write(lease, job, count);
    if (refused === 'sockets') {
      // Each of these items is one by itself, which may begin, fail or come back without the others.
      this.#single.add(job);
      refused = this.#write(lease, job, 1);
    }
    const wanted = this.#single.has(job) ? 1 : count;
    if (!(refused instanceof Refused)) return { taken: wanted };
    const taken = refused.index;
    // Those before it are written anew; they went well a moment ago.
    if (taken > 0) this.#write(lease, job, taken);
    return { taken, error: refused.reason };
  }

  /** Writes `count` items of a lease, or nothing of it. `sockets`: there are some among several items. */
  #write(lease: Lease, job: WireJob, count: number): Refused | 'sockets' | undefined {
    const { body, encoder } = this.#outbox;
    const start = body.length;
    const first = encoder.attachments.length;
    const firstParcel = encoder.parcels.length;
    const { values, offset } = job.items(lease.from);
    try {
      this.#introduce(job.terms.fn, lease.sequence);
      const flags = this.#header(lease, job, count);
      const failure = encodeColumn(encoder, body, values, offset, offset + count, 'args');
      const sockets = encoder.attachments.length > first && socketsOf(encoder.attachments.slice(first)).length > 0;
      if (sockets && count > 1) return this.#takeOut(start, first, firstParcel, 'sockets');
      if (failure !== undefined) throw new Refused(failure.index - offset, failure.error);
      this.#outbox.defineUsed(lease.sequence);
      this.#checkSize();
      if (sockets) this.#sendSockets(lease.sequence, first, flags);
      if (encoder.parcels.length > firstParcel) lease.parcels = encoder.parcels.splice(firstParcel);
      return undefined;
    } catch (error) {
      return this.#takeOut(
        start,
        first,
        firstParcel,
        error instanceof Refused ? error : new Refused(count - 1, error as Error),
      );
    }
  }

  #takeOut<R>(start: number, first: number, firstParcel: number, why: R): R {
    const { body, encoder } = this.#outbox;
    body.length = start;
    encoder.attachments.length = first;
    giveUp(encoder.parcels.splice(firstParcel));
    return why;
  }

  /** The attachments from `first` on that are sockets belong to one item. */
  #sendSockets(sequence: number, first: number, flagsAt: number): void {
    const { body, encoder } = this.#outbox;
    const { attachments } = encoder;
    const places = attachments.flatMap(({ socket }, i) => (i >= first && socket !== undefined ? [i] : []));
    const sockets = socketsOf(attachments.slice(first));
    this.#sockets.check(sockets);
    body.bytes[flagsAt]! |= RunFlag.sockets;
    body.varint(places.length);
    for (const place of places) body.varint(place);
    this.#sockets.add(sequence, sockets);
  }

  /** Returns where the flags are. */
  #header(lease: Lease, job: WireJob, count: number): number {
    const { body } = this.#outbox;
    body.u8(ToWorker.run);
    body.varint(job.terms.fn.number);
    body.varint(job.firstTaskId);
    body.varint(lease.sequence);
    body.varint(count);
    body.varint(job.firstTaskId + lease.from);
    body.varint(lease.attempt);
    body.u8(
      (job.terms.spread ? RunFlag.spread : 0) |
        (job.terms.chunkSize === undefined ? 0 : RunFlag.whole) |
        (job.terms.timeoutMs === undefined ? 0 : RunFlag.timed) |
        (job.terms.separate ? RunFlag.separate : 0),
    );
    return body.length - 1;
  }

  #checkSize(): void {
    const bytes = this.#outbox.encoder.attachments.reduce(
      (sum, { buffer }) => sum + buffer.byteLength,
      this.#outbox.body.length,
    );
    if (bytes > maxFrameBytes) throw new FrameTooLargeError(tooLarge(bytes));
  }

  /** Makes a function known to the worker, which forgets the one that it has known longest. */
  #introduce(fn: FunctionHandle, sequence: number): void {
    if (this.#known.has(fn.number)) return;
    const { head, encoder } = this.#outbox;
    this.#outbox.define(fn.message.definitions, sequence);
    head.u8(ToWorker.function);
    head.varint(fn.number);
    head.varint(sequence);
    head.u8(fn.constant ? 1 : 0);
    const start = head.length;
    head.u32(0);
    fn.message.embed(encoder, head);
    head.u32At(start, head.length - start - 4);
    this.#known.add(fn.number);
    if (this.#known.size <= maxKnownFunctions) return;
    const oldest = this.#known.values().next().value!;
    this.#known.delete(oldest);
    head.u8(ToWorker.forget);
    head.varint(oldest);
  }
}

class Refused {
  readonly index: number;
  readonly reason: Error;

  constructor(index: number, reason: Error) {
    this.index = index;
    this.reason = reason;
  }
}
