import { ProtocolError } from '../errors.ts';
import type { Decoder } from './decoder.ts';
import { decodeKind } from './error-kinds.ts';
import type { PrivateFields } from './forms.ts';
import { nativeErrors, Tag, viewNames } from './tags.ts';

/** The counterpart of `encodeBuiltin`. */
export function decodeBuiltin(decoder: Decoder, tag: number, later: boolean): unknown {
  const { reader } = decoder;
  switch (tag) {
    case Tag.map: {
      const map = decoder.remember(new Map<unknown, unknown>());
      const size = reader.count(2);
      decoder.fill(later, () => {
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
      const size = reader.count(1);
      decoder.fill(later, () => {
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
      return error(decoder, later);
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
    case Tag.url:
      return decoder.remember(new URL(reader.string()));
    case Tag.searchParams:
      return decoder.remember(new URLSearchParams(reader.string()));
    case Tag.prototypeOf: {
      const place = decoder.reserve();
      return decoder.settle(place, (decoder.value() as { prototype: object }).prototype);
    }
    case Tag.sparse: {
      const array = decoder.remember(new Array<unknown>(reader.varint()));
      decoder.fill(later, () => exactBody(decoder, array, Array.prototype));
      return array;
    }
    case Tag.exact:
      return exact(decoder, later);
    default:
      throw new ProtocolError(`A message holds a value of unknown kind ${tag}.`);
  }
}

/** Own properties and the prototype of a built-in. */
function rest(decoder: Decoder, value: object, usual: object): void {
  decoder.own(value);
  setPrototype(decoder, value, usual);
}

function setPrototype(decoder: Decoder, value: object, usual: object): void {
  const prototype = decoder.prototype(usual);
  if (prototype !== usual) Object.setPrototypeOf(value, prototype);
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
  const bare = form === 2 ? decoder.builder!.instance(prototype!) : undefined;
  const value = decoder.remember(bare === undefined ? (Object.create(prototype) as object) : bare.value);
  decoder.fill(later, () => {
    bare?.fill(privateFields(decoder));
    decoder.own(value);
    if (decoder.reader.u8() === 0) Object.preventExtensions(value);
  });
  return value;
}

function privateFields(decoder: Decoder): PrivateFields {
  return Array.from({ length: decoder.reader.count(2) }, () => [decoder.reader.string(), decoder.value()] as const);
}

function error(decoder: Decoder, later: boolean): Error {
  const kind = nativeErrors[decoder.reader.u8()] ?? Error;
  // Made as a plain Error, so that no constructor's habits show; its class comes from the prototype.
  const made = decodeKind(decoder.reader);
  const known = Object.getPrototypeOf(made) !== Error.prototype;
  const error = decoder.remember(known ? made : (Object.setPrototypeOf(made, kind.prototype) as Error));
  decoder.fill(later, () => {
    const stack = decoder.reader.string();
    Object.defineProperty(error, 'stack', { value: stack, writable: true, enumerable: false, configurable: true });
    decoder.own(error);
    if (known) decoder.prototype(kind.prototype);
    else setPrototype(decoder, error, kind.prototype);
  });
  return error;
}

type ViewConstructor = new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayBufferView;

function view(decoder: Decoder): ArrayBufferView {
  const name = viewNames[decoder.reader.u8()];
  if (name === undefined) throw new ProtocolError('A message holds a view of unknown kind.');
  const offset = decoder.reader.varint();
  const length = decoder.reader.varint();
  const place = decoder.reserve();
  const buffer = decoder.value() as ArrayBuffer;
  const made =
    name === 'Buffer'
      ? Buffer.from(buffer, offset, length)
      : new (Reflect.get(globalThis, name) as ViewConstructor)(buffer, offset, length);
  return decoder.settle(place, made);
}
