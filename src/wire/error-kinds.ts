import * as errors from '../errors.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

type ErrorClass = new (message: string) => Error;

const bases: readonly ErrorClass[] = [errors.ArgumentTypeError, errors.ArgumentRangeError, errors.ManycoreError];
/** Our own classes, which a worker has a copy of in its bundle: they are the same class by name. */
const own = new Map<string, ErrorClass>();
for (const value of Object.values(errors)) if (baseOf(value) !== undefined) own.set(value.name, value as never);

function baseOf(constructor: unknown): ErrorClass | undefined {
  for (let c = constructor; typeof c === 'function'; c = Object.getPrototypeOf(c))
    if (bases.includes(c as never)) return c as never;
  return undefined;
}

/** The name of the class of ours that a prototype belongs to. */
function ownName(prototype: object): string | undefined {
  for (const [name, constructor] of own) if (constructor.prototype === prototype) return name;
  return undefined;
}

/** Whether an error's class is known at both ends, so that its prototype need not travel. */
export function isKnownKind(error: Error): boolean {
  return error instanceof DOMException || ownName(Object.getPrototypeOf(error) as object) !== undefined;
}

/**
 * What has to be known of an error when it is made: a DOMException keeps its name and message where nobody can set them,
 * and an error of ours is known by its brand.
 */
export function encodeKind(writer: Writer, error: Error, text: (key: 'message' | 'name') => string): void {
  const name = error instanceof DOMException ? undefined : ownName(Object.getPrototypeOf(error) as object);
  writer.u8(error instanceof DOMException ? 1 : name === undefined ? 0 : 2);
  if (name !== undefined) writer.string(name);
  if (!(error instanceof DOMException)) return;
  writer.string(text('message'));
  writer.string(text('name'));
}

export function decodeKind(reader: Reader): Error {
  switch (reader.u8()) {
    case 1:
      return new DOMException(reader.string(), reader.string());
    case 2: {
      const constructor = own.get(reader.string()) ?? errors.ManycoreError;
      // Its fields follow; only the base's constructor runs, which brands it.
      return Reflect.construct(baseOf(constructor)!, [''], constructor) as Error;
    }
    default:
      return new Error();
  }
}
