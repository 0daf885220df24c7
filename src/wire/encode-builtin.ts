import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import { posted } from '../memory/parcels.ts';
import { encodeClass, encodeExact, encodeOwn, encodePrivates, encodePrototype } from './encode-properties.ts';
import type { Encoder } from './encoder.ts';
import { domException, errorKind, kindPrototype } from './error-kinds.ts';
import type { FunctionForm } from './forms.ts';
import { MapKey, setValues } from './path.ts';
import { travellingStateOf } from './shared.ts';
import { encodeSocket } from './sockets.ts';
import { storages } from './identities.ts';
import { Tag, viewNames } from './tags.ts';
import { hasOnly, isTwin } from './shapes.ts';
import { isMoving } from './transfer.ts';
import { adviceTo, article, NodeInternalError, unsendable } from './unsendable.ts';

/** Built-in kinds of object, by their internal slots and not by their prototype: subclasses and null prototypes included. */
export function encodeBuiltin(encoder: Encoder, value: object, prototype: object | null): void {
  const { writer } = encoder;
  if (types.isProxy(value)) throw unsendable('a Proxy cannot be sent', 'Send a plain copy of what it stands for.');
  if (types.isMap(value)) return map(encoder, value, prototype);
  if (types.isSet(value)) return set(encoder, value, prototype);
  if (types.isDate(value)) {
    encoder.remember(value);
    writer.u8(Tag.date);
    writer.f64(Date.prototype.getTime.call(value));
    return rest(encoder, value, prototype, Date.prototype);
  }
  if (types.isRegExp(value)) {
    encoder.remember(value);
    writer.u8(Tag.regexp);
    writer.string(value.source);
    writer.string(value.flags);
    return rest(encoder, value, prototype, RegExp.prototype);
  }
  if (types.isNativeError(value)) return error(encoder, value, prototype);
  if (types.isAnyArrayBuffer(value)) {
    encoder.remember(value);
    return encoder.buffer(value);
  }
  if (ArrayBuffer.isView(value)) return view(encoder, value);
  if (types.isBoxedPrimitive(value)) {
    encoder.remember(value);
    writer.u8(Tag.boxed);
    return encoder.value(unboxed(value));
  }
  const refused = unsendableKind(value);
  if (refused !== undefined) throw unsendable(`${article(refused)} cannot be sent`, adviceFor(refused));
  if (value instanceof URL) {
    encoder.remember(value);
    writer.u8(Tag.url);
    return writer.string(value.href);
  }
  if (value instanceof AsyncLocalStorage) {
    encoder.remember(value);
    writer.u8(Tag.storage);
    return writer.string(storages.idOf(value));
  }
  if (value instanceof URLSearchParams) {
    encoder.remember(value);
    writer.u8(Tag.searchParams);
    return writer.string(value.toString());
  }
  if (prototype !== null && prototype !== Object.prototype && isTwin(prototype, Object.prototype))
    return encoder.plain(value as Record<string, unknown>);
  if (value === process.env) return encoder.plain({ ...process.env });
  if (!encoder.capturing && types.isModuleNamespaceObject(value)) {
    const reference = encoder.functions?.referenceOf(value);
    if (reference !== undefined) return encoder.reference(reference);
  }
  if (prototype === null) return encodeExact(encoder, value, null, Object.prototype, Tag.exact, 0);
  const constructor: unknown = Object.getOwnPropertyDescriptor(value, 'constructor')?.value;
  if (typeof constructor === 'function' && constructor.prototype === value) {
    encoder.remember(value);
    writer.u8(Tag.prototypeOf);
    return encoder.value(constructor);
  }
  instance(encoder, value as Record<string | symbol, unknown>, prototype);
}

/** Not by `valueOf()`, which may be anybody's. */
function unboxed(value: object): unknown {
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value);
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value);
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value);
  if (types.isSymbolObject(value)) return Symbol.prototype.valueOf.call(value);
  return BigInt.prototype.valueOf.call(value);
}

