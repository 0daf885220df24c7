import { CaptureError, ManycoreError, SerializationError } from '../errors.ts';
import type { Path } from './path.ts';

/** An error whose path is still to be filled in, and its advice, when it is about something that lives in its process. */
export function unsendable(what: string, advice: string): SerializationError {
  return new SerializationError(`Cannot send {path}: ${what}. ${advice}`.trim(), 'args', '');
}

/** What to do instead of sending an open file, a socket, ... */
export const openInside = '{open}';

/** A function or class of Node that no module exports. */
export class NodeInternalError extends CaptureError {}

/** `an AbortSignal`, `a Blob`. */
export function article(name: string): string {
  return /^(?:[aeio]|http)/i.test(name) ? `an ${name}` : `a ${name}`;
}

/** What the user gets when encoding failed: the error with its path, or one that says that reading the value failed. */
export function locate(error: unknown, at: Path, phase: 'args' | 'result'): Error {
  const path = at.toString();
  if (error instanceof SerializationError && error.path === '') {
    const advice =
      phase === 'args'
        ? 'Open it inside the worker, for example in the initializer.'
        : 'It cannot leave the worker: return what it holds.';
    const message = error.message.replaceAll('{path}', path).replace(openInside, advice);
    const options = 'cause' in error ? { cause: error.cause } : {};
    if (!(error instanceof CaptureError) && !at.isCaptured)
      return new SerializationError(message, phase, path, options);
    return Object.defineProperty(new CaptureError(message, path, options), 'phase', { value: phase });
  }
  if (error instanceof ManycoreError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SerializationError(`Cannot send ${path}: reading it failed with "${reason}".`, phase, path, {
    cause: error,
  });
}
