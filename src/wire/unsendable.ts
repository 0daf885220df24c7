import { SerializationError } from '../errors.ts';

/** An error whose path is still to be filled in. */
export function unsendable(what: string, advice: string): SerializationError {
  return new SerializationError(`Cannot send {path}: ${what}. ${advice}`.trim(), 'args', '');
}
