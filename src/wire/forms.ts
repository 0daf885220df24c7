/**
 * What the codec and the closure layer say to each other (types only). The codec knows how bytes are laid out and nothing
 * of source text; the closure layer knows how to look into a function and how to rebuild one and nothing of bytes.
 */

/** Data that any codec can carry: no identity, no cycles. */
export type Plain = undefined | null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/**
 * A piece of rewritten source from which functions are made. Immutable and compared by identity: a channel sends each
 * one once and names it by number from then on. Only the closure layer looks inside.
 */
export interface Code {
  readonly define: 'code';
  /** The captured variables, in the order of `FunctionParts.captured`. */
  readonly names: readonly string[];
  /** All else (text, kind, position, source map ...) belongs to the closure layer and is plain data. */
  readonly [detail: string]: Plain;
}

/** A value that the other side finds by itself: an intrinsic, a member of a built-in module, an export, an import. */
export interface Reference {
  readonly define: 'reference';
  /** True when finding it may need an asynchronous import on the receiving side. */
  readonly loads: boolean;
  readonly [detail: string]: Plain;
}

export type Definition = Code | Reference;

/** One own property to set on the rebuilt function or on its prototype; accessors travel as functions. */
export interface OwnProperty {
  readonly key: string | symbol;
  readonly descriptor: PropertyDescriptor;
}

/** A function or class taken apart. All values are live; the codec encodes them in the same graph as everything else. */
export interface FunctionParts {
  readonly code: Code;
  /** Values of `code.names`; a variable that is written somewhere travels as a cell object shared by its closures. */
  readonly captured: readonly unknown[];
  /** How each captured value is called in an error's path, such as `cfg`; same order as `captured`. */
  readonly labels: readonly string[];
  /**
   * Values that must exist before the code can be evaluated, such as a class's heritage. They are encoded before the
   * function; everything else may form cycles through it.
   */
  readonly first: readonly unknown[];
  /** Set for a class or old-style constructor: the same on every hop, so that an instance that comes back is `instanceof` the original. */
  readonly identity: string | undefined;
  readonly own: readonly OwnProperty[];
  /** Properties of `prototype` (old-style constructors); undefined when the code itself makes the prototype. */
  readonly prototype: readonly OwnProperty[] | undefined;
  /** What the `prototype` object inherits from when that is not the default. */
  readonly prototypeParent: object | undefined;
  /** What the function itself inherits from when that is not the default; a class has that from its heritage. */
  readonly parent: object | undefined;
}

/** A variable that is ever written travels in a cell, an object that the closures which share it share too. */
export function isCell(value: unknown): value is { v: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === null &&
    Object.keys(value).join() === 'v'
  );
}

export type FunctionForm =
  | { readonly form: 'reference'; readonly reference: Reference }
  /** A class that the receiving side already has, by identity. */
  | { readonly form: 'identity'; readonly identity: string }
  | { readonly form: 'bound'; readonly target: unknown; readonly self: unknown; readonly args: readonly unknown[] }
  | { readonly form: 'parts'; readonly parts: FunctionParts };

/** Private fields of an instance of a class that travels by value. */
export type PrivateFields = ReadonlyArray<readonly [name: string, value: unknown]>;

/** The sending side's view of functions; one per direction (to a worker, or back to the host). */
export interface FunctionReader {
  /** Called once around each message, so that two closures sharing a variable get the same cell within it. */
  begin(): void;
  end(): void;
  /** Takes a function apart. Throws `CaptureError` (without path: the codec adds it) when it cannot travel. */
  formOf(fn: (...args: never[]) => unknown): FunctionForm;
  /** The reference of an object that must not be copied: intrinsics, built-in modules, module namespaces, exports. */
  referenceOf(object: object): Reference | undefined;
  /** The private fields of an instance, or undefined when its classes have none. Throws when they cannot be carried. */
  privateFieldsOf(instance: object): PrivateFields | undefined;
}

/** A function made from its code, whose captured values are still to come. */
export interface Shell {
  readonly value: (...args: never[]) => unknown;
  /** It was made here, and has come back: it is what it is here, whatever the message says that it has. */
  readonly isOriginal: boolean;
  capture(values: readonly unknown[]): void;
}

/** The receiving side's view of functions. */
export interface FunctionBuilder {
  /** Starts loading what a reference needs; resolves at once (undefined) when nothing has to be awaited. */
  prepare(reference: Reference): Promise<void> | undefined;
  /** The value of a prepared reference. Throws the load's own error when it failed. */
  resolve(reference: Reference): unknown;
  /** Evaluates the code. With a known `identity` it returns the class that is already here, to be given fresh captures. */
  instantiate(code: Code, first: readonly unknown[], identity: string | undefined): Shell;
  /** The class of an identity that the other side says we have. */
  byIdentity(identity: string): (...args: never[]) => unknown;
  /** A bare instance whose fields' initialisers have not run; its private fields come later, as they may point back to it. */
  instance(prototype: object): { readonly value: object; fill(fields: PrivateFields): void };
  /** Gives an object that a built-in has made the private fields of the classes of its prototype. */
  equip(object: object, fields: PrivateFields): void;
}
