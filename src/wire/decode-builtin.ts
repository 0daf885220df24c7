import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import { ProtocolError } from '../errors.ts';
import type { Decoder } from './decoder.ts';
import { viewPrototype } from './encode-builtin.ts';
import { domException, kindPrototype, makeError } from './error-kinds.ts';
import type { PrivateFields } from './forms.ts';
import { attacherOf } from './shared.ts';
import { decodeSocket } from './sockets.ts';
import { storages } from './identities.ts';
import { Tag, viewNames } from './tags.ts';

/** The counterpart of `encodeBuiltin`. */
export function decodeBuiltin(decoder: Decoder, tag: number, later: boolean): unknown {
  const { reader } = decoder;
  switch (tag) {
    case Tag.map: {
      const map = decoder.remember(new Map<unknown, unknown>());
      decoder.fill(later, () => {
        const size = reader.count32(2);
        for (let i = 0; i < size; i++) {
          const key = decoder.value();
          map.set(key, decoder.value());
        }
        rest(decoder, map, Map.prototype);
      });
      return map;
    }
    case Tag.set: {
      const set = decoder.remember(new Set<unknown>());
      decoder.fill(later, () => {
        const size = reader.count32(1);
        for (let i = 0; i < size; i++) set.add(decoder.value());
        rest(decoder, set, Set.prototype);
      });
      return set;
    }
    case Tag.date: {
      const date = decoder.remember(new Date(reader.f64()));
      rest(decoder, date, Date.prototype);
      return date;
    }
    case Tag.regexp: {
      const source = reader.string();
      const regexp = decoder.remember(new RegExp(source, reader.string()));
      rest(decoder, regexp, RegExp.prototype);
      return regexp;
    }
    case Tag.error:
      return decodeErrorValue(decoder, later);
    case Tag.bytes:
      return decoder.remember(Uint8Array.prototype.slice.call(reader.raw(reader.count(1))).buffer);
    case Tag.attachment:
      return decoder.remember(decoder.attachment(reader.varint()));
    case Tag.view:
      return view(decoder);
    case Tag.boxed: {
      const place = decoder.reserve();
      return decoder.settle(place, Object(decoder.value()) as object);
    }
    case Tag.storage:
      return decoder.remember(storages.find(reader.string(), () => new AsyncLocalStorage()));
    case Tag.socket:
      return decodeSocket(decoder);
    case Tag.url:
      return decoder.remember(new URL(reader.string()));
    case Tag.searchParams:
      return decoder.remember(new URLSearchParams(reader.string()));
    case Tag.shared: {
      const place = decoder.reserve();
      const attach = attacherOf(decoder.value());
      const state = decoder.value();
      if (attach === undefined) throw new ProtocolError('A message holds a shared object of a class that has none.');
      return decoder.settle(
        place,
        decoder.build(() => attach(state)),
      );
    }
    case Tag.prototypeOf: {
      const place = decoder.reserve();
      return decoder.settle(place, prototypeOf(decoder.value()));
    }
    case Tag.sparse: {
      const array = decoder.remember(sparse(reader.varint()));
      decoder.fill(later, () => exactBody(decoder, array, Array.prototype));
      return array;
    }
    case Tag.exact:
      return exact(decoder, later);
    default:
      throw new ProtocolError(`A message holds a value of unknown kind ${tag}.`);
  }
}

function prototypeOf(constructor: unknown): object {
  const prototype: unknown = typeof constructor === 'function' ? constructor.prototype : undefined;
  if (typeof prototype === 'object' && prototype !== null) return prototype;
  throw new ProtocolError('A message holds the prototype of what is no class.');
}

/** An array of holes that takes no memory for them, however long it says it is. */
function sparse(length: number): unknown[] {
  const array: unknown[] = [];
  if (length === 0) return array;
  if (length > maxArrayLength) throw new ProtocolError(`A message holds an array of length ${length}.`);
  // Setting an index far out makes V8 keep the elements in a dictionary; setting `length` would allocate them.
  array[length - 1] = undefined;
  Reflect.deleteProperty(array, length - 1);
  return array;
}

const maxArrayLength = 2 ** 32 - 1;

/** Own properties and the prototype of a built-in. */
function rest(decoder: Decoder, value: object, usual: object): void {
  decoder.own(value);
  setPrototype(decoder, value, usual);
}

function setPrototype(decoder: Decoder, value: object, usual: object): void {
  const { reader } = decoder;
  const isUsual = reader.bytes[reader.at] === Tag.hole;
  const prototype = decoder.prototype(usual);
  if (isUsual) return;
  Object.setPrototypeOf(value, prototype);
  const fields = readPrivates(decoder);
  if (fields.length > 0) decoder.build((builder) => builder.equip(value, fields));
}

function exactBody(decoder: Decoder, value: object, usual: object): void {
  decoder.own(value);
  setPrototype(decoder, value, usual);
  if (decoder.reader.u8() === 0) Object.preventExtensions(value);
}

function exact(decoder: Decoder, later: boolean): unknown {
  const form = decoder.reader.varint();
  if (form === 0) {
    const value = decoder.remember({});
    decoder.fill(later, () => exactBody(decoder, value, Object.prototype));
    return value;
  }
  const prototype = decoder.prototype(Object.prototype);
  const bare = form === 2 ? decoder.build((builder) => builder.instance(prototype!)) : undefined;
  const value = decoder.remember(bare === undefined ? (Object.create(prototype) as object) : bare.value);
  decoder.fill(later, () => {
    if (bare !== undefined) {
      const fields = readPrivates(decoder);
      decoder.build(() => bare.fill(fields));
    }
    decoder.own(value);
    if (decoder.reader.u8() === 0) Object.preventExtensions(value);
  });
  return value;
}

function readPrivates(decoder: Decoder): PrivateFields {
  const { reader } = decoder;
  return Array.from({ length: reader.count(2) }, () => [reader.string(), decoder.value()] as const);
}

function decodeErrorValue(decoder: Decoder, later: boolean): Error {
  const { reader } = decoder;
  const kind = reader.string();
  const [message, name] = kind === domException ? [reader.string(), reader.string()] : ['', ''];
  const error = decoder.remember(makeError(kind, message, name));
  decoder.fill(later, () => {
    const stack = reader.string();
    Object.defineProperty(error, 'stack', { value: stack, writable: true, enumerable: false, configurable: true });
    decoder.own(error);
    setPrototype(decoder, error, kindPrototype(kind));
  });
  return error;
}

type ViewConstructor = new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayBufferView;

function view(decoder: Decoder): ArrayBufferView {
  const kind = decoder.reader.u8();
  const name = viewNames[kind];
  if (name === undefined) throw new ProtocolError('A message holds a view of unknown kind.');
  const offset = decoder.reader.varint();
  const length = decoder.reader.varint();
  const place = decoder.reserve();
  const buffer = decoder.value();
  // Anything else would be a length or a list, for which memory would be allocated.
  if (!types.isAnyArrayBuffer(buffer)) throw new ProtocolError('A message holds a view on what is no buffer.');
  const made =
    name === 'Buffer'
      ? Buffer.from(buffer, offset, length)
      : new (Reflect.get(globalThis, name) as ViewConstructor)(buffer, offset, length);
  setPrototype(decoder, decoder.settle(place, made), viewPrototype(kind));
  return made;
}
