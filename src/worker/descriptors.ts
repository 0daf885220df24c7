import { claim, reclaim } from '../channel/tickets.ts';
import { ManycoreError } from '../errors.ts';
import { loadNative } from '../native.ts';
import type { Descriptors } from '../wire/sockets.ts';

type Ticket = ArrayBuffer | SharedArrayBuffer;

/** What comes by the socket that a process has inherited for descriptors: each under a number, before the frame that names it. */
export class InheritedDescriptors implements Descriptors {
  readonly #socket: number;
  readonly #drained: () => void;
  readonly #arrived = new Map<number, number>();

  /** @param drained - Called when nothing more is on its way: there is room again. */
  constructor(socket: number, drained: () => void) {
    this.#socket = socket;
    this.#drained = drained;
  }

  take(ticket: Ticket): number {
    return this.#find(ticket) ?? fail();
  }

  drop(ticket: Ticket): void {
    const fd = this.#find(ticket);
    if (fd !== undefined) loadNative()?.descriptors?.close(fd);
  }

  #find(ticket: Ticket): number | undefined {
    const number = new Float64Array(ticket)[0]!;
    if (!this.#arrived.has(number)) this.#receive();
    const fd = this.#arrived.get(number);
    this.#arrived.delete(number);
    return fd;
  }

  #receive(): void {
    const calls = loadNative()?.descriptors;
    for (let next = calls?.receive(this.#socket); next !== undefined; next = calls?.receive(this.#socket)) {
      for (const [i, fd] of next.fds.entries()) this.#arrived.set(next.first + i, fd);
    }
    this.#drained();
  }
}

/** The descriptors of this process, for a thread of it. */
export const ownDescriptors: Descriptors = {
  take: (ticket) => claim(ticket) ?? fail(),
  drop: reclaim,
};

function fail(): never {
  throw new ManycoreError('A socket did not arrive: it was closed on its way, or this process can open no more files.');
}
