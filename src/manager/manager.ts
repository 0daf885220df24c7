import { randomBytes } from 'node:crypto';
import { ManagerStateError } from '../errors.ts';
import { managerShutdownMs } from '../limits.ts';
import { checkFunction, type NeededArgs } from '../arguments.ts';
import { showAs } from '../inspection.ts';
import { Process } from '../process/process.ts';
import { travelsAs } from '../wire/shared.ts';
import { type Address, checkAddress, isAbstract, showAddress, type Target } from './address.ts';
import { AuthKey } from './auth-key.ts';
import { BuiltinTypes } from './builtin-types.ts';
import type { Connection } from './connection.ts';
import { makeFolder, removeAtEnd, removeFolder } from './folder.ts';
import { listenAtPath, listenInFolder, listenOnPort, type ListeningSocket } from './listening-socket.ts';
import {
  checkConnectOptions,
  checkManagerOptions,
  checkRegistration,
  type ConnectOptions,
  type ManagerOptions,
  type RegisterOptions,
} from './options.ts';
import { idBytes } from './protocol.ts';
import { builtinTypes } from './objects/index.ts';
import type { BaseProxy, Remote } from './proxies/index.ts';
import { connectionTo, proxyMaker, refuseToOthers, userKind } from './proxy-maker.ts';
import { addRegistration, type Registration, registered } from './registration.ts';
import { serve, type ServeOptions } from './serve.ts';
import { Server, type ServerStatistics } from './server.ts';

/** What `start()` runs in the server before it serves. */
export interface StartOptions<Args extends readonly unknown[] | [] = readonly unknown[]> {
  readonly initializer?: (...args: [...Args]) => unknown;
  readonly initArgs?: Args;
}

interface Managing {
  readonly target: Target;
  readonly key: Uint8Array;
  readonly allowsCode: boolean;
}

type State = 'initial' | 'starting' | 'started' | 'connected' | 'serving' | 'ended';

/**
 * Shared objects in a server process of their own, which all processes and threads, on this machine or others, use through
 * proxies. The server starts with the first object and ends with `shutdown()`, with its `await using` block, or with the
 * program. Python: `multiprocessing.Manager()`, `SyncManager`, `BaseManager`.
 *
 * @example
 * ```ts
 * import { Manager, Pool } from 'manycore';
 * await using manager = new Manager();
 * await using pool = new Pool(4);
 * const squares = manager.dict<number, number>();
 * await pool.map((n) => squares.set(n, n * n), [1, 2, 3]);
 * console.log(await squares.value()); // Map(3) { 1 => 1, 2 => 4, 3 => 9 }
 * ```
 */
export class Manager extends BuiltinTypes {
  readonly #options: ManagerOptions;
  readonly #key: AuthKey;
  #state: State = 'initial';
  #target: Target | undefined;
  #allowsCode = false;
  #connection: Connection | undefined;
  #process: Process | undefined;
  /** What goes with the server: the folder of its socket, or the socket. */
  #folder: string | undefined;

  /**
   * @throws ArgumentTypeError, ArgumentRangeError for options that are wrong or unknown, and for an address beyond this
   * machine without TLS.
   */
  constructor(options: ManagerOptions = {}) {
    super();
    checkManagerOptions(new.target.name, options);
    this.#options = options;
    const { address, tls, insecure, authKey } = options;
    if (address !== undefined) this.#target = checkAddress(address, tls, insecure);
    this.#key = authKey === undefined ? AuthKey.random() : new AuthKey(authKey);
  }

  /**
   * Connects to a server that runs already, anywhere.
   *
   * @throws AuthenticationError when it does not have the key, ConnectionLostError when nobody is there.
   */
  static async connect(address: Address, options: ConnectOptions): Promise<Manager> {
    checkConnectOptions(options);
    const manager = new this({ ...options, address });
    await manager.#connect();
    return manager;
  }

