import { Client } from '../../connection/client.ts';
import type { SocketConnection } from '../../connection/connection.ts';
import { ConnectionLostError, FrameTooLargeError, SerializationError } from '../../errors.ts';
import { lingerReferenceMs, pythonLanes } from '../../limits.ts';
import type { Target } from '../address.ts';
import type { AuthKey } from '../auth-key.ts';
import { builtinTypes } from '../objects/index.ts';
import { proxyMaker, userKind } from '../proxy-maker.ts';
import type { Reference, ServerAccess } from '../reference.ts';
import { lossOf } from './errors.ts';
import { Lane } from './lane.ts';
import { MethodCall } from './method-call.ts';
import { methodOf } from './methods.ts';
import { pickle, type SentProxy, unpickle } from './pickles.ts';
import { PythonReference } from './reference.ts';
import { valueOf } from './replies.ts';
import { Slots } from './slots.ts';
import { Token } from './token.ts';

/** How a Python server is talked to. */
export interface PythonTraits {
  readonly legacy: boolean;
}

/** What is to be said in its turn, when all that it needs is there. */
interface Job {
  readonly needs: readonly PythonReference[];
  readonly run: (lane: Lane) => void;
  readonly reject: (error: Error) => void;
}

interface Encoded {
  readonly bytes: Buffer;
  /** Objects in it that the server has not made yet, so that their names are missing in the bytes. */
  readonly needs: readonly PythonReference[];
}

/**
 * This thread's way to a Python manager's server. Calls that give their result at once go over one connection, one behind the
 * other, in the order in which they were made. What may have to wait has a connection of its own meanwhile, which is a thread of
 * the server. When one is lost all are: there is no second try.
 */
export class PythonAccess implements ServerAccess {
  readonly target: Target;
  readonly key: AuthKey;
  readonly allowsCode = false;
  readonly python: PythonTraits;
  readonly ready: Promise<void>;
  users = 0;
  /** Which of our types those of the server are, where a manager has said so. */
  readonly kinds: Map<string, string> = new Map();
  readonly #references = new Set<PythonReference>();
  readonly #dialling = new Slots(pythonLanes.dialling);
  readonly #slots = new Slots(pythonLanes.most);
  readonly #lanes = new Set<Lane>();
  readonly #idle: Lane[] = [];
  readonly #dropping = new Set<Promise<unknown>>();
  readonly #kept = new Map<object, NodeJS.Timeout>();
  #jobs: Job[] = [];
  #main: Lane | undefined;
  #isKnown = false;
  #isOpening = false;
  #isWaiting = false;
  #needs: PythonReference[] = [];
  /** As the server calls itself: only proxies that say so are its own to it. */
  #ownAddress: unknown;
  /** Stands for the knowledge of that address. */
  #addressee: PythonReference | undefined;
  #error: Error | undefined;

  constructor(target: Target, key: AuthKey, python: PythonTraits) {
    this.target = target;
    this.key = key;
    this.python = python;
    const { address } = target;
    this.#ownAddress = typeof address === 'string' ? address : Object.freeze([address.host, address.port]);
    this.ready = this.#greet();
    this.ready.catch((error: Error) => this.close(error));
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** Asks the server itself, on a connection for this alone. */
  ask(what: string, args: readonly unknown[] = [], named: object = {}): Promise<unknown> {
    return this.#dialling.run(async () => {
      const connection = await this.#connect();
      try {
        await connection.sendBytes(this.#encode([null, what, args, named]).bytes);
        return this.#read(await connection.recvBytes());
      } catch (error) {
        throw this.#explain(error as Error);
      } finally {
        connection.close();
      }
    });
  }

