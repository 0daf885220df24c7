import type { SocketConnection } from '../../connection/connection.ts';

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

  constructor(connection: SocketConnection, lost: (error: Error) => void) {
    this.#connection = connection;
    this.#lost = lost;
  }

  /** Sends a request; the reply to it, as it came. */
  ask(request: Uint8Array): Promise<Uint8Array> {
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
      this.#lost(error as Error);
    } finally {
      this.#reading = false;
    }
  }

  /** Ends it: what was asked and not answered is rejected with the reason. */
  close(reason: () => Error): void {
    this.#connection.close();
    for (const { reject } of this.#asked.splice(0)) reject(reason());
  }
}
