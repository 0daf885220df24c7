import { FrameTooLargeError } from '../errors.ts';
import { maxFrameBytes, maxKnownFunctions } from '../limits.ts';
import { encodeColumn } from '../wire/column.ts';
import { RunFlag, ToWorker } from '../wire/messages.ts';
import { EncodedMessage } from '../wire/encoded-message.ts';
import type { Attachment } from '../wire/encoder.ts';
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
}

export interface WireJob extends Job {
  readonly terms: WireTerms;
  /** The items from `from` on; `values[offset]` is the first. */
  items(from: number): { readonly values: ArrayLike<unknown>; readonly offset: number };
}

const none: readonly Attachment[] = [];

/** Why a lease could not be written as it is. */
interface Refusal {
  /** The item that it is about; undefined: which one is not known. */
  readonly index: number | undefined;
  readonly error: Error;
}

/** Writes leases as records for one worker, which is told of functions before it needs them. */
export class LeaseWriter {
  readonly #outbox: Outbox;
  readonly #sockets: SocketLedger;
  readonly #flush: () => void;
  /** The functions that the worker knows, the one that was used last at the end. */
  readonly #known = new Set<number>();
  #lastUsed = 0;
  /** Jobs whose items have sockets, or buffers that move: they are sent one by one. */
  readonly #single = new WeakSet<WireJob>();

  /** @param flush - Lets what is in the outbox leave. */
  constructor(outbox: Outbox, sockets: SocketLedger, flush: () => void) {
    this.#outbox = outbox;
    this.#sockets = sockets;
    this.#flush = flush;
  }

  /** See `Link.send`. */
  write(lease: Lease): { readonly taken: number; readonly error?: Error } {
    const job = lease.job as WireJob;
    this.#introduce(job.terms.fn, lease.sequence);
    let count = this.#single.has(job) ? 1 : lease.count;
    let behind: Error | undefined;
    // Only what was written in the end is taken: getters may say something else each time.
    for (;;) {
      const refusal = this.#write(lease, job, count);
      if (refusal === undefined) return behind === undefined ? { taken: count } : { taken: count, error: behind };
      if (refusal === 'ahead') return { taken: 0 };
      if (refusal === 'single') {
        // Each of these items is one by itself, which may begin, fail or come back without the others.
        this.#single.add(job);
        count = 1;
        behind = undefined;
        continue;
      }
      const { index, error } = refusal;
      if (error instanceof FrameTooLargeError && !this.#outbox.empty) this.#flush();
      else if (index === undefined && count > 1) {
        count = Math.ceil(count / 2);
        behind = undefined;
      } else if (index === undefined || index === 0) return { taken: 0, error };
      else {
        count = index;
        behind = error;
      }
    }
  }

  /**
   * Writes `count` items of a lease, or nothing of it. `single`: some of them do not travel with others; `ahead`: it moves
   * something, which only a worker may have that comes to it at once.
   */
  #write(lease: Lease, job: WireJob, count: number): Refusal | 'single' | 'ahead' | undefined {
    const { body, encoder } = this.#outbox;
    const mark = this.#outbox.mark();
    let refusal: Refusal | 'single' | 'ahead';
    try {
      const { values, offset } = job.items(lease.from);
      // What waits for its turn there may come back, and be sent anew when the caller has changed his buffers.
      if (lease.ahead && job.terms.separate) own(values, offset, offset + count);
      const flags = this.#header(lease, job, count);
      const failure = encodeColumn(encoder, body, values, offset, offset + count, 'args');
      const beside = encoder.attachments.length > mark.attachments ? encoder.attachments.slice(mark.attachments) : none;
      const sockets = beside.some(({ socket }) => socket !== undefined);
      const moves = beside.some((attachment) => attachment.moves);
      if ((sockets || moves) && count > 1) refusal = 'single';
      else if (moves && lease.ahead) refusal = 'ahead';
      else if (failure !== undefined) refusal = refusalOf(failure.error, failure.index - offset);
      else {
        this.#outbox.defineUsed(lease.sequence);
        if (!this.#outbox.fits(maxFrameBytes)) throw new FrameTooLargeError(tooLarge(this.#outbox.size));
        if (sockets) this.#sendSockets(lease.sequence, mark.attachments, flags);
        if (encoder.parcels.length > mark.parcels) lease.parcels = encoder.parcels.splice(mark.parcels);
        if (moves) {
          lease.moved = true;
          // From here on nobody else can have it.
          this.#flush();
        }
        return undefined;
      }
    } catch (error) {
      refusal = refusalOf(error as Error, undefined);
    }
    this.#outbox.restore(mark);
    return refusal;
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

  /** Makes a function known to the worker, which forgets the one that it has not used for longest. */
  #introduce({ number, constant, message }: FunctionHandle, sequence: number): void {
    if (number === this.#lastUsed) return;
    if (!this.#known.delete(number)) {
      if (this.#outbox.size + message.size > maxFrameBytes) this.#flush();
      // In the body, between the records that use what is forgotten and those that use what is new.
      const { body, encoder } = this.#outbox;
      this.#outbox.define(message.definitions, sequence);
      body.u8(ToWorker.function);
      body.varint(number);
      body.varint(sequence);
      body.u8(constant ? 1 : 0);
      const start = body.length;
      body.u32(0);
      message.embed(encoder, body);
      body.u32At(start, body.length - start - 4);
    }
    this.#known.add(number);
    this.#lastUsed = number;
    if (this.#known.size <= maxKnownFunctions) return;
    const [unused] = this.#known;
    this.#known.delete(unused!);
    this.#outbox.body.u8(ToWorker.forget);
    this.#outbox.body.varint(unused!);
  }
}

/** What is too large is so together with the rest of the frame. */
function refusalOf(error: Error, index: number | undefined): Refusal {
  return { index: error instanceof FrameTooLargeError ? undefined : index, error };
}

function own(values: ArrayLike<unknown>, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value instanceof EncodedMessage) value.own();
  }
}
