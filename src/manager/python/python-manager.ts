import { checkKeys, show } from '../../arguments.ts';
import { showAs } from '../../inspection.ts';
import { ArgumentTypeError, ManagerStateError } from '../../errors.ts';
import { travelsAs } from '../../wire/shared.ts';
import { type Address, checkAddress, showAddress, type Target } from '../address.ts';
import { AuthKey } from '../auth-key.ts';
import { BuiltinTypes } from '../builtin-types.ts';
import { builtinTypes } from '../objects/index.ts';
import type { BaseProxy, Remote } from '../proxies/index.ts';
import { proxyMaker, refuseToOthers } from '../proxy-maker.ts';
import type { PythonAccess, PythonTraits } from './access.ts';
import { accessTo } from './accesses.ts';
import { creationOf } from './creation.ts';

/** How a Python manager's server is reached. */
export interface PythonManagerOptions {
  /** What the server was given as `authkey`. */
  readonly authKey: Uint8Array | string;
  /** The server is CPython up to 3.11, which knows no other digest than MD5. Default false. */
  readonly legacy?: boolean;
  /** TCP beyond this machine: Python's protocol is readable by all on the way. Default false. */
  readonly insecure?: boolean;
}

interface Travelling {
  readonly target: Target;
  readonly key: Uint8Array;
  readonly python: PythonTraits;
  readonly kinds: ReadonlyMap<string, string>;
}

const kindsOf = new WeakMap<object, ReadonlyMap<string, string>>();

/** What a class has registered, or the nearest one that it extends. */
function registered(of: unknown): ReadonlyMap<string, string> {
  for (let at = of; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const found = kindsOf.get(at);
    if (found !== undefined) return found;
  }
  return new Map();
}

/**
 * A client of a manager's server that runs in Python, on this machine or another one. Its objects have the same proxies as those of
 * a `Manager`, with what Python's objects can do. Python: `SyncManager(address, authkey)` and `connect()`.
 *
 * @example
 * ```ts
 * import { PythonManager } from 'manycore/managers';
 * async function main() {
 *   await using manager = await PythonManager.connect({ port: 50_000 }, { authKey: 'secret' });
 *   const squares = manager.dict<string, number>();
 *   await squares.set('two', 4);
 *   console.log(await squares.value()); // Map(1) { 'two' => 4 }
 * }
 * ```
 */
export class PythonManager extends BuiltinTypes {
  readonly #access: PythonAccess;
  #isEnded = false;

  /** Made by `connect`. */
  protected constructor(access: PythonAccess) {
    super();
    this.#access = access;
    access.users++;
    for (const [typeid, kind] of registered(new.target)) access.kinds.set(typeid, kind);
  }

  /**
   * Connects to a server that runs already.
   *
   * @param address - The path of its Unix socket, or `{ host, port }`.
   * @throws AuthenticationError when one side does not show that it has the key, ConnectionLostError when nobody is there.
   * @throws ArgumentRangeError for an address beyond this machine without `insecure`.
   */
  static async connect(address: Address, options: PythonManagerOptions): Promise<PythonManager> {
    checkKeys('connect', options, ['authKey', 'legacy', 'insecure']);
    const { authKey, legacy = false, insecure = false } = options;
    for (const [name, value] of Object.entries({ legacy, insecure }))
      if (typeof value !== 'boolean')
        throw new ArgumentTypeError(`Cannot use ${name} ${show(value)}: expected true or false.`);
    const key = new AuthKey(authKey);
    const manager = new this(accessTo(checkAddress(address, false, insecure), key, { legacy }));
    await manager.#access.ready;
    return manager;
  }

  /**
   * Says which of our types what the server has under a name is, such as `Queue`: its proxies have that type's methods. Without it
   * they have the methods of the Python object, by their names there. Python: `BaseManager.register`.
   *
   * @example
   * ```ts
   * import { PythonManager, type QueueProxy } from 'manycore/managers';
   * class Jobs extends PythonManager {}
   * Jobs.register('get_queue', { type: 'Queue' });
   * async function main() {
   *   await using manager = await Jobs.connect({ port: 50_000 }, { authKey: 'abc' });
   *   await manager.create<QueueProxy<string>>('get_queue').put('paint the fence');
   * }
   * ```
   */
  static register(name: string, options: { readonly type: string }): void {
    if (typeof name !== 'string' || name === '')
      throw new ArgumentTypeError(`Cannot register ${show(name)}: expected a name.`);
    checkKeys('register()', options, ['type']);
    const { type } = options;
    if (!builtinTypes.has(type))
      throw new ArgumentTypeError(
        `Cannot use type ${show(type)}: expected one of ${[...builtinTypes.keys()].join(', ')}.`,
      );
    kindsOf.set(this, new Map([...registered(this), [name, type]]));
  }

  #open(): PythonAccess {
    if (this.#isEnded) throw new ManagerStateError('Cannot use the manager: it was shut down.');
    return this.#access;
  }

  /** An object of a type that the server has registered. Python: `manager.TYPEID(...)`. */
  override create<T extends object = Record<string, (...args: unknown[]) => unknown>>(
    type: string,
    ...args: readonly unknown[]
  ): T extends BaseProxy ? T : Remote<T> {
    const creation = creationOf(type, args);
    const reference = this.#open().create(type, creation.args, creation.named);
    return proxyMaker.make(reference.kind, reference) as never;
  }

  /**
   * Resolves when the server has made all objects that were asked for: from then on their proxies can be sent to tasks and
   * processes.
   *
   * @throws what went wrong with one of them.
   */
  settled(): Promise<void> {
    return this.#open().settled();
  }

  /** How many objects somebody refers to. Python: `_number_of_objects`. */
  async numberOfObjects(): Promise<number> {
    return (await this.#open().ask('number_of_objects')) as number;
  }

  /** The server's own words on its objects. Python: `_debug_info`. */
  async debugInfo(): Promise<string> {
    return (await this.#open().ask('debug_info')) as string;
  }

  get address(): Address {
    return this.#access.target.address;
  }

  /** Gives all references back and closes the connections; the server goes on. May be called twice. */
  async shutdown(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (--this.#access.users === 0) await this.#access.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  static {
    travelsAs<PythonManager, Travelling>(this as never, {
      stateOf: (manager) => {
        refuseToOthers(manager.constructor.name, manager.#open());
        const { target, key, python, kinds } = manager.#open();
        return { target, key: key.raw, python, kinds };
      },
      attach: (constructor, { target, key, python, kinds }) => {
        const access = accessTo(target, new AuthKey(key), python);
        for (const [typeid, kind] of kinds) access.kinds.set(typeid, kind);
        return Reflect.construct(constructor, [access]) as PythonManager;
      },
    });
    showAs(this, (manager) => ` at ${showAddress(manager.address)}`);
  }
}
