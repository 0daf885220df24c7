import type { Code, Reference } from '../wire/forms.ts';

/** Any function or class; a type of its own because `Function` would accept what cannot be called. */
export type Callable = (...args: never[]) => unknown;

/** How to make bare instances of a rebuilt class that has private members (see `private-fields.ts`). */
export interface PrivateTools {
  /** While true, field initialisers give `undefined` and constructors return at once. */
  on: boolean;
  /** Puts the captured values of static private fields in their place. */
  after?: () => void;
  get?: (instance: object) => Array<readonly [name: string, value: unknown]>;
  set?: (instance: object, take: (name: string) => { readonly value: unknown } | undefined) => void;
}

/** One class of an instance's chain that has private members: how to put them on an object. */
export interface PrivateLevel {
  readonly derived: boolean;
  readonly set: PrivateTools['set'];
  readonly get: PrivateTools['get'];
  /** Gives `object` the private members, or, for a base class, makes an object of the prototype that has them. */
  equip(prototype: object, object: object | undefined): object;
}

export type Importer = (specifier: string, options?: ImportCallOptions) => Promise<unknown>;

/** What a function or class that came by value was made from, so that it can be sent on without looking into it. */
export interface Received {
  readonly code: Code;
  readonly first: readonly unknown[];
  readonly read: () => readonly unknown[];
  readonly write: (values: readonly unknown[]) => void;
  readonly tools: PrivateTools;
}

/**
 * What has to be one per thread, however many copies of this package are loaded in it: a worker's entry is a bundle with
 * a copy of its own, and the user's code in the worker may import the package besides.
 */
export interface Registry {
  readonly origin: string;
  classes: number;
  readonly received: WeakMap<object, Received>;
  /** Values that references gave here: sent on, they go by the same reference. */
  readonly resolved: WeakMap<object, Reference>;
  readonly identities: WeakMap<object, string>;
  readonly byIdentity: Map<string, WeakRef<Callable>>;
  /** Identities of classes that this thread's host has, because they came from it. */
  readonly ofHost: Set<string>;
  /**
   * The same for a class that was defined here and not rebuilt; set by the capturing side, as it takes the inspector.
   */
  openClass: ((constructor: Callable) => PrivateLevel | undefined) | undefined;
  /** In a worker, the TypeScript loader that its host was started with, once a reference named it. */
  loader: string | undefined;
  /** In a worker, the user's main program, which is never imported there. */
  main: string | undefined;
  /** In a worker, how to import. */
  import: Importer | undefined;
}

const key: unique symbol = Symbol.for('manycore.closure');

function create(): Registry {
  return {
    origin: Math.random().toString(36).slice(2, 10) + process.pid.toString(36),
    classes: 0,
    received: new WeakMap(),
    resolved: new WeakMap(),
    identities: new WeakMap(),
    byIdentity: new Map(),
    ofHost: new Set(),
    openClass: undefined,
    loader: undefined,
    main: undefined,
    import: undefined,
  };
}

function find(): Registry {
  const global = globalThis as { [key]?: Registry };
  if (global[key] === undefined) Object.defineProperty(globalThis, key, { value: create(), configurable: true });
  return global[key]!;
}

export const registry: Registry = find();
