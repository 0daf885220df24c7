import type { Encoder } from './encoder.ts';
import type { PrivateFields } from './forms.ts';
import { isTwin } from './shapes.ts';
import { Tag } from './tags.ts';

/**
 * An object with everything that it owns: symbols, attributes, accessors, its prototype when it is not `usual`, and
 * whether it can be extended. `size` is an array's length.
 */
export function encodeExact(
  encoder: Encoder,
  value: object,
  prototype: object | null,
  usual: object,
  tag: number,
  size: number,
): void {
  encoder.remember(value);
  encoder.nest(
    () => {
      encoder.writer.u8(tag);
      encoder.writer.varint(size);
    },
    () => {
      encodeOwn(encoder, value, tag === Tag.sparse ? 'length' : undefined);
      encodeClass(encoder, value, prototype, usual);
      encoder.writer.u8(Object.isExtensible(value) ? 1 : 0);
    },
  );
}

/** What a value that is made as a built-in is besides: its prototype when it is not `usual`, with its private fields. */
export function encodeClass(encoder: Encoder, value: object, prototype: object | null, usual: object): void {
  encodePrototype(encoder, prototype, usual);
  if (!isUsual(prototype, usual)) encodePrivates(encoder, encoder.functions?.privateFieldsOf(value) ?? []);
}

export function encodePrivates(encoder: Encoder, fields: PrivateFields): void {
  encoder.writer.varint(fields.length);
  for (const [name, field] of fields) {
    encoder.path.push(`#${name}`);
    encoder.writer.string(name);
    encoder.value(field);
    encoder.path.pop();
  }
}

function isUsual(prototype: object | null, usual: object): boolean {
  return prototype === usual || (prototype !== null && isTwin(prototype, usual));
}

export function encodePrototype(encoder: Encoder, prototype: object | null, usual: object): void {
  if (isUsual(prototype, usual)) return encoder.writer.u8(Tag.hole);
  encoder.path.push('__proto__');
  encoder.value(prototype);
  encoder.path.pop();
}

/** All own properties but one to skip, each with its attributes. */
export function encodeOwn(encoder: Encoder, value: object, skip?: string): void {
  // Most have none, and listing none is quicker so.
  if (Object.getOwnPropertyNames(value).length === 0 && Object.getOwnPropertySymbols(value).length === 0)
    return encoder.writer.varint(0);
  let keys = Reflect.ownKeys(value);
  if (skip !== undefined) keys = keys.filter((key) => key !== skip);
  encoder.writer.varint(keys.length);
  for (const key of keys) encodeProperty(encoder, key, Object.getOwnPropertyDescriptor(value, key)!, value);
}

/** One property: key, attribute bits, then the value or the accessor's functions. */
export function encodeProperty(
  encoder: Encoder,
  key: string | symbol,
  descriptor: PropertyDescriptor,
  owner?: object,
): void {
  encoder.path.push(key);
  encoder.value(key);
  const accessor = descriptor.get !== undefined || descriptor.set !== undefined;
  const ships = accessor && (encoder.capturing || owner === undefined);
  const bits = (descriptor.enumerable ? 1 : 0) | (descriptor.configurable ? 2 : 0);
  if (ships) {
    encoder.writer.u8(bits | 8);
    encoder.value(descriptor.get);
    encoder.value(descriptor.set);
  } else {
    encoder.writer.u8(bits | (accessor || descriptor.writable ? 4 : 0));
    encoder.value(accessor ? Reflect.get(owner!, key) : descriptor.value);
  }
  encoder.path.pop();
}
