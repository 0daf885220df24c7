import { Socket } from 'node:net';
import { unbroken } from '../unbroken.ts';

/**
 * A process that is about to end has no descriptors any more, and the system says for a moment longer that it lives. One without
 * descriptors of its own may have some again soon.
 */
export const againMs = 5;

interface Watched {
  /** Its lifeline; undefined when it cannot be had. */
  open(): number | undefined;
  isDead(): boolean;
  /** Its end was seen. */
  ended(): void;
  /** Nobody wants to know any more, or all have been told. */
  over(): void;
}

/** Looks for the end of one party, for all who want to know. */
export class Watch {
  readonly #callbacks = new Set<() => void>();
  readonly #of: Watched;
  #socket: Socket | undefined;
  #again: NodeJS.Timeout | undefined;

  constructor(of: Watched) {
    this.#of = of;
    this.#open();
  }

  #open(): void {
    // Of a descriptor without a socket Node knows nothing: that of a thread which were terminated now would stay open.
    this.#socket = unbroken(() => {
      const fd = this.#of.open();
      return fd === undefined ? undefined : new Socket({ fd, readable: true, writable: false });
    });
    if (this.#socket === undefined) {
      if (this.#of.isDead()) queueMicrotask(() => this.#tell());
      else this.#again = setTimeout(() => this.#open(), againMs).unref();
      return;
    }
    this.#socket.on('error', () => undefined);
    this.#socket.on('end', () => this.#of.ended());
    this.#socket.on('close', () => this.#tell());
    this.#socket.resume().unref();
  }

  add(callback: () => void): () => void {
    // Two may give the same function.
    const call = (): void => callback();
    this.#callbacks.add(call);
    return () => {
      this.#callbacks.delete(call);
      if (this.#callbacks.size > 0) return;
      this.#of.over();
      clearTimeout(this.#again);
      this.#socket?.destroy();
    };
  }

  #tell(): void {
    this.#of.over();
    this.#callbacks.forEach((callback) => callback());
    this.#callbacks.clear();
  }
}
