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

  /** The shape that comes next, if it is known: then it has been read. */
  find(reader: Reader): Shape | undefined {
    const known = this.#recent[slotOf(reader, reader.at)];
    return known !== undefined && reader.skip(known.bytes) ? known.shape : undefined;
  }

  /** Reads the keys of one that is not; it began at `start` with their number. */
  read(reader: Reader, start: number, count: number): Shape {
    const keys = Array.from({ length: count }, () => reader.string());
    const shape = { keys, unsafe: keys.some(isInherited) };
    const { at, bytes } = reader;
    if (at - start <= maxCachedBytes)
      this.#recent[slotOf(reader, start)] = { bytes: new Uint8Array(bytes.subarray(start, at)), shape };
    return shape;
  }
}

function slotOf({ bytes }: Reader, at: number): number {
  return ((bytes[at] ?? 0) * 31 + (bytes[at + 2] ?? 0) * 7 + (bytes[at + 3] ?? 0)) % slots;
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
