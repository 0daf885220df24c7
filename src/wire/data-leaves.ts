import { ProtocolError } from '../errors.ts';
import { maxBigIntDigits } from '../limits.ts';
import type { Reader } from './reader.ts';
import { viewNames } from './tags.ts';

export function bigint(text: string): bigint {
  if (text.length > maxBigIntDigits + 1 || !/^-?[\da-f]+$/.test(text))
    throw new ProtocolError('A message holds a BigInt that is no number.');
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

/** Memory of its own: the frame is read into a buffer that is used again. */
export function copy(bytes: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

export function view(reader: Reader): ArrayBufferView {
  const name = viewNames[reader.u8()];
  const bytes = copy(reader.raw(reader.count(1)));
  if (name === 'Buffer') return Buffer.from(bytes);
  const constructor: unknown = name === undefined ? undefined : Reflect.get(globalThis, name);
  if (typeof constructor !== 'function') throw new ProtocolError('A message holds a view of unknown kind.');
  const size = Number(Reflect.get(constructor, 'BYTES_PER_ELEMENT') ?? 1);
  if (bytes.byteLength % size !== 0) throw new ProtocolError('A message holds a view of half an item.');
  return Reflect.construct(constructor, [bytes]) as ArrayBufferView;
}