/** Iterators of the language have no constructor by which to know them. */
const iterators = /^(?:Array|String|RegExp String|Segmenter String|Async-from-Sync) Iterator$|^Iterator Helper$/;

function adviceFor(kind: string): string {
  if (kind === 'Promise') return adviceTo('settle');
  if (kind.startsWith('running')) return 'Send what it yields, in an array.';
  return adviceTo('create');
}

function unsendableKind(value: object): string | undefined {
  if (types.isPromise(value)) return 'Promise';
  if (types.isWeakMap(value)) return 'WeakMap';
  if (types.isWeakSet(value)) return 'WeakSet';
  if (value instanceof WeakRef) return 'WeakRef';
  if (types.isGeneratorObject(value)) return 'running generator';
  if (types.isMapIterator(value) || types.isSetIterator(value)) return 'running iterator';
  if (types.isExternal(value)) return 'native handle';
  return undefined;
}

function map(encoder: Encoder, value: Map<unknown, unknown>, prototype: object | null): void {
  encoder.remember(value);
  const { writer, path } = encoder;
  encoder.nest(
    () => writer.u8(Tag.map),
    () => {
      const start = writer.length;
      writer.u32(0);
      // Counted as they are written: a getter on the way may add some.
      let count = 0;
      path.push('');
      for (const [key, item] of Map.prototype.entries.call(value) as MapIterator<[unknown, unknown]>) {
        path.step(new MapKey(key));
        encoder.value(key);
        encoder.value(item);
        count++;
      }
      path.pop();
      writer.u32At(start, count);
      rest(encoder, value, prototype, Map.prototype);
    },
  );
}

function set(encoder: Encoder, value: Set<unknown>, prototype: object | null): void {
  encoder.remember(value);
  const { writer, path } = encoder;
  encoder.nest(
    () => writer.u8(Tag.set),
    () => {
      const start = writer.length;
      writer.u32(0);
      let count = 0;
      path.push(setValues);
      path.push(0);
      for (const item of Set.prototype.values.call(value) as SetIterator<unknown>) {
        path.step(count++);
        encoder.value(item);
      }
      path.pop();
      path.pop();
      writer.u32At(start, count);
      rest(encoder, value, prototype, Set.prototype);
    },
  );
}

/** What a built-in has beyond its contents: own properties and a prototype that is not the usual one. */
function rest(encoder: Encoder, value: object, prototype: object | null, usual: object): void {
  encodeOwn(encoder, value);
  encodeClass(encoder, value, prototype, usual);
}

/** An error as a value: its stack is text, whatever it is on this version of Node. */
function error(encoder: Encoder, value: Error, prototype: object | null): void {
  const kind = errorKind(value);
  const usual = kindPrototype(kind.name);
  const { writer } = encoder;
  encoder.remember(value);
  encoder.nest(
    () => {
      writer.u8(Tag.error);
      writer.string(kind.name);
      if (kind.name !== domException) return;
      writer.string(value.message);
      writer.string(value.name);
    },
    () => {
      writer.string(String(value.stack));
      encodeOwn(encoder, value, 'stack');
      encodeClass(encoder, value, kind.exact || isInternal(encoder, prototype) ? usual : prototype, usual);
    },
  );
}

/** Node's own errors are of classes that nobody can name, or of none; `code` tells them apart. */
function isInternal(encoder: Encoder, prototype: object | null): boolean {
  if (prototype === null || !Object.hasOwn(prototype, 'constructor')) return false;
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof constructor !== 'function' || constructor.prototype !== prototype) return true;
  try {
    encoder.functions?.formOf(constructor as () => unknown);
    return false;
  } catch {
    return true;
  }
}

