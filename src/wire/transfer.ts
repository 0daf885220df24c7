import { types } from 'node:util';
import { ArgumentTypeError } from '../errors.ts';
import { isMapped } from '../native.ts';

/** What is to be moved. A worker's own code and the package that its tasks import share it. */
const key = Symbol.for('manycore.moving');
const moving = ((globalThis as { [key]?: WeakSet<object> })[key] ??= new WeakSet());

/**
 * Marks the ArrayBuffer of a value to be moved, not copied, by the next send: afterwards it is detached here.
 *
 * To a thread no byte is copied; to a process the bytes are written straight from it. What cannot be moved is copied and stays: shared
 * memory, the memory of a WebAssembly module, and the pool that small Buffers have in common.
 *
 * What was moved is nowhere else: its task waits for a worker that is free, fails if that one dies before it begins, and is not tried
 * again.
 *
 * @param value - An ArrayBuffer, or a view on one.
 * @returns the same value, to be used as an argument, within one, or as a result.
 * @throws ArgumentTypeError for anything else.
 * @example
 * ```ts
 * import { ThreadPool, transfer } from 'manycore';
 * await using pool = new ThreadPool(1);
 * const pixels = new Uint8Array(1_000_000);
 * console.log(await pool.apply((p: Uint8Array) => p.length, [transfer(pixels)])); // 1000000
 * console.log(pixels.length); // 0: moved
 * ```
 */
export function transfer<T extends ArrayBuffer | ArrayBufferView>(value: T): T {
  const buffer: unknown = ArrayBuffer.isView(value) ? value.buffer : value;
  if (!types.isArrayBuffer(buffer)) {
    throw new ArgumentTypeError('Cannot transfer this value: expected an ArrayBuffer or a view on one.');
  }
  // Shared memory stays where it is, and is copied.
  if (!isMapped(buffer)) moving.add(buffer);
  return value;
}

/** Whether its memory was moved away. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    void new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

export function isMoving(buffer: object): boolean {
  return moving.has(buffer) && isMovable(buffer);
}

/** Only an attempt tells. In this one a buffer that could be moved is refused for its being named twice, and no other one is. */
function isMovable(buffer: object): boolean {
  try {
    structuredClone(undefined, { transfer: [buffer, buffer] as ArrayBuffer[] });
    return false;
  } catch (error) {
    return (error as Error).message.includes('duplicate');
  }
}

/** Takes a moving buffer's contents: the original is detached, as the caller of `transfer` asked for. */
export function detach(buffer: ArrayBuffer): ArrayBuffer {
  moving.delete(buffer);
  return structuredClone(buffer, { transfer: [buffer] });
}
