import { types } from 'node:util';
import { ArgumentRangeError, ArgumentTypeError, ManycoreError, RemoteError } from '../errors.ts';
import { maxErrorCauses, maxErrorMessageLength, maxErrorProperties } from '../limits.ts';
import type { Decoder } from './decoder.ts';
import type { Encoder } from './encoder.ts';
import type { Reader } from './reader.ts';
import { knownErrors } from './tags.ts';
import type { Writer } from './writer.ts';

/**
 * Whatever a task threw, as bytes. This never fails and never changes what was thrown: what cannot be read or sent is left
 * out and named in `droppedKeys`. The errors that are reached by `cause` and `errors` form a graph of their own, in which
 * cycles are kept and long chains are cut.
 */
export function encodeThrown(encoder: Encoder, writer: Writer, thrown: unknown): void {
  if (!isError(thrown)) {
    writer.u8(0);
    if (attempt(encoder, writer, thrown)) return;
    attempt(encoder, writer, `<${describeThrown(thrown)}>`);
    return;
  }
  const errors = reachable(thrown);
  writer.u8(1);
  writer.varint(errors.length);
  for (const error of errors) encodeError(encoder, writer, error, errors);
}

/** The counterpart: an error in any case; what was not an error is in a `RemoteError`. */
export function decodeThrown(decoder: Decoder, reader: Reader): Error {
  if (reader.u8() === 0) {
    const value = blob(decoder, reader);
    return new RemoteError(`The task threw ${describeThrown(value)}, which is not an Error.`, value);
  }
  const errors: Error[] = Array.from({ length: reader.count(1) }, () => new Error());
  for (const error of errors) decodeError(decoder, reader, error, errors);
  return errors[0] ?? new RemoteError('The task threw something that could not be read.', undefined);
}

function isError(value: unknown): value is Error {
  if (types.isNativeError(value)) return true;
  return typeof value === 'object' && value !== null && !types.isProxy(value) && value instanceof Error;
}

function describeThrown(value: unknown): string {
  try {
    return typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'object' && value !== null
        ? 'an object'
        : String(value);
  } catch {
    return 'an unreadable value';
  }
}

function read(object: object, key: string): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return undefined;
  }
}

function reachable(root: Error): Error[] {
  const found = [root];
  for (let i = 0; i < found.length && found.length < maxErrorCauses; i++) {
    const members: unknown = read(found[i]!, 'errors');
    for (const next of [
      read(found[i]!, 'cause'),
      ...(Array.isArray(members) ? members.slice(0, maxErrorCauses) : []),
    ]) {
      if (isError(next) && !found.includes(next)) found.push(next);
    }
  }
  return found;
}

function cut(text: unknown): string {
  const whole = typeof text === 'string' ? text : text === undefined ? '' : '<unreadable>';
  return whole.length <= maxErrorMessageLength
    ? whole
    : `${whole.slice(0, maxErrorMessageLength)}... [${whole.length} characters]`;
}

function encodeError(encoder: Encoder, writer: Writer, error: Error, errors: readonly Error[]): void {
  const kind = knownErrors.findLastIndex((constructor) => error instanceof constructor);
  const prototype: unknown = Object.getPrototypeOf(error);
  const message = read(error, 'message');
  writer.u8(Math.max(kind, 0));
  writer.string(cut(message === undefined ? '<unreadable>' : message));
  writer.string(cut(read(error, 'stack')));
  writer.string(cut(read(error, 'name')));
  const dropped: string[] = [];
  const own = isClassOf(prototype, knownErrors[kind]);
  // A class that cannot travel is no reason to lose the error: it arrives as its nearest native class, with its name.
  attempt(encoder, writer, own || !hasConstructor(prototype) ? undefined : prototype);
  const keys = ownKeys(error, dropped);
  const start = writer.length;
  writer.u32(0);
  let count = 0;
  for (const key of keys) {
    if (encodeField(encoder, writer, error, key, errors)) count++;
    else dropped.push(key);
  }
  writer.u32At(start, count);
  attempt(encoder, writer, dropped);
}

