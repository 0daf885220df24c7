import type { Server, Socket } from 'node:net';
import { acceptsPerSecond, handshakeMs, maxInLine, maxUnauthenticated } from '../limits.ts';
import type { Target } from './address.ts';
import type { AuthKey } from './auth-key.ts';
import { ServerFlag, ServerHandshake } from './handshake.ts';
import { Penalties } from './penalties.ts';
import { Rate } from './rate.ts';
import { type Doorman, listenAt } from './transport.ts';

interface Guest {
  readonly socket: Socket;
  readonly begin: () => void;
  readonly timer: NodeJS.Timeout;
}

export interface ReceptionOptions {
  readonly target: Target;
  readonly key: AuthKey;
  readonly fd?: number | undefined;
  readonly allowsCode: boolean;
  readonly maxFrameBytes: number;
  /** So many may come at once; beyond that there is a rate. */
  readonly maxConnections: number;
  readonly hasRoom: () => boolean;
  /** A client has shown the key. `rest` is what it has sent beyond that. */
  readonly welcome: (socket: Socket, rest: Buffer) => void;
  readonly penalties?: Penalties;
}

/** Statistics of a server's door. */
export interface DoorCounts {
  /** Connections that have not shown the key yet. */
  readonly waiting: number;
  /** Those that were closed without having shown it. */
  readonly refused: number;
}

/**
 * The door: who has not shown the key gets no further, has little time and costs nothing but a socket. Only some are seen at
 * once, and only so many per second; the others wait in line within the same time. Where wrong keys came from waits before that.
 */
export class Reception implements Doorman {
  readonly server: Server;
  readonly ready: Promise<void>;
  readonly #options: ReceptionOptions;
  /** All that have not shown the key. */
  readonly #guests = new Map<Socket, Guest>();
  readonly #line = new Set<Guest>();
  readonly #seen = new Set<Guest>();
  readonly #penalties: Penalties;
  /** None on a Unix socket: who can reach it may as well do other things. */
  readonly #rate: Rate | undefined;
  #lineTimer: NodeJS.Timeout | undefined;
  #refused = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#penalties = options.penalties ?? new Penalties();
    if (typeof options.target.address !== 'string') this.#rate = new Rate(acceptsPerSecond, options.maxConnections);
    const { server, ready } = listenAt(options.target, options.key, this, options.fd);
    // Those in line take a descriptor each, of which there are not many.
    server.maxConnections = options.maxConnections + maxInLine;
    this.server = server;
    this.ready = ready;
  }

  get counts(): DoorCounts {
    return { waiting: this.#guests.size, refused: this.#refused };
  }

  came(socket: Socket, begin: () => void): void {
    const timer = setTimeout(() => socket.destroy(), handshakeMs);
    timer.unref();
    const guest: Guest = { socket, begin, timer };
    this.#guests.set(socket, guest);
    socket.once('close', () => {
      if (this.#guests.has(socket)) this.#refused++;
      this.#leave(guest);
    });
    this.#penalties.serve(socket, () => {
      this.#line.add(guest);
      this.#seeNext();
    });
    if (!this.#seen.has(guest)) socket.pause();
  }

  /** Those at the front of the line, as many as may be seen now. */
  #seeNext(): void {
    if (this.#lineTimer !== undefined) return;
    for (const guest of this.#line) {
      if (this.#seen.size >= maxUnauthenticated) return;
      const waitMs = this.#rate?.take() ?? 0;
      if (waitMs > 0) {
        this.#lineTimer = setTimeout(() => {
          this.#lineTimer = undefined;
          this.#seeNext();
        }, waitMs);
        this.#lineTimer.unref();
        return;
      }
      this.#line.delete(guest);
      this.#seen.add(guest);
      guest.begin();
    }
  }

  #leave(guest: Guest): void {
    clearTimeout(guest.timer);
    this.#guests.delete(guest.socket);
    this.#line.delete(guest);
    if (this.#seen.delete(guest)) this.#seeNext();
  }

  open(raw: Socket, socket: Socket, binding: Uint8Array): void {
    const { key, allowsCode, maxFrameBytes, hasRoom } = this.#options;
    const flags = (allowsCode ? ServerFlag.allowsCode : 0) | (hasRoom() ? 0 : ServerFlag.isFull);
    const secrets = { key: key.derive('handshake'), binding };
    const handshake = new ServerHandshake(secrets, { flags, maxFrameBytes }, (bytes) => socket.write(bytes));
    const read = (chunk: Buffer): void => {
      try {
        if (!handshake.push(chunk)) return;
      } catch {
        socket.off('data', read);
        this.failed(raw);
        // What it was told reaches it first.
        return socket.destroySoon();
      }
      socket.off('data', read);
      const guest = this.#guests.get(raw);
      if (guest === undefined) return void socket.destroy();
      this.#leave(guest);
      if (!hasRoom()) return socket.destroySoon();
      this.#options.welcome(socket, handshake.rest);
    };
    socket.on('data', read);
    socket.resume();
  }

  failed({ remoteAddress }: Socket): void {
    this.#penalties.failed(remoteAddress);
  }

  close(): void {
    this.server.close();
    clearTimeout(this.#lineTimer);
    for (const socket of Array.from(this.#guests.keys())) socket.destroy();
  }
}
