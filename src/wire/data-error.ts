import { ProtocolError } from '../errors.ts';
import { domException, makeError } from './error-kinds.ts';
import type { Reader } from './reader.ts';

/** An error with its texts; its fields are still to be read. */
export function readError(reader: Reader): Error {
  const kind = reader.string();
  if (kind === domException) throw new ProtocolError('A message holds an error of a kind that does not travel.');
  const message = reader.string();
  const name = reader.string();
  const stack = reader.string();
  const error = makeError(kind, message, name);
  defineField(error, 'message', message, false);
  if (name !== '' && error.name !== name) defineField(error, 'name', name, false);
  defineField(error, 'stack', stack === '' ? `${name || 'Error'}: ${message}` : stack, false);
  return error;
}

export function defineField(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