  async #greet(): Promise<void> {
    await this.ask('dummy');
    this.#isKnown = true;
  }

  async #connect(): Promise<SocketConnection> {
    const { target, key, python } = this;
    try {
      // Whether it may go readable over a network was decided before.
      return await Client(target.address, { authKey: key.raw, legacy: python.legacy, insecure: true });
    } catch (error) {
      throw this.#explain(error as Error);
    }
  }

  #open(): Promise<Lane> {
    return this.#dialling.run(async () => {
      const lane: Lane = new Lane(await this.#connect(), (error) => this.#lost(lane, error));
      this.#lanes.add(lane);
      if (this.#error !== undefined) this.discard(lane);
      this.#read(await lane.ask(this.#encode([null, 'accept_connection', [`manycore-${process.pid}`], {}]).bytes));
      return lane;
    });
  }

  /** A reply that was too large is the end of its connection, and of no other. */
  #lost(lane: Lane, error: Error): void {
    if (!(error instanceof FrameTooLargeError)) return this.close(this.#explain(error));
    this.#lanes.delete(lane);
    if (this.#main === lane) this.#main = undefined;
    lane.close(() => new ConnectionLostError('A call before this one gave more than can be received.', true));
  }

  #encode(request: readonly unknown[]): Encoded {
    this.#needs = [];
    const bytes = pickle(Object.freeze([...request]), { sent: this.#sent, received: this.#received });
    return { bytes, needs: this.#needs };
  }

  #read(bytes: Uint8Array): unknown {
    return valueOf(unpickle(bytes, { sent: this.#sent, received: this.#received }), (token, exposed) => {
      // It is counted already, for whoever gets it.
      const reference = this.#referTo(token.typeid, token.id, exposed);
      reference.made(token.id);
      return proxyMaker.make(reference.kind, reference);
    });
  }

  readonly #sent = (value: object): SentProxy | undefined => {
    const reference = proxyMaker.referenceOf(value);
    if (reference === undefined) return undefined;
    if (!(reference instanceof PythonReference) || reference.connection !== this)
      throw new SerializationError('Cannot send a shared object of another server to a Python server.', 'args', '');
    for (const need of [reference, this.#address()]) if (!need.isSettled) this.#needs.push(need);
    if (reference.error !== undefined) throw reference.error;
    const { typeid, id, exposed } = reference;
    return { token: new Token(typeid, this.#ownAddress, id), exposed };
  };

  readonly #received = ({ typeid, id }: Token, exposed: readonly unknown[] | undefined): object => {
    const reference = this.attach(typeid, id, exposed);
    return proxyMaker.make(reference.kind, reference);
  };

  /** Asks the server how it calls itself, when that is needed for the first time. */
  #address(): PythonReference {
    if (this.#addressee === undefined) {
      this.#addressee = new PythonReference(this, userKind, '');
      void this.#learnAddress(this.#addressee);
    }
    return this.#addressee;
  }

  /** It stands in tokens, and the iterator of a dict is told of by one. */
  async #learnAddress(addressee: PythonReference): Promise<void> {
    try {
      if (typeof this.target.address === 'string') return;
      const [id] = (await this.ask('create', ['dict'])) as [string];
      const lane = await this.take();
      try {
        const [, value] = unpickle(await lane.ask(this.#encode([id, '__iter__', [], {}]).bytes), {
          sent: this.#sent,
          received: this.#received,
        });
        const [, token]: readonly unknown[] = Array.isArray(value) ? value : [];
        if (!(token instanceof Token)) return;
        this.#ownAddress = token.address;
        await this.ask('decref', [token.id]);
      } finally {
        this.giveBack(lane);
        await this.ask('decref', [id]);
      }
    } catch {
      // A server without dicts: it is likely to be called as it was found.
    } finally {
      addressee.made('');
    }
  }

  #referTo(
    typeid: string,
    id: string,
    exposed: readonly unknown[] | undefined,
    kind: string = this.kinds.get(typeid) ?? (builtinTypes.has(typeid) ? typeid : userKind),
  ): PythonReference {
    const reference = new PythonReference(this, kind, typeid, id);
    reference.exposed = exposed;
    this.#references.add(reference);
    return reference;
  }

  /** Refers to an object that somebody has passed on. */
  attach(typeid: string, id: string, exposed?: readonly unknown[], kind?: string): PythonReference {
    const reference = this.#referTo(typeid, id, exposed, kind);
    this.ask('incref', [id]).then(
      () => reference.made(id),
      (error: Error) => reference.failed(error),
    );
    return reference;
  }

  /** Has the server make an object. What is wrong with it is told by the first call. */
  create(typeid: string, args: readonly unknown[], named: object = {}): PythonReference {
    const request = [typeid, ...args];
    const { needs } = this.#encode([null, 'create', request, named]);
    const reference = this.#referTo(typeid, '', undefined);
    const make = async (): Promise<void> => {
      for (const need of needs) await need.settled();
      const [id, exposed] = (await this.ask('create', request, named)) as [string, unknown[]];
      reference.exposed = exposed;
      reference.made(id);
    };
    make().catch((error: Error) => reference.failed(error));
    return reference;
  }

  /** Resolves when all objects that were asked for are there. */
  async settled(): Promise<void> {
    await this.ready;
    for (const reference of Array.from(this.#references)) await reference.settled();
  }

  call(reference: Reference, name: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    if (this.#error !== undefined) return Promise.reject(this.#again());
    return methodOf(reference.kind, name)(new MethodCall(this, reference as PythonReference, signal), ...args);
  }

  /** A call of a method that gives its result at once, in its turn. */
  async request(
    reference: PythonReference,
    method: string,
    args: readonly unknown[],
    named: object = {},
  ): Promise<unknown> {
    const early = this.#encode([reference.id, method, args, named]);
    const needs = [reference, ...early.needs];
    const isComplete = needs.every(({ isMade }) => isMade);
    const reply = await new Promise<Uint8Array>((resolve, reject) => {
      const run = (lane: Lane): void => {
        try {
          const { bytes } = isComplete ? early : this.#encode([reference.id, method, args, named]);
          lane.ask(bytes).then(resolve, reject);
        } catch (error) {
          reject(error);
        }
      };
      this.#jobs.push({ needs, run, reject });
      this.#pump();
    });
    return this.#read(reply);
  }

  /** All whose turn has come. */
  #pump(): void {
    if (this.#error !== undefined) {
      for (const { reject } of this.#jobs.splice(0)) reject(this.#again());
      return;
    }
    if (this.#main === undefined) return void this.#openMain();
    while (this.#jobs.length > 0 && !this.#isWaiting) {
      const { needs, run, reject } = this.#jobs[0]!;
      const missing = needs.find(({ isSettled }) => !isSettled);
      if (missing !== undefined) {
        this.#isWaiting = true;
        missing.whenSettled(() => {
          this.#isWaiting = false;
          this.#pump();
        });
        return;
      }
      this.#jobs.shift();
      const failed = needs.find(({ error }) => error !== undefined);
      if (failed === undefined) run(this.#main);
      else reject(failed.error!);
    }
  }

  async #openMain(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      this.#main = await this.#open();
    } catch (error) {
      this.close(error as Error);
    } finally {
      this.#isOpening = false;
    }
    this.#pump();
  }

  /** A connection for something that may wait. */
  async take(): Promise<Lane> {
    await this.#slots.take();
    try {
      return this.#idle.pop() ?? (await this.#open());
    } catch (error) {
      this.#slots.giveBack();
      throw error;
    }
  }

  giveBack(lane: Lane): void {
    const isOfUse = !lane.isClosed && this.#error === undefined;
    if (isOfUse && this.#idle.length < pythonLanes.idle) this.#idle.push(lane);
    else this.discard(lane);
    this.#slots.giveBack();
  }

  discard(lane: Lane): void {
    this.#lanes.delete(lane);
    lane.close(this.#again);
  }

  /** A call on a connection that was taken. */
  async requestOn(lane: Lane, reference: PythonReference, method: string, args: readonly unknown[]): Promise<unknown> {
    await reference.settled();
    for (const need of this.#encode([reference.id, method, args, {}]).needs) await need.settled();
    return this.#read(await lane.ask(this.#encode([reference.id, method, args, {}]).bytes));
  }

  drop(reference: Reference): void {
    const dropped = reference as PythonReference;
    if (!this.#references.delete(dropped) || this.#error !== undefined) return;
    const done = dropped
      .settled()
      .then(() => this.ask('decref', [dropped.id]))
      .catch(() => undefined)
      .finally(() => this.#dropping.delete(done));
    this.#dropping.add(done);
  }

  /** The server counts what it was told of, and whoever gets the proxy tells it later: until then it is kept here. */
  travels(reference: Reference): void {
    if (reference.id === '')
      throw new SerializationError(
        'Cannot send a shared object that its Python server has not made yet: `await manager.settled()` first.',
        'args',
        '',
      );
    const proxy = reference.proxy?.deref();
    if (proxy === undefined) return;
    const timer = setTimeout(() => {
      this.#kept.delete(proxy);
      reference.travelled = false;
    }, lingerReferenceMs);
    timer.unref();
    this.#kept.set(proxy, timer);
  }

  /** Gives all references back, and closes it. */
  async end(): Promise<void> {
    for (const reference of Array.from(this.#references)) this.drop(reference);
    await Promise.all(this.#dropping);
    this.close(new ConnectionLostError('The manager was shut down.', false));
  }

  close(reason: Error): void {
    if (this.#error !== undefined) return;
    this.#error = reason;
    for (const lane of this.#lanes) lane.close(this.#again);
    this.#lanes.clear();
    this.#idle.length = 0;
    for (const timer of this.#kept.values()) clearTimeout(timer);
    this.#kept.clear();
    this.#references.clear();
    this.#pump();
  }

  /** Each call gets an error of its own, whose stack is its own. */
  readonly #again = (): Error => {
    const error = this.#error ?? new ConnectionLostError('The connection was closed.', true);
    return error instanceof ConnectionLostError
      ? new ConnectionLostError(error.message, error.maybeExecuted, { cause: error.cause ?? error })
      : error;
  };

  #explain(error: Error): Error {
    return lossOf(error, this.target.address, this.#isKnown);
  }
}
