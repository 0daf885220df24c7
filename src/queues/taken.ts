import { SerializationError } from '../errors.ts';
import { Reader } from '../wire/reader.ts';
import { type Opened, openMessage } from './codec.ts';

/** What is out of the ring and no value yet. */

/** What was thrown while a message was read. */
export class Failure {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

/** A message whose functions are still to be made. */
export class Unopened {
  readonly opened: Opened;
  constructor(opened: Opened) {
    this.opened = opened;
  }
}

/**
 * A message that has to be put together: what is wrong with it goes with it.
 *
 * @throws SerializationError when its modules are not there yet and nobody `loads` them: it is to stay where it is.
 */
export function open(bytes: Uint8Array, loads: boolean): Failure | Unopened {
  let opened: Opened;
  try {
    opened = openMessage(new Reader(bytes));
  } catch (error) {
    return new Failure(error);
  }
  if (opened.loading === undefined || loads) return new Unopened(opened);
  opened.loading.catch(() => undefined);
  throw new SerializationError(
    'Cannot take this item without waiting: it uses modules that are not loaded here yet. Use the asynchronous form.',
    'args',
    '$',
  );
}

/** The value, or its promise where modules have to be loaded. */
export function unpack(value: unknown): unknown {
  if (!(value instanceof Unopened)) return value;
  const { loading, decode } = value.opened;
  return loading === undefined ? decode() : loading.then(decode);
}
