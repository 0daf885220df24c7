import { types } from 'node:util';
import { ProtocolError, RemoteError } from '../errors.ts';
import { maxErrorCauses, maxErrorMessageLength, maxErrorProperties } from '../limits.ts';
import type { Decoder } from './decoder.ts';
import type { Encoder } from './encoder.ts';
import type { PrivateFields } from './forms.ts';
import { domException, type ErrorKind, errorKind, makeError } from './error-kinds.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** What is sent of one error. Everything is read once, before anything is written. */
interface Part {
  readonly error: Error;
  readonly kind: ErrorKind;
  readonly fields: readonly Field[];
  readonly dropped: string[];
}

interface Field {
  readonly key: string | symbol;
  readonly enumerable: boolean;
  readonly value: unknown;
}

const Form = { value: 0, error: 1, errors: 2 } as const;
const Flag = { enumerable: 1, symbol: 2 } as const;

/**
 * Whatever a task threw, as bytes. This never fails and never changes what was thrown: what cannot be read or sent is left
 * out and named in `droppedKeys`. The errors that are reached by `cause`, `errors` and other fields form a graph of their
 * own, in which cycles are kept and long chains are cut.
 */
export function encodeThrown(encoder: Encoder, writer: Writer, thrown: unknown): void {
  if (!isError(thrown)) {
    writer.u8(0);
    const start = writer.length;
    if (attempt(encoder, writer, thrown)) return;
    writer.length = start;
    attempt(encoder, writer, `<${describeThrown(thrown)}>`);
    return;
  }
  const numbers = new Map<Error, number>([[thrown, 0]]);
  const parts: Part[] = [];
  // A Map goes on with what is added to it under way.
  for (const error of numbers.keys()) parts.push(take(error, numbers));
  writer.u8(1);
  writer.varint(parts.length);
  for (const part of parts) encodeHead(writer, part);
  for (const part of parts) encodeBody(encoder, writer, part, numbers);
}

/** The counterpart: an error in any case; what was not an error is in a `RemoteError`. */
export function decodeThrown(decoder: Decoder, reader: Reader): Error {
  if (reader.u8() === 0) {
    return notAnError(blob(decoder, reader));
  }
  const count = reader.count(3);
  if (count === 0 || count > maxErrorCauses) throw new ProtocolError(`An answer has ${count} errors.`);
  const heads = Array.from({ length: count }, () => decodeHead(reader));
  const errors = heads.map(({ error }) => error);
  for (const head of heads) decodeBody(decoder, reader, head, errors);
  return errors[0]!;
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : notAnError(thrown);
}

function notAnError(thrown: unknown): RemoteError {
  return new RemoteError(`The task threw ${describeThrown(thrown)}, which is not an Error.`, thrown);
}

function isError(value: unknown): value is Error {
  if (types.isNativeError(value)) return true;
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

function describeThrown(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(cut(value));
    return typeof value === 'object' && value !== null ? 'an object' : cut(String(value));
  } catch {
    return 'an unreadable value';
  }
}

/** A property, or `otherwise` when reading it throws. */
function read(object: object, key: string | symbol, otherwise: unknown): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return otherwise;
  }
}

/** Reads an error, and gives numbers to the errors in its fields as long as there is room. */
function take(error: Error, numbers: Map<Error, number>): Part {
  const dropped: string[] = [];
  const fields: Field[] = [];
  for (const key of ownKeys(error, dropped)) {
    try {
      const value: unknown = Reflect.get(error, key);
      const enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
      fields.push({ key, enumerable, value });
      const members = Array.isArray(value) && !types.isProxy(value) ? value.slice(0, maxErrorCauses) : [value];
      for (const member of members) {
        if (numbers.size < maxErrorCauses && isError(member) && !numbers.has(member)) numbers.set(member, numbers.size);
      }
    } catch {
      dropped.push(String(key));
    }
  }
  return { error, kind: kindOf(error), fields, dropped };
}

function kindOf(error: Error): ErrorKind {
  try {
    return errorKind(error);
  } catch {
    return { name: 'Error', exact: true };
  }
}

const headKeys = new Set<string | symbol>(['message', 'stack', 'name']);

function ownKeys(error: Error, dropped: string[]): (string | symbol)[] {
  let keys: (string | symbol)[];
  try {
    keys = Reflect.ownKeys(error);
  } catch {
    dropped.push('<keys>');
    return [];
  }
  const kept: (string | symbol)[] = [];
  for (let i = 0; i < keys.length; i++) {
    if (kept.length === maxErrorProperties) {
      dropped.push(`<${keys.length - i} more>`);
      break;
    }
    if (!headKeys.has(keys[i]!)) kept.push(keys[i]!);
  }
  return kept;
}

function cut(value: unknown): string {
  if (value === undefined) return '';
  const whole = typeof value === 'string' ? value : '<unreadable>';
  return whole.length <= maxErrorMessageLength
    ? whole
    : `${whole.slice(0, maxErrorMessageLength)}... [${whole.length} characters]`;
}

