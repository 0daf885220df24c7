import * as own from '../errors.ts';
import { isTwin } from './shapes.ts';

/**
 * Classes of errors that both sides have: they travel by name. Besides the native ones these are manycore's own, which each
 * bundle of a worker has a copy of; a mark on their prototypes, under the brand's symbol, names them in every copy.
 */
const brand = Symbol.for('manycore.error');

const prototypes = new Map<string, object>();
for (const name of [
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'AggregateError',
  'SuppressedError',
]) {
  const native: unknown = Reflect.get(globalThis, name);
  if (typeof native === 'function') prototypes.set(name, native.prototype as object);
}
const natives = [...prototypes.entries()];
for (const [name, member] of Object.entries(own)) {
  if (typeof member !== 'function') continue;
  Object.defineProperty(member.prototype, brand, { value: name, configurable: true });
  prototypes.set(name, member.prototype);
}

export interface ErrorKind {
  /** The nearest class that both sides have. */
  readonly name: string;
  /** Whether it is the error's own class, and not one that the error's class extends. */
  readonly exact: boolean;
}

/** A DOMException has its message and name in internal slots: it is made by its constructor. */
export const domException = 'DOMException';

export function errorKind(error: object): ErrorKind {
  let exact = true;
  for (let at = Object.getPrototypeOf(error) as object | null; at !== null; exact = false) {
    const name = classOf(at);
    if (name !== undefined) return { name, exact };
    at = Object.getPrototypeOf(at) as object | null;
  }
  return { name: 'Error', exact: false };
}

function classOf(prototype: object): string | undefined {
  const mark: unknown = Object.getOwnPropertyDescriptor(prototype, brand)?.value;
  if (typeof mark === 'string' && prototypes.has(mark)) return mark;
  const native = natives.find(([, usual]) => prototype === usual || isTwin(prototype, usual));
  if (native !== undefined) return native[0];
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof constructor === 'function' && constructor.name === domException ? domException : undefined;
}

/** A bare error of a kind. Made as a plain Error, so that no constructor's habits show. */
export function makeError(kind: string, message: string, name: string): Error {
  if (kind === domException) return new DOMException(message, name);
  // The stack of this place is nobody's interest, and makes most of the work. By Reflect, as the built-in may be frozen.
  const limit = Error.stackTraceLimit;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const error = new Error();
  Reflect.set(Error, 'stackTraceLimit', limit);
  // Before it has its class: V8 makes the text of its stack when that is touched, with the help of the class's getters.
  Object.defineProperty(error, 'stack', { value: '', writable: true, enumerable: false, configurable: true });
  return Object.setPrototypeOf(error, kindPrototype(kind)) as Error;
}

export function kindPrototype(kind: string): object {
  return kind === domException ? DOMException.prototype : (prototypes.get(kind) ?? Error.prototype);
}
