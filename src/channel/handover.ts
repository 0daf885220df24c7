import { loadNative, type DescriptorCalls } from '../native.ts';
import type { Attachment } from '../wire/encoder.ts';
import { descriptorOf } from '../wire/sockets.ts';

/**
 * The way of open sockets to a worker process: a socket pair of its own, which the kernel passes descriptors through, each
 * under a number. What is on its way and is never taken, as the worker has died, the kernel closes.
 */
export class Handover {
  /** The end that the worker inherits. */
  readonly theirs: number;
  readonly #ours: number;
  readonly #calls: DescriptorCalls;
  #next = 0;
  #closed = false;

  private constructor(calls: DescriptorCalls) {
    this.#calls = calls;
    [this.#ours, this.theirs] = calls.pair();
  }

  /** Undefined where it cannot be: then no encoder lets a socket pass. */
  static open(): Handover | undefined {
    const calls = loadNative()?.descriptors;
    return calls && new Handover(calls);
  }

  /** The attachments as they go into the frame, and the descriptors that go before it. */
  issue(attachments: readonly Attachment[]): { readonly buffers: Attachment[]; readonly bundles: Bundle[] } {
    const bundles: Bundle[] = [];
    const buffers = attachments.map((attachment) => {
      const { socket } = attachment;
      if (socket === undefined) return attachment;
      const number = this.#next++;
      const fd = descriptorOf(socket.value);
      // One that was closed meanwhile will be missed at the other end.
      if (fd !== undefined) this.#add(bundles, number, fd);
      return { buffer: Float64Array.of(number).buffer, moves: false };
    });
    return { buffers, bundles };
  }

  #add(bundles: Bundle[], number: number, fd: number): void {
    const last = bundles.at(-1);
    if (last !== undefined && last.first + last.fds.length === number && last.fds.length < this.#calls.maxAtOnce)
      last.fds.push(fd);
    else bundles.push(new Bundle(this, number, fd));
  }

  /** False when there is no room. */
  send({ first, fds }: Bundle): boolean {
    return this.#closed || this.#calls.send(this.#ours, first, fds);
  }

  /** The worker has its end, or never will. */
  inherited(): void {
    this.#calls.close(this.theirs);
  }

  duplicate(fd: number): number {
    return this.#calls.duplicate(fd);
  }

  discard(fd: number): void {
    this.#calls.close(fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#calls.close(this.#ours);
  }
}

/** Descriptors with consecutive numbers. */
export class Bundle {
  readonly first: number;
  fds: number[];
  readonly #handover: Handover;
  #kept = false;
  #sent = false;

  constructor(handover: Handover, first: number, fd: number) {
    this.#handover = handover;
    this.first = first;
    this.fds = [fd];
  }

  /** False when there is no room. */
  send(): boolean {
    if (!this.#handover.send(this)) return false;
    this.#sent = true;
    this.close();
    return true;
  }

  /** It waits: the descriptors are its own from now on, whatever becomes of the sockets. */
  keep(): void {
    if (this.#kept || this.#sent) return;
    this.fds = this.fds.map((fd) => this.#handover.duplicate(fd));
    this.#kept = true;
  }

  close(): void {
    if (this.#kept) for (const fd of this.fds.splice(0)) this.#handover.discard(fd);
  }
}
