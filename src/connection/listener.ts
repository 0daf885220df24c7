import { checkCount } from '../arguments.ts';
import { AuthenticationError, ConnectionLostError, ConnectionStateError } from '../errors.ts';
import { maxUnaccepted } from '../limits.ts';
import type { Address } from '../manager/address.ts';
import { type QueueOptions, waitingOf } from '../queues/options.ts';
import { showAs } from '../inspection.ts';
import { refusal } from '../wire/encode-builtin.ts';
import { SocketConnection } from './connection.ts';
import { Door, type Guest } from './door.ts';
import { closedError, ListeningPlace } from './listening-place.ts';
import { type Peer, type PeerOptions, peerKeys, peerOf } from './options.ts';
import { Waiters } from './waiters.ts';

/** What a `Listener` is like. */
export interface ListenerOptions extends PeerOptions {
  /** How many clients that have shown the key wait at most to be accepted; further ones show it when one was. Default 128. */
  readonly backlog?: number | undefined;
}

const keys = [...peerKeys, 'backlog'];

/** How many clients have come how far. */
export interface ListenerStatistics {
  /** Those that have not shown the key yet. */
  readonly unauthenticated: number;
  /** Those that wait to be accepted. */
  readonly waiting: number;
}

/**
 * Waits for clients, here or in Python: on a Unix socket, or a TCP port of this machine. Those who come and the listener show
 * each other the key at once, many at the same time, and are then accepted one by one; who is slow or silent holds nobody up
 * and is cut off. It keeps the program alive only while somebody waits in `accept`. Python:
 * `multiprocessing.connection.Listener`.
 *
 * @typeParam Out - What is sent over its connections.
 * @typeParam In - What is received.
 * @example
 * ```ts
 * import { Client, Listener } from 'manycore/connection';
 * await using listener = new Listener({ port: 0 }, { authKey: 'secret' });
 * await listener.ready;
 * const [here, there] = await Promise.all([listener.accept(), Client(listener.address, { authKey: 'secret' })]);
 * await there.send('hello');
 * console.log(await here.recv()); // hello
 * here.close();
 * there.close();
 * ```
 */
export class Listener<Out = unknown, In = Out> {
  readonly #peer: Peer;
  readonly #place: ListeningPlace;
  readonly #door: Door;
  readonly #backlog: number;
  /** Those who have shown the key, and those who have failed to. */
  readonly #guests: Guest[] = [];
  readonly #accepts: Waiters<undefined, Guest>;
  #lastAccepted: Address | undefined;
  #failure: (() => Error) | undefined;

  /**
   * @param address - The path of a Unix socket (with a zero in front: a Linux abstract name), or `{ host, port }`, where port 0 is
   *   any that is free. Default: a Unix socket in a folder that only this user can enter.
   * @param options - `authKey`: each side shows the other one that it has it.
   * @throws ArgumentRangeError for a host that is not this machine, without `insecure: true`.
   */
  constructor(address?: Address, options: ListenerOptions = {}) {
    const peer = peerOf('Listener', address, options, keys);
    const backlog = options.backlog ?? maxUnaccepted;
    checkCount('backlog', backlog, 1, 65_535);
    this.#peer = peer;
    this.#backlog = backlog;
    this.#door = new Door({
      secret: peer.secret,
      hasRoom: () => this.#waiting < backlog,
      done: (guest) => this.#arrived(guest),
    });
    this.#accepts = new Waiters({
      busy: () => this.#place.ref(),
      idle: () => this.#place.unref(),
      late: 'Nobody has come',
    });
    this.#place = new ListeningPlace(peer.address, (socket, from) => this.#door.came(socket, from));
    this.#place.ready.catch((error: Error) => this.#end(() => error));
  }

  /** Resolves when it listens; rejects with the system's error, such as EADDRINUSE. `accept` says the same. */
  get ready(): Promise<void> {
    return this.#place.ready;
  }

  /**
   * Where clients find it. With port 0 it is known when `ready` has resolved.
   *
   * @throws ConnectionStateError before that.
   */
  get address(): Address {
    const { address } = this.#place;
    if (address !== undefined) return address;
    throw new ConnectionStateError('The port of this listener is not known yet: await its `ready` first.');
  }

  /** Where the client comes from that was accepted last; `''` of a Unix socket, as in Python. */
  get lastAccepted(): Address | undefined {
    return this.#lastAccepted;
  }

  get closed(): boolean {
    return this.#failure !== undefined;
  }

  statistics(): ListenerStatistics {
    return Object.freeze({ unauthenticated: this.#door.size, waiting: this.#waiting });
  }

  get #waiting(): number {
    let count = 0;
    for (const { messages } of this.#guests) if (messages !== undefined) count++;
    return count;
  }

  /**
   * The next client. It waits, without blocking, until there is one.
   *
   * @throws AuthenticationError for a client that has not shown the key, ConnectionLostError for one that went away before it
   *   had: it is gone, the next one can be accepted.
   * @throws ConnectionStateError when the listener is closed; TimeoutError, AbortError.
   */
  async accept(options?: QueueOptions): Promise<SocketConnection<Out, In>> {
    if (this.#failure !== undefined) throw this.#failure();
    const next = this.#accepts.wait(undefined, waitingOf('accept', options));
    this.#serve();
    const { messages, error, address } = await next;
    if (messages === undefined) throw error!;
    this.#lastAccepted = address;
    return new SocketConnection(messages, this.#peer);
  }

  #arrived(guest: Guest): void {
    this.#guests.push(guest);
    // Nobody fills the memory by failing.
    const failed = this.#guests.findIndex(({ messages }) => messages === undefined);
    if (this.#guests.length - this.#waiting > this.#backlog) this.#guests.splice(failed, 1);
    this.#serve();
  }

  #serve(): void {
    while (this.#accepts.length > 0 && this.#guests.length > 0) {
      this.#accepts.shift().settle(this.#guests.shift()!);
      this.#door.next();
    }
  }

  /** Clients as they come; those who do not show the key are passed over. Ends when the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SocketConnection<Out, In>, void, undefined> {
    for (;;) {
      let connection: SocketConnection<Out, In>;
      try {
        connection = await this.accept();
      } catch (error) {
        if (error instanceof AuthenticationError || error instanceof ConnectionLostError) continue;
        if (error instanceof ConnectionStateError) return;
        throw error;
      }
      yield connection;
    }
  }

  /** Waits for nobody any more. Connections that were accepted go on. */
  close(): void {
    this.#end(closedError);
  }

  #end(failure: () => Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#place.close();
    this.#door.close(failure());
    for (const { messages } of this.#guests.splice(0)) messages?.close();
    while (this.#accepts.length > 0) this.#accepts.shift().fail(failure());
  }

  // oxlint-disable-next-line require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

Object.defineProperty(Listener.prototype, refusal, {
  value: 'Cannot send {path}: a listener stays where it was made. Send its address.',
});

showAs(Listener, ({ closed }) => (closed ? ' closed' : ' listening'));
