import { CaptureError } from '../errors.ts';
import { encodeProperty } from './encode-properties.ts';
import type { Encoder } from './encoder.ts';
import { isCell, type FunctionParts, type OwnProperty } from './forms.ts';
import { VariableKey } from './path.ts';
import { Tag } from './tags.ts';

/** A function: by reference, by identity, bound, or taken apart. */
export function encodeFunction(encoder: Encoder, fn: (...args: never[]) => unknown): void {
  const { writer, functions } = encoder;
  if (functions === undefined)
    throw new CaptureError('Cannot send {path}: it is a function, and functions do not travel here.');
  const form = functions.formOf(fn);
  switch (form.form) {
    case 'reference':
      return encoder.reference(form.reference);
    case 'identity':
      encoder.remember(fn);
      writer.u8(Tag.identity);
      return writer.string(form.identity);
    case 'bound':
      // A bound function cannot be made before its parts, so one that reaches itself overflows the stack: a clear error.
      writer.u8(Tag.bound);
      writer.varint(form.args.length);
      encoder.value(form.target);
      encoder.value(form.self);
      for (const arg of form.args) encoder.value(arg);
      return encoder.remember(fn);
    case 'parts':
      return takenApart(encoder, fn, form.parts);
  }
}

function takenApart(encoder: Encoder, fn: (...args: never[]) => unknown, parts: FunctionParts): void {
  const { writer, path } = encoder;
  writer.u8(Tag.function);
  encoder.definition(parts.code);
  encoder.value(parts.identity);
  writer.varint(parts.first.length);
  for (const value of parts.first) within(encoder, () => encoder.value(value));
  encoder.remember(fn);
  encoder.defer(() => {
    writer.varint(parts.captured.length);
    parts.captured.forEach((value, i) => {
      path.push(new VariableKey(parts.labels[i]!, isCell(value)));
      encoder.value(value);
      path.pop();
    });
    properties(encoder, parts.own);
    properties(encoder, parts.prototype ?? []);
    for (const parent of [parts.prototypeParent, parts.parent]) {
      if (parent === undefined) writer.u8(Tag.hole);
      else encoder.value(parent);
    }
  }, true);
}

/** What a function captures is written in capturing mode also where it stands inline. */
function within(encoder: Encoder, write: () => void): void {
  const before = encoder.capturing;
  encoder.capturing = true;
  write();
  encoder.capturing = before;
}

function properties(encoder: Encoder, list: readonly OwnProperty[]): void {
  encoder.writer.varint(list.length);
  for (const { key, descriptor } of list) encodeProperty(encoder, key, descriptor);
}
