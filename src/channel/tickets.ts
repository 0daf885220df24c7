import { loadNative } from '../native.ts';
import type { Attachment } from '../wire/encoder.ts';
import { descriptorOf } from '../wire/sockets.ts';

const FD = 0;
const OWNER = 1;
const nobody = 0;
const somebody = 1;

/** The descriptor on a ticket, for the first who asks: a thread that gets it, or the host when that thread is gone. */
export function claim(ticket: ArrayBuffer | SharedArrayBuffer): number | undefined {
  const words = new Int32Array(ticket);
  const isFirst = Atomics.compareExchange(words, OWNER, nobody, somebody) === nobody;
  return isFirst && words[FD]! >= 0 ? words[FD] : undefined;
}

/** Closes the descriptor on a ticket that nobody has claimed. */
export function reclaim(ticket: ArrayBuffer | SharedArrayBuffer): void {
  const fd = claim(ticket);
  if (fd !== undefined) loadNative()?.descriptors?.close(fd);
}

/** The way of open sockets to a thread: descriptors of its own, whose numbers are in shared memory until somebody has them. */
export class Tickets {
  #issued: SharedArrayBuffer[] = [];

  /** The attachments as they go to the thread. */
  issue(attachments: readonly Attachment[]): readonly Attachment[] {
    if (!attachments.some(({ socket }) => socket !== undefined)) return attachments;
    this.#issued = this.#issued.filter((ticket) => Atomics.load(new Int32Array(ticket), OWNER) === nobody);
    return attachments.map((attachment) => {
      const { socket } = attachment;
      if (socket === undefined) return attachment;
      const ticket = new SharedArrayBuffer(8);
      new Int32Array(ticket)[FD] = duplicate(descriptorOf(socket.value));
      this.#issued.push(ticket);
      return { buffer: ticket, moves: false };
    });
  }

  /** The thread is gone, or will claim nothing more. */
  close(): void {
    this.#issued.splice(0).forEach(reclaim);
  }
}

/** -1 for one that was closed meanwhile: it will be missed at the other end. */
function duplicate(fd: number | undefined): number {
  const calls = loadNative()?.descriptors;
  return fd === undefined || calls === undefined ? -1 : calls.duplicate(fd);
}