function view(encoder: Encoder, value: ArrayBufferView): void {
  encoder.remember(value);
  const { writer } = encoder;
  const name = Buffer.isBuffer(value)
    ? 'Buffer'
    : value instanceof DataView
      ? 'DataView'
      : (value as Uint8Array)[Symbol.toStringTag];
  const kind = (viewNames as readonly string[]).indexOf(String(name));
  if (kind < 0) throw unsendable(`a ${String(name)} cannot be sent`, 'Send its ArrayBuffer.');
  writer.u8(Tag.view);
  writer.u8(kind);
  // A view on a part of a larger buffer takes only its own bytes along: a Buffer from Node's pool has strangers around it.
  const partial =
    value.byteLength < value.buffer.byteLength && types.isArrayBuffer(value.buffer) && !isMoving(value.buffer);
  const length = 'length' in value ? Number(value.length) : value.byteLength;
  writer.varint(partial ? 0 : value.byteOffset);
  writer.varint(length);
  if (partial) {
    const bytes = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
    encoder.remember(bytes);
    encoder.buffer(bytes);
  } else encoder.value(value.buffer);
  encodeClass(encoder, value, Object.getPrototypeOf(value) as object | null, viewPrototype(kind));
}

export function viewPrototype(kind: number): object {
  return (Reflect.get(globalThis, viewNames[kind]!) as { prototype: object }).prototype;
}

/** Classes of this process whose instances are nothing but their fields. */
const plainHostClasses = new Set(['Object', 'EventEmitter', 'AssertionError']);

/** Objects that know that they cannot travel say why under this key. */
export const refusal: unique symbol = Symbol.for('manycore.refusal') as never;

function instance(encoder: Encoder, value: Record<string | symbol, unknown>, prototype: object): void {
  const travellingState = travellingStateOf(value);
  if (travellingState !== undefined) {
    encoder.remember(value);
    encoder.writer.u8(Tag.shared);
    encoder.value(value.constructor);
    encoder.kept?.push(value);
    return encoder.value(posted({ parcels: encoder.parcels, kept: encoder.kept !== undefined }, travellingState));
  }
  const reason = value[refusal];
  if (typeof reason === 'string') throw unsendable(reason, '');
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof constructor === 'function' && constructor.name === domException && value instanceof DOMException)
    return error(encoder, value, prototype);
  if (typeof constructor === 'function' && encodeSocket(encoder, value, prototype, constructor.name)) return;
  if (typeof constructor === 'function') refuseHostObject(encoder, constructor as () => unknown);
  else if (iterators.test(String(Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value)))
    throw unsendable('a running iterator cannot be sent', 'Send what it yields, in an array.');
  const privates = encoder.functions?.privateFieldsOf(value);
  const keys = Object.keys(value);
  const { writer } = encoder;
  const simple = privates === undefined && hasOnly(value, keys) && !encoder.capturing;
  if (!simple) {
    encoder.nest(
      () => {
        writer.u8(Tag.exact);
        writer.varint(privates === undefined ? 1 : 2);
        encodePrototype(encoder, prototype, Object.prototype);
        encoder.remember(value);
      },
      () => {
        if (privates !== undefined) encodePrivates(encoder, privates);
        encodeOwn(encoder, value);
        writer.u8(Object.isExtensible(value) ? 1 : 0);
      },
    );
    return;
  }
  writer.u8(Tag.instance);
  encodePrototype(encoder, prototype, Object.prototype);
  encoder.record(value, keys);
}

function refuseHostObject(encoder: Encoder, constructor: () => unknown): void {
  let name: string;
  try {
    const form: FunctionForm | undefined = encoder.functions?.formOf(constructor);
    if (form?.form !== 'reference' || form.reference.loads || plainHostClasses.has(constructor.name)) return;
    name = describeReference(form.reference, constructor.name);
  } catch (failure) {
    if (!(failure instanceof NodeInternalError)) throw failure;
    ({ name } = constructor);
  }
  const advice = adviceTo(name === 'AbortSignal' || name === 'AbortController' ? 'abort' : 'open');
  throw unsendable(`it is ${article(name)}, which lives in this process`, advice);
}

function describeReference(reference: { readonly [detail: string]: unknown }, name: string): string {
  const module: unknown = reference['module'];
  return typeof module === 'string' ? `${module.replace(/^node:/, '')}.${name}` : name;
}