/** Our own errors may come from another copy of this package: then the name of the class decides. */
function isClassOf(prototype: unknown, known: (typeof knownErrors)[number] | undefined): boolean {
  if (known === undefined || prototype === known.prototype) return known !== undefined;
  return (
    (known === ArgumentTypeError || known === ArgumentRangeError || known.prototype instanceof ManycoreError) &&
    hasConstructor(prototype) &&
    prototype.constructor.name === known.name
  );
}

function hasConstructor(prototype: unknown): prototype is object {
  return typeof prototype === 'object' && prototype !== null && Object.hasOwn(prototype, 'constructor');
}

function ownKeys(error: Error, dropped: string[]): string[] {
  const skipped = new Set(['message', 'stack', 'name']);
  let keys: string[] = [];
  try {
    keys = Object.getOwnPropertyNames(error).filter((key) => !skipped.has(key));
  } catch {
    dropped.push('<keys>');
  }
  if (keys.length > maxErrorProperties) dropped.push(`<${keys.length - maxErrorProperties} more>`);
  return keys.slice(0, maxErrorProperties);
}

/** One field: an error of the graph by its number, a list of such, or any value. */
function encodeField(encoder: Encoder, writer: Writer, error: Error, key: string, errors: readonly Error[]): boolean {
  const start = writer.length;
  let value: unknown;
  let enumerable = true;
  try {
    value = Reflect.get(error, key);
    enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
  } catch {
    return false;
  }
  writer.string(key);
  writer.u8(enumerable ? 1 : 0);
  const indices = (Array.isArray(value) && value.length > 0 ? value : [value]).map((item) =>
    errors.indexOf(item as Error),
  );
  if (!indices.includes(-1)) {
    writer.u8(Array.isArray(value) ? 2 : 1);
    writer.varint(indices.length);
    for (const index of indices) writer.varint(index);
    return true;
  }
  writer.u8(0);
  if (!isError(value) && attempt(encoder, writer, value)) return true;
  writer.length = start;
  return false;
}

/** Writes a value with its length, or, when it cannot travel, nothing but `undefined`. */
function attempt(encoder: Encoder, writer: Writer, value: unknown): boolean {
  const start = writer.length;
  writer.u32(0);
  let sent = true;
  try {
    encoder.message(writer, value, 'result');
  } catch {
    sent = false;
    writer.length = start + 4;
    encoder.message(writer, undefined);
  }
  writer.u32At(start, writer.length - start - 4);
  return sent;
}

function blob(decoder: Decoder, reader: Reader): unknown {
  const length = reader.u32();
  reader.need(length);
  const end = reader.at + length;
  try {
    return decoder.message(reader);
  } catch {
    decoder.reset();
    return undefined;
  } finally {
    reader.at = end;
  }
}

function decodeError(decoder: Decoder, reader: Reader, error: Error, errors: readonly Error[]): void {
  const native = knownErrors[reader.u8()] ?? Error;
  const message = reader.string();
  const stack = reader.string();
  const name = reader.string();
  const prototype = blob(decoder, reader);
  Object.setPrototypeOf(error, typeof prototype === 'object' && prototype !== null ? prototype : native.prototype);
  define(error, 'message', message, false);
  define(error, 'stack', stack === '' ? `${name}: ${message}` : stack, false);
  if (read(error, 'name') !== name) define(error, 'name', name, false);
  for (let count = reader.u32(); count > 0; count--) {
    const key = reader.string();
    const enumerable = reader.u8() === 1;
    const form = reader.u8();
    const members = form === 0 ? [] : Array.from({ length: reader.count(1) }, () => errors[reader.varint()]);
    define(error, key, form === 0 ? blob(decoder, reader) : form === 1 ? members[0] : members, enumerable);
  }
  const dropped = blob(decoder, reader) as string[];
  if (Array.isArray(dropped) && dropped.length > 0) define(error, 'droppedKeys', dropped, true);
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
