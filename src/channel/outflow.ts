import { writeSync, writevSync } from 'node:fs';
import type { Socket } from 'node:net';
import { descriptorOf } from '../wire/sockets.ts';
import { Bundle } from './handover.ts';
import type { StatusPage } from './status-page.ts';

/** Parts of one write; the system takes at most 1024. */
const maxParts = 64;

/**
 * The way of frames to a worker process: written at once, past the event loop, which does not run while the host is blocked.
 * What the socket does not take waits here, as what comes behind descriptors that their own socket does not take. Then the host
 * sets a flag on the status page, and the worker, whenever it has read, answers the flag with an empty frame: so the host writes
 * on, blocked or not, without looking again and again.
 */
export class Outflow {
  readonly #socket: Socket;
  readonly #page: StatusPage;
  #rest: (Uint8Array | Bundle)[] = [];
  /** The parts of `#rest` that have left. */
  #at = 0;

  constructor(socket: Socket, page: StatusPage) {
    this.#socket = socket;
    this.#page = page;
  }

  get isWaiting(): boolean {
    return this.#rest.length > 0;
  }

  /** It waits for the socket to take more, not for its brother. */
  get isWriting(): boolean {
    return this.isWaiting && this.#rest[this.#at] instanceof Uint8Array;
  }

  write(parts: (Uint8Array | Bundle)[]): void {
    if (this.isWaiting) for (const part of parts) this.#rest.push(part);
    else {
      this.#rest = parts;
      this.flush();
    }
    // What is left of it may wait for long.
    if (this.isWaiting) for (const part of parts) if (part instanceof Bundle) part.keep();
  }

  /** Writes as much as the sockets take. */
  flush(): void {
    for (let asked = false; this.isWaiting;) {
      const fd = descriptorOf(this.#socket);
      if (fd === undefined) return this.close();
      try {
        if (this.#writeSome(fd)) continue;
      } catch (error) {
        // The worker's end is seen elsewhere.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return this.close();
      }
      if (asked) return;
      // Once more: it may have read since, and will not again.
      asked = true;
      this.#page.setHungry();
    }
  }

  /** False when there is no room for descriptors. */
  #writeSome(fd: number): boolean {
    const rest = this.#rest;
    const at = this.#at;
    const next = rest[at]!;
    if (next instanceof Bundle) {
      if (!next.send()) return false;
      this.#at++;
      this.#advance(0);
      return true;
    }
    const parts = [next];
    for (let part = rest[at + 1]; parts.length < maxParts && part instanceof Uint8Array; part = rest[at + parts.length])
      parts.push(part);
    this.#advance(parts.length === 1 ? writeSync(fd, next) : writevSync(fd, parts));
    return true;
  }

  #advance(bytes: number): void {
    let left = bytes;
    for (let part = this.#rest[this.#at]; part !== undefined; part = this.#rest[++this.#at]) {
      if (part instanceof Bundle) return;
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

  /** Nobody reads any more. */
  close(): void {
    for (const part of this.#rest.slice(this.#at)) if (part instanceof Bundle) part.close();
    this.#drop();
  }
}
