import type { SocketConnection } from '../../connection/connection.ts';
import { FrameTooLargeError } from '../../errors.ts';
import { maxConnectionMessageBytes } from '../../limits.ts';

interface Asked {
  readonly resolve: (reply: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to a Python server, which has a thread there that runs one call after the other, and answers in that order. */
export class Lane {
  readonly #connection: SocketConnection;
  readonly #lost: (error: Error) => void;
  readonly #asked: Asked[] = [];
  #reading = false;
  #closed: (() => Error) | undefined;

  constructor(connection: SocketConnection, lost: (error: Error) => void) {
    this.#connection = connection;
    this.#lost = lost;
  }

  /**
   * Sends a request; the reply to it, as it came.
   *
   * @throws FrameTooLargeError for a request that is too large to be sent: the connection goes on.
   */
  ask(request: Uint8Array): Promise<Uint8Array> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed());
    if (request.length > maxConnectionMessageBytes)
      return Promise.reject(
        new FrameTooLargeError(
          `A call of ${request.length} bytes is too large for a manager: the limit is ${maxConnectionMessageBytes}.`,
        ),
      );
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#connection.sendBytes(request).catch(this.#lost);
      if (!this.#reading) void this.#read();
    });
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      while (this.#asked.length > 0) {
        const reply = await this.#connection.recvBytes();
        this.#asked.shift()?.resolve(reply);
      }
    } catch (error) {
      // What is behind a reply that is too large cannot be read.
      if (error instanceof FrameTooLargeError) this.#asked.shift()?.reject(error);
      this.#lost(error as Error);
    } finally {
      this.#reading = false;
    }
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Ends it: what was asked and not answered is rejected with the reason. */
  close(reason: () => Error): void {
    this.#closed ??= reason;
    this.#connection.close();
    for (const { reject } of this.#asked.splice(0)) reject(reason());
  }
}
