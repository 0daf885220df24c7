import { borrowEncoder, giveBack, openMessage, wholeOf } from '#internal/queues/codec.js';
import { Reader } from '#internal/wire/reader.js';

/** A message as it lies in a ring. */
export function messageOf(value: unknown): Buffer {
  const encoder = borrowEncoder();
  try {
    const encoded = encoder.encode(value);
    const bytes = Buffer.from(wholeOf(encoded));
    encoded.sent();
    return bytes;
  } finally {
    giveBack(encoder);
  }
}

/** There and back again. */
export async function travel<T>(value: T): Promise<T> {
  const { loading, decode } = openMessage(new Reader(messageOf(value)));
  await loading;
  return decode() as T;
}