function encodeHead(writer: Writer, { error, kind }: Part): void {
  writer.string(kind.name);
  writer.string(cut(read(error, 'message', null)));
  writer.string(cut(read(error, 'name', undefined)));
}

function decodeHead(reader: Reader): { readonly error: Error; readonly name: string } {
  const kind = reader.string();
  const message = reader.string();
  const name = reader.string();
  const error = makeError(kind, message, name);
  if (kind !== domException) define(error, 'message', message, false);
  return { error, name };
}

function encodeBody(
  encoder: Encoder,
  writer: Writer,
  { error, kind, fields, dropped }: Part,
  numbers: ReadonlyMap<Error, number>,
): void {
  writer.string(cut(read(error, 'stack', undefined)));
  // A class that cannot travel is no reason to lose the error: it arrives as its nearest native class, with its name.
  const prototype = kind.exact ? undefined : classPrototype(error);
  const hasClass = attempt(encoder, writer, prototype) && prototype !== undefined;
  attempt(encoder, writer, hasClass ? privateFieldsOf(encoder, error) : undefined);
  const start = writer.length;
  writer.u32(0);
  let count = 0;
  for (const field of fields) {
    const at = writer.length;
    if (encodeField(encoder, writer, field, numbers, dropped)) count++;
    else {
      writer.length = at;
      dropped.push(String(field.key));
    }
  }
  writer.u32At(start, count);
  attempt(encoder, writer, dropped);
}

function classPrototype(error: Error): unknown {
  const prototype: unknown = Object.getPrototypeOf(error);
  if (typeof prototype !== 'object' || prototype === null || types.isProxy(prototype)) return undefined;
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  // Node's own errors have a prototype that belongs to no class.
  return typeof constructor === 'function' && constructor.prototype === prototype ? prototype : undefined;
}

/** Undefined when there are none, and when they cannot be read. */
function privateFieldsOf(encoder: Encoder, error: Error): PrivateFields | undefined {
  try {
    const fields = encoder.functions?.privateFieldsOf(error);
    return fields?.length === 0 ? undefined : fields;
  } catch {
    return undefined;
  }
}

/** One field: an error of the graph by its number, a list of such, or any value. */
function encodeField(
  encoder: Encoder,
  writer: Writer,
  { key, enumerable, value }: Field,
  numbers: ReadonlyMap<Error, number>,
  dropped: string[],
): boolean {
  const flag = enumerable ? Flag.enumerable : 0;
  if (typeof key === 'string') {
    writer.u8(flag);
    writer.string(key);
  } else {
    writer.u8(flag | Flag.symbol);
    attempt(encoder, writer, key);
  }
  const list = Array.isArray(value) && !types.isProxy(value) && value.length > 0 && isError(value[0]);
  if (!list && !isError(value)) {
    writer.u8(Form.value);
    return attempt(encoder, writer, value);
  }
  const all = (list ? value : [value]) as readonly unknown[];
  const known = all.map((member) => numbers.get(member as Error)).filter((number) => number !== undefined);
  if (known.length === 0) return false;
  if (known.length < all.length) dropped.push(`${String(key)}: <${all.length - known.length} more>`);
  writer.u8(list ? Form.errors : Form.error);
  writer.varint(known.length);
  for (const number of known) writer.varint(number);
  return true;
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
    return undefined;
  } finally {
    reader.at = end;
  }
}

function decodeBody(
  decoder: Decoder,
  reader: Reader,
  { error, name }: { readonly error: Error; readonly name: string },
  errors: readonly Error[],
): void {
  const stack = reader.string();
  const prototype = blob(decoder, reader);
  const fields = blob(decoder, reader);
  if (prototype instanceof Error) {
    Object.setPrototypeOf(error, prototype);
    if (Array.isArray(fields)) equip(decoder, error, fields);
  }
  if (name !== '' && read(error, 'name', '') !== name) define(error, 'name', name, false);
  define(error, 'stack', stack === '' ? `${name || 'Error'}: ${error.message}` : stack, false);
  for (let count = reader.u32(); count > 0; count--) {
    const flags = reader.u8();
    const key = (flags & Flag.symbol) === 0 ? reader.string() : blob(decoder, reader);
    const value = decodeField(decoder, reader, errors);
    if (typeof key === 'string' || typeof key === 'symbol') define(error, key, value, (flags & Flag.enumerable) !== 0);
  }
  const dropped = blob(decoder, reader);
  if (Array.isArray(dropped) && dropped.length > 0) define(error, 'droppedKeys', dropped, true);
}

/** An error without its private fields is better than none. */
function equip(decoder: Decoder, error: Error, fields: PrivateFields): void {
  try {
    decoder.build((builder) => builder.equip(error, fields));
  } catch {}
}

function decodeField(decoder: Decoder, reader: Reader, errors: readonly Error[]): unknown {
  const form = reader.u8();
  if (form === Form.value) return blob(decoder, reader);
  const members = Array.from({ length: reader.count(1) }, () => errors[reader.varint()]);
  return form === Form.error ? members[0] : members;
}

function define(error: Error, key: string | symbol, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
