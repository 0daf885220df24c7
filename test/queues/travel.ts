import { encodeMessage, openMessage } from '#internal/queues/codec.js';
import { Reader } from '#internal/wire/reader.js';

/** A message as it lies in a ring. */
export function messageOf(value: unknown): Buffer {
  return encodeMessage(value, ({ parts, sent }) => {
    const bytes = Buffer.concat(parts);
    sent();
    return bytes;
  });
}

/** There and back again. */
export async function travel<T>(value: T): Promise<T> {
  const { loading, decode } = openMessage(new Reader(messageOf(value)));
  await loading;
  return decode() as T;
}