  async #connect(): Promise<void> {
    const target = this.#target!;
    this.#state = 'connected';
    this.#connection = connectionTo(target, this.#key, false);
    this.#connection.users++;
    await this.#connection.ready;
    this.#allowsCode = this.#connection.allowsCode;
  }

  /**
   * Says what is behind a name, for this class and those that extend it afterwards: before the server starts. A client that
   * only uses the objects need not register anything. Python: `BaseManager.register`.
   *
   * @example
   * ```ts
   * import { Manager } from 'manycore';
   * class Counter {
   *   #n = 0;
   *   add(by: number) { return (this.#n += by); }
   * }
   * class MyManager extends Manager {}
   * MyManager.register('Counter', { create: Counter });
   * await using manager = new MyManager();
   * const counter = manager.create<Counter>('Counter');
   * console.log(await counter.add(2)); // 2
   * ```
   */
  static register(name: string, options: RegisterOptions = {}): void {
    addRegistration(this, checkRegistration(name, options));
  }

  get #registered(): Registration[] {
    return [...registered(this.constructor).values()];
  }

  /**
   * Starts the server now, and resolves when it answers. Without it, it starts with the first object.
   *
   * @throws ManagerStateError when it was started before.
   */
  start<Args extends readonly unknown[] | []>(
    options?: StartOptions<Args> & NeededArgs<Args, 'initArgs'>,
  ): Promise<this>;
  async start<Args extends readonly unknown[] | []>(options: StartOptions<Args> = {}): Promise<this> {
    if (this.#state !== 'initial') throw new ManagerStateError(`Cannot start the manager: ${words[this.#state]}.`);
    const { initializer, initArgs = [] } = options;
    if (initializer !== undefined) checkFunction('initializer', initializer);
    const init = [initializer as never, initArgs as readonly unknown[]] as const;
    const address = this.#target?.address;
    if (address === undefined) this.#startHere(...init);
    else {
      this.#state = 'starting';
      this.#launch(await this.#listen(address), ...init);
    }
    await this.#connection!.ready;
    return this;
  }

  async #listen(address: Address): Promise<ListeningSocket> {
    try {
      if (typeof address === 'object') return await listenOnPort(address);
      const socket = await listenAtPath(address);
      if (isAbstract(address)) return socket;
      removeAtEnd(address);
      this.#folder = address;
      return socket;
    } catch (error) {
      this.#state = 'initial';
      throw error;
    }
  }

  #startHere(initializer?: ServeInit, initArgs: readonly unknown[] = []): void {
    const address = this.#target?.address;
    if (address !== undefined)
      throw new ManagerStateError(
        `Cannot start a server at ${showAddress(address)} by using it: call start() and await it.`,
      );
    this.#folder = makeFolder();
    this.#launch(listenInFolder(this.#folder), initializer, initArgs);
  }

  #launch(socket: ListeningSocket, initializer: ServeInit | undefined, initArgs: readonly unknown[]): void {
    const { allowCode = true, maxConnections, maxFrameBytes, linger, tls, insecure } = this.#options;
    const target = checkAddress(socket.address, tls, insecure);
    const setup: ServeOptions = {
      target,
      key: this.#key.raw,
      registrations: this.#registered,
      allowCode,
      maxConnections,
      maxFrameBytes,
      linger,
    };
    try {
      this.#process = new Process({
        target: serve,
        args: [setup, initializer, initArgs],
        name: this.constructor.name,
        daemon: true,
        context: 'process',
        stdio: [socket.fd, undefined, undefined],
      }).start() as unknown as Process;
    } finally {
      socket.close();
    }
    this.#target = target;
    this.#allowsCode = allowCode;
    this.#state = 'started';
    this.#connection = connectionTo(target, this.#key, allowCode, true);
    this.#connection.users++;
    const folder = this.#folder;
    void this.#process.sentinel.then(() => folder !== undefined && removeFolder(folder));
  }

  /**
   * The server, to be run in this process. Python: `get_server`.
   *
   * @throws ManagerStateError when the manager was started or connected.
   * @example
   * ```ts
   * import { Manager } from 'manycore';
   * const authKey = 'change me';
   * const server = new Manager({ address: { port: 0 }, authKey }).getServer();
   * await server.start();
   * const client = await Manager.connect(server.address, { authKey });
   * await client.list([1, 2]).append(3);
   * await client.shutdown();
   * server.shutdown();
   * ```
   */
  getServer(): Server {
    if (this.#state !== 'initial') throw new ManagerStateError(`Cannot get a server: ${words[this.#state]}.`);
    if (this.#target === undefined) {
      this.#folder = makeFolder();
      this.#target = { address: `${this.#folder}/socket`, tls: false };
    }
    this.#state = 'serving';
    const { allowCode, maxConnections, maxFrameBytes, linger } = this.#options;
    const folder = this.#folder;
    return new Server({
      onEnd: () => folder !== undefined && removeFolder(folder),
      target: this.#target,
      key: this.#key,
      registrations: this.#registered,
      allowCode,
      maxConnections,
      maxFrameBytes,
      linger,
    });
  }

  /** Where the server is; undefined before there is one. */
  get address(): Address | undefined {
    return this.#target?.address;
  }

  /** The process id of a server that this manager has started. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  #open(): Connection {
    if (this.#state === 'initial') this.#startHere();
    if (this.#connection === undefined || this.#state === 'ended')
      throw new ManagerStateError(`Cannot use the manager: ${words[this.#state]}.`);
    return this.#connection;
  }

  /** An object of a registered type. Python: `manager.TYPEID(...)`. */
  override create<T extends object = Record<string, (...args: unknown[]) => unknown>>(
    type: string,
    ...args: readonly unknown[]
  ): T extends BaseProxy ? T : Remote<T> {
    return this.#make(type, args) as never;
  }

  #make(type: string, args: readonly unknown[]): object {
    const registration = this.#registered.find(({ name }) => name === type);
    const kind = registration?.type ?? (builtinTypes.has(type) ? type : userKind);
    const id = randomBytes(idBytes).toString('hex');
    return proxyMaker.make(kind, this.#open().create(kind, type, id, args));
  }

  /** How many objects somebody refers to. Python: `_number_of_objects`. */
  async numberOfObjects(): Promise<number> {
    return (await this.#open().manage('numberOfObjects')) as number;
  }

  /** How many there are of which type. Python: `_debug_info`. */
  async debugInfo(): Promise<Map<string, number>> {
    return (await this.#open().manage('debugInfo')) as Map<string, number>;
  }

  /** What the server does at this moment. */
  async statistics(): Promise<ServerStatistics> {
    return Object.freeze((await this.#open().manage('statistics')) as ServerStatistics);
  }

  /**
   * Ends the server that this manager has started: it is asked to, then told, then made to. A manager that is connected leaves
   * its server alone. May be called twice.
   */
  async shutdown(): Promise<void> {
    const connection = this.#connection;
    const server = this.#process;
    const started = this.#state === 'started';
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    if (started && server !== undefined && connection !== undefined) {
      connection.manage('shutdown').catch(() => undefined);
      for (const end of [() => {}, () => server.terminate(), () => server.kill()]) {
        end();
        await server.join({ timeout: managerShutdownMs });
        if (!server.isAlive()) break;
      }
    }
    if (connection !== undefined && (--connection.users === 0 || started)) connection.close();
    if (this.#folder !== undefined) removeFolder(this.#folder);
  }

  /** Waits for the end of the server that this manager has started, or for `timeout` milliseconds. */
  async join(options: { readonly timeout?: number } = {}): Promise<void> {
    await this.#process?.join(options);
  }

  /** The exit code of the server that this manager has started; null until it has ended. */
  get exitCode(): number | null {
    return this.#process?.exitCode ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  static {
    travelsAs<Manager, Managing>(this, {
      stateOf: (manager) => {
        refuseToOthers(manager.constructor.name, manager.#open());
        return { target: manager.#target!, key: manager.#key.raw, allowsCode: manager.#allowsCode };
      },
      // It arrives connected.
      attach: (constructor, { target, key, allowsCode }) => {
        const manager = Reflect.construct(constructor, [{ authKey: key }]) as Manager;
        manager.#target = target;
        manager.#state = 'connected';
        manager.#allowsCode = allowsCode;
        manager.#connection = connectionTo(target, manager.#key, allowsCode, true);
        manager.#connection.users++;
        return manager;
      },
    });
    showAs(this, (manager) => {
      const at = manager.#target === undefined ? '' : ` at ${showAddress(manager.#target.address)}`;
      return ` ${manager.#state}${at}`;
    });
  }
}

type ServeInit = (...args: unknown[]) => unknown;

const words: Readonly<Record<State, string>> = {
  initial: 'it was not started',
  starting: 'it is being started',
  started: 'it was started',
  connected: 'it is connected to a server',
  serving: 'its server runs in this process',
  ended: 'it was shut down',
};
