import { ProtocolError } from '../errors.ts';
import type { Decoder } from './decoder.ts';
import type { Code, Shell } from './forms.ts';
import { Tag } from './tags.ts';

/** The counterpart of `encodeFunction`. */
export function decodeFunction(decoder: Decoder, tag: number): unknown {
  const { reader } = decoder;
  switch (tag) {
    case Tag.identity: {
      const identity = reader.string();
      return decoder.remember(decoder.build((builder) => builder.byIdentity(identity)));
    }
    case Tag.bound: {
      const count = reader.count(1);
      const target = decoder.value();
      if (typeof target !== 'function') throw new ProtocolError('A message binds what is no function.');
      const self = decoder.value();
      const args = Array.from({ length: count }, () => decoder.value());
      return decoder.remember(Function.prototype.bind.call(target, self, ...args));
    }
    default:
      return fromParts(decoder);
  }
}

function fromParts(decoder: Decoder): unknown {
  const { reader } = decoder;
  const code = decoder.definition() as Code;
  const identity = decoder.value() as string | undefined;
  const first = Array.from({ length: reader.count(1) }, () => decoder.value());
  const shell = decoder.build((builder) => builder.instantiate(code, first, identity));
  decoder.remember(shell.value);
  decoder.defer(() => body(decoder, shell));
  return shell.value;
}

function body(decoder: Decoder, shell: Shell): void {
  const captured = Array.from({ length: decoder.reader.count(1) }, () => decoder.value());
  decoder.build(() => shell.capture(captured));
  const fn: object = shell.isOriginal ? {} : shell.value;
  const prototype: unknown = Reflect.get(fn, 'prototype');
  const methods = typeof prototype === 'object' && prototype !== null ? prototype : {};
  decoder.own(fn);
  decoder.own(methods);
  inherit(decoder, methods, Object.prototype);
  inherit(decoder, fn, Function.prototype);
}

function inherit(decoder: Decoder, object: object, usual: object): void {
  const parent = decoder.prototype(usual);
  if (parent !== usual) Object.setPrototypeOf(object, parent);
}
