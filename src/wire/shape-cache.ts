import type { Reader } from './reader.ts';

/** Keys that objects of one message have in common. */
export interface Shape {
  readonly keys: readonly string[];
  /** A plain object inherits one of them: to assign it might call a setter. */
  readonly unsafe: boolean;
}

const slots = 64;
const maxCachedBytes = 256;

/** Reads shapes. The messages of one channel are much alike, so those that came lately are known by their bytes. */
export class ShapeCache {
  readonly #recent = new Array<{ readonly bytes: Uint8Array; readonly shape: Shape } | undefined>(slots);

  read(reader: Reader): Shape {
    const { at: start, bytes } = reader;
    const slot = (reader.u8() * 31 + (bytes[start + 2] ?? 0) * 7 + (bytes[start + 3] ?? 0)) % slots;
    reader.at = start;
    const known = this.#recent[slot];
    if (known !== undefined && reader.skip(known.bytes)) return known.shape;
    const keys = Array.from({ length: reader.count(1) }, () => reader.string());
    const shape = { keys, unsafe: keys.some(isInherited) };
    if (reader.at - start <= maxCachedBytes)
      this.#recent[slot] = { bytes: new Uint8Array(bytes.subarray(start, reader.at)), shape };
    return shape;
  }
}

/** Whether a plain object has this key without owning it. */
export function isInherited(key: string): boolean {
  return key in Object.prototype;
}

/** Plain assignment would call an inherited setter of this name; `__proto__` is one on every object. */
export function setOwn(value: Record<string, unknown>, key: string, field: unknown): void {
  if (key in value)
    Object.defineProperty(value, key, { value: field, writable: true, enumerable: true, configurable: true });
  else value[key] = field;
}
