import { writeSync, writevSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { StatusPage } from './status-page.ts';

/** Parts of one write; the system takes at most 1024. */
const maxParts = 64;

/**
 * The way of frames to a worker process: written at once, past the event loop, which does not run while the host is blocked.
 * What the socket does not take waits here. Then the host sets a flag on the status page, and the worker, whenever it has
 * read, answers the flag with an empty frame: so the host writes on, blocked or not, without looking again and again.
 */
export class Outflow {
  readonly #socket: Socket;
  readonly #page: StatusPage;
  #rest: Uint8Array[] = [];
  /** The parts of `#rest` that have left. */
  #at = 0;

  constructor(socket: Socket, page: StatusPage) {
    this.#socket = socket;
    this.#page = page;
  }

  get isWaiting(): boolean {
    return this.#rest.length > 0;
  }

  write(parts: Uint8Array[]): void {
    if (this.isWaiting) {
      for (const part of parts) this.#rest.push(part);
      return;
    }
    this.#rest = parts;
    this.flush();
  }

  /** Writes as much as the socket takes. */
  flush(): void {
    for (let asked = false; this.isWaiting;) {
      const fd = descriptorOf(this.#socket);
      if (fd === undefined) return this.#drop();
      try {
        this.#advance(this.#writeSome(fd));
      } catch (error) {
        // The worker's end is seen elsewhere.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return this.#drop();
        if (asked) return;
        // Once more: it may have read since, and will not again.
        asked = true;
        this.#page.setHungry();
      }
    }
  }

  #writeSome(fd: number): number {
    const rest = this.#rest;
    const at = this.#at;
    if (rest.length - at === 1) return writeSync(fd, rest[at]!);
    return writevSync(fd, rest.slice(at, at + maxParts));
  }

  #advance(bytes: number): void {
    let left = bytes;
    for (let part = this.#rest[this.#at]; part !== undefined; part = this.#rest[++this.#at]) {
      if (part.byteLength > left) {
        this.#rest[this.#at] = part.subarray(left);
        return;
      }
      left -= part.byteLength;
    }
    this.#drop();
  }

  #drop(): void {
    this.#rest = [];
    this.#at = 0;
  }
}

/** The descriptor of an open socket. A closed one's number may be another file's by now. */
export function descriptorOf(socket: unknown): number | undefined {
  // oxlint-disable-next-line no-underscore-dangle -- there is no other way to it, and many rely on this one
  const fd = (socket as { readonly _handle?: { readonly fd?: number } | null } | null)?._handle?.fd ?? -1;
  return fd < 0 ? undefined : fd;
}
