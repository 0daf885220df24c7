import { ArgumentRangeError, ManagerStateError } from '../errors.ts';
import {
  goneMs,
  heartbeatMs,
  maxManagerConnections,
  maxManagerFrameBytes,
  silenceLookMs,
  silenceMs,
} from '../limits.ts';
import { type Address, isLocal, type Target } from './address.ts';
import type { AuthKey } from './auth-key.ts';
import { removeStale } from './listening-socket.ts';
import { Foreign, Managed } from './managed.ts';
import { ObjectTable } from './object-table.ts';
import { builtinTypes } from './objects/index.ts';
import { attachReference, proxyFor, proxyMaker, rememberServer } from './proxy-maker.ts';
import { Reception } from './reception.ts';
import { type Registration, typeFrom } from './registration.ts';
import { ServerCode } from './server-code.ts';
import { type Host, Session } from './session.ts';
import { Turns } from './turns.ts';
import type { ObjectType } from './types.ts';

/** What a server is made of. */
export interface ServerSetup {
  readonly target: Target;
  readonly key: AuthKey;
  readonly registrations: readonly Registration[];
  readonly allowCode?: boolean | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxFrameBytes?: number | undefined;
  /** Milliseconds: see `lingerReferenceMs`. */
  readonly linger?: number | undefined;
  /** What is to be done when it has ended. */
  readonly onEnd?: (() => unknown) | undefined;
  /** An open descriptor that listens already. */
  readonly fd?: number | undefined;
}

/** What a server tells of itself. */
export interface ServerStatistics {
  readonly clients: number;
  /** Connections that have not shown the key yet, and those that were closed without it. */
  readonly unauthenticated: number;
  readonly refused: number;
  /** Shared objects that clients refer to. */
  readonly objects: number;
  /** Calls that wait for something, such as a lock. */
  readonly waiting: number;
}

/** The server of shared objects, in this process. Python: what `BaseManager.get_server()` gives. */
export class Server implements Host {
  readonly objects: ObjectTable;
  readonly maxFrameBytes: number;
  readonly exposeStacks: boolean;
  readonly code: ServerCode | undefined;
  readonly turns: Turns = new Turns();
  readonly #setup: ServerSetup;
  readonly #types: Map<string, ObjectType>;
  readonly #sessions = new Set<Session>();
  #reception: Reception | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stop: (() => void) | undefined;
  #state: 'initial' | 'serving' | 'ended' = 'initial';

  constructor(setup: ServerSetup) {
    this.#setup = setup;
    this.objects = new ObjectTable(setup.linger);
    this.maxFrameBytes = setup.maxFrameBytes ?? maxManagerFrameBytes;
    this.exposeStacks = isLocal(setup.target.address);
    const types = setup.registrations.map((registration) => [registration.name, typeFrom(registration)] as const);
    this.#types = new Map([...builtinTypes, ...types]);
    if (setup.allowCode === true)
      this.code = new ServerCode({
        proxyOf: (managed) => this.#proxyOf(managed),
        standsFor: (value) => this.standsFor(value),
      });
  }

  /** Where it listens, once it does: with the port that was chosen. */
  get address(): Address {
    const { address } = this.#setup.target;
    const bound = this.#reception?.server.address();
    if (typeof address === 'string' || typeof bound !== 'object' || bound === null) return address;
    return { ...address, port: bound.port };
  }

  get #target(): Target {
    return { ...this.#setup.target, address: this.address };
  }

  /** Begins to listen. Resolves when clients can connect. @throws ManagerStateError when it has been started before. */
  async start(): Promise<void> {
    if (this.#state !== 'initial') throw new ManagerStateError('Cannot start the server twice: get another one.');
    this.#state = 'serving';
    const { target, key, fd, maxConnections = maxManagerConnections } = this.#setup;
    if (typeof target.address === 'string' && fd === undefined) await removeStale(target.address);
    this.#reception = new Reception({
      target,
      key,
      fd,
      allowsCode: this.code !== undefined,
      maxFrameBytes: this.maxFrameBytes,
      maxConnections,
      hasRoom: () => this.#sessions.size < maxConnections,
      welcome: (socket, rest) => {
        const session = new Session(this, socket);
        this.#sessions.add(session);
        if (rest.length > 0) session.link.take(rest);
      },
    });
    await this.#reception.ready;
    rememberServer({ target: this.#target, key, allowsCode: this.code !== undefined });
    if (typeof target.address === 'string') return;
    this.#timer = setInterval(() => this.#listen(), silenceLookMs);
    this.#timer.unref();
  }

  /** Serves until `shutdown()` is called, here or by a client. Python: `serve_forever`. */
  async serveForever(): Promise<void> {
    if (this.#state === 'initial') await this.start();
    if (this.#state === 'ended') return;
    await new Promise<void>((resolve) => (this.#stop = resolve));
  }

  /** Ends it: clients lose their connections, and what was shared is gone. */
  shutdown(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearInterval(this.#timer);
    this.#reception?.close();
    for (const session of Array.from(this.#sessions)) session.link.destroy();
    this.#stop?.();
    this.#setup.onEnd?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shutdown();
  }

  /** What it does at this moment. */
  statistics(): ServerStatistics {
    const { waiting = 0, refused = 0 } = this.#reception?.counts ?? {};
    return Object.freeze({
      clients: this.#sessions.size,
      unauthenticated: waiting,
      refused,
      objects: this.objects.size,
      waiting: [...this.#sessions].reduce((sum, session) => sum + session.waiting, 0),
    });
  }

  /** Silent clients are asked; who does not answer and holds a lock loses it, with the connection; others have more time. */
  #listen(): void {
    for (const { link, leases, ping } of this.#sessions) {
      link.whenSilent(leases.size > 0 ? silenceMs : goneMs, () => link.destroy());
      if (link.silentMs > heartbeatMs) ping();
    }
  }

  typeOf(name: string): ObjectType {
    const type = this.#types.get(name);
    if (type === undefined)
      throw new ArgumentRangeError(`The server has no type ${JSON.stringify(name.slice(0, 100))}: register it there.`);
    return type;
  }

  manage(what: string): unknown {
    switch (what) {
      case 'ping':
        return undefined;
      case 'numberOfObjects':
        return this.objects.size;
      case 'debugInfo':
        return this.objects.counts();
      case 'statistics':
        return { ...this.statistics() };
      case 'shutdown':
        // Its answer goes out first.
        setImmediate(() => this.shutdown());
        return undefined;
      default:
        throw new ArgumentRangeError(`The server cannot be asked for ${JSON.stringify(what.slice(0, 100))}.`);
    }
  }

  ended(session: Session): void {
    this.#sessions.delete(session);
  }

  #proxyOf(managed: Managed): object {
    this.objects.travel(managed);
    const { proxy: kind } = managed.type;
    const state = { ...this.#target, kind, id: managed.id, mayCome: false, key: this.#setup.key.raw, allowsCode: true };
    return proxyFor(attachReference(state));
  }

  standsFor(value: object): Managed | Foreign | undefined {
    const reference = proxyMaker.referenceOf(value);
    if (reference === undefined) return undefined;
    const { id, connection } = reference;
    if (JSON.stringify(connection.target.address) !== JSON.stringify(this.address))
      return new Foreign(proxyMaker.stateOf(reference));
    const managed = this.objects.find(id);
    return managed instanceof Managed ? managed : undefined;
  }
}
