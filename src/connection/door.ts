import type { Socket } from 'node:net';
import { AuthenticationError, type ConnectionLostError } from '../errors.ts';
import { handshakeMs, maxUnauthenticated } from '../limits.ts';
import type { Address } from '../manager/address.ts';
import { Penalties } from '../manager/penalties.ts';
import type { Secret } from './digests.ts';
import { authenticate } from './handshake.ts';
import { MessageSocket } from './message-socket.ts';

/** A client that has shown the key, or why it has not. `address` is `''` of a Unix socket, as in Python. */
export interface Guest {
  readonly address: Address;
  readonly messages?: MessageSocket;
  readonly error?: AuthenticationError | ConnectionLostError;
}

interface Arrival {
  readonly socket: Socket;
  readonly address: Address;
  readonly untilMs: number;
  readonly timer: NodeJS.Timeout;
}

export interface DoorOptions {
  /** Without it nobody is asked for the key. */
  readonly secret: Secret | undefined;
  /** Whether one more may come in. */
  readonly hasRoom: () => boolean;
  readonly done: (guest: Guest) => void;
  readonly penalties?: Penalties;
}

/**
 * Where clients show the key: several at once, the others in a line, each within the same time since it has come. So those who
 * are slow or silent hold up nobody but their like. Where wrong keys came from waits before that.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #penalties: Penalties;
  /** All that have not begun to. */
  readonly #arrivals = new Set<Arrival>();
  readonly #line = new Set<Arrival>();
  readonly #shaking = new Set<MessageSocket>();

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#penalties = options.penalties ?? new Penalties();
  }

  /** Those who have not shown the key. */
  get size(): number {
    return this.#arrivals.size + this.#shaking.size;
  }

  came(socket: Socket, address: Address): void {
    socket.on('error', () => {});
    const timer = setTimeout(() => socket.destroy(), handshakeMs);
    timer.unref();
    const arrival = { socket, address, timer, untilMs: performance.now() + handshakeMs };
    socket.once('close', () => this.#leave(arrival));
    this.#arrivals.add(arrival);
    this.#penalties.serve(socket, () => {
      this.#line.add(arrival);
      this.next();
    });
  }

  #leave(arrival: Arrival): void {
    clearTimeout(arrival.timer);
    this.#arrivals.delete(arrival);
    this.#line.delete(arrival);
  }

  /** There may be room for one more. */
  next(): void {
    for (const arrival of this.#line) {
      if (this.#shaking.size >= maxUnauthenticated || !this.#options.hasRoom()) return;
      this.#leave(arrival);
      void this.#greet(arrival);
    }
  }

  async #greet({ socket, address, untilMs }: Arrival): Promise<void> {
    const { secret, done } = this.#options;
    const messages = new MessageSocket(socket);
    if (secret === undefined) return done({ address, messages });
    let isLate = false;
    const late = (): void => {
      isLate = true;
      messages.fail(new AuthenticationError(`A client has not shown the key within ${handshakeMs} ms.`));
    };
    const timer = setTimeout(late, untilMs - performance.now());
    timer.unref();
    messages.holds = false;
    this.#shaking.add(messages);
    let guest: Guest = { address, messages };
    try {
      await authenticate(messages, secret, 'listener');
      messages.holds = true;
    } catch (error) {
      if (error instanceof AuthenticationError && !isLate && typeof address !== 'string')
        this.#penalties.failed(address.host);
      messages.fail(error as Error);
      guest = { address, error: error as AuthenticationError | ConnectionLostError };
    }
    clearTimeout(timer);
    // Who was turned away as the listener was closed is told of nowhere.
    if (!this.#shaking.delete(messages)) return;
    done(guest);
    this.next();
  }

  close(reason: Error): void {
    for (const { socket } of this.#arrivals) socket.destroy();
    for (const messages of this.#shaking) messages.fail(reason);
    this.#shaking.clear();
  }
}
