import { types } from 'node:util';
import { checkCount, show } from '../arguments.ts';
import { ArgumentRangeError, ArgumentTypeError, BufferTooShortError } from '../errors.ts';

// What `sendBytes` and `recvBytesInto` take and do.

function viewOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (types.isAnyArrayBuffer(bytes)) return new Uint8Array(bytes);
  throw new ArgumentTypeError(
    `Cannot use ${show(bytes)} as bytes: expected an ArrayBuffer, a typed array or a Buffer.`,
  );
}

/** The bytes to be sent. */
export function part(bytes: ArrayBuffer | ArrayBufferView, offset = 0, size?: number): Uint8Array {
  const all = viewOf(bytes);
  checkCount('offset', offset, 0);
  if (offset > all.length) throw new ArgumentRangeError(`The offset ${offset} is beyond the ${all.length} bytes.`);
  if (size === undefined) return all.subarray(offset);
  checkCount('size', size, 0);
  if (offset + size > all.length)
    throw new ArgumentRangeError(
      `${size} bytes from ${offset} on are more than the ${all.length} bytes that there are.`,
    );
  return all.subarray(offset, offset + size);
}

/** The bytes to be filled. */
export function roomIn(buffer: ArrayBuffer | ArrayBufferView, offset: number): Uint8Array {
  const all = viewOf(buffer);
  checkCount('offset', offset, 0);
  if (offset > all.length) throw new ArgumentRangeError(`The offset ${offset} is beyond the ${all.length} bytes.`);
  return all.subarray(offset);
}

/** Puts a message in; how many bytes it has. */
export function fill(room: Uint8Array, bytes: Uint8Array): number {
  if (bytes.length > room.length)
    throw new BufferTooShortError(`The message has ${bytes.length} bytes, the buffer room for ${room.length}.`, bytes);
  room.set(bytes);
  return bytes.length;
}

/** What a message may be long at most. */
export function lengthLimit(maxLength: number | undefined): number {
  if (maxLength !== undefined) checkCount('maxLength', maxLength, 0);
  return maxLength ?? Infinity;
}
