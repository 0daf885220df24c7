import { CaptureError, ManycoreError, SerializationError } from '../errors.ts';
import type { Path } from './path.ts';

/** An error whose path is still to be filled in, and its advice, when it is about something that lives in its process. */
export function unsendable(what: string, advice: string): SerializationError {
  return new SerializationError(`Cannot send {path}: ${what}. ${advice}`.trim(), 'args', '');
}

type Advice = 'open' | 'create' | 'settle' | 'abort';

/** What to do instead of sending what belongs to its process: that depends on which one that is. */
const advices: Readonly<Record<Advice, { readonly args: string; readonly result: string }>> = {
  open: {
    args: 'Open it inside the worker, for example in the initializer.',
    result: 'It cannot leave the worker: return what it holds.',
  },
  create: {
    args: 'It lives in this process: create it inside the function.',
    result: 'It cannot leave the worker: return its data.',
  },
  settle: { args: 'Await it first, or make it inside the function.', result: 'Await it inside the function.' },
  abort: {
    args: 'The calls of a pool take it as the option `signal`: `task().signal` of the task is aborted with it.',
    result: 'It cannot leave the worker: return what it says.',
  },
};

/** In place of such an advice, at the end of a message. */
export function adviceTo(advice: Advice): string {
  return `{${advice}}`;
}

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
    const message = error.message
      .replace(/\{(open|create|settle|abort)\}$/, (_, advice: Advice) => advices[advice][phase])
      .replaceAll('{path}', () => path);
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

/** The same error, which says of what its path starts: `Cannot send input[3].db` for `$.db`. */
export function startingAt<E>(error: E, root: string): E {
  if (!(error instanceof SerializationError) || !error.message.startsWith(`Cannot send ${error.path}:`)) return error;
  const { message, stack } = error;
  const told = message.replace('$', () => root);
  define(error, 'message', told);
  define(
    error,
    'stack',
    stack?.replace(message, () => told),
  );
  return error;
}

function define(error: Error, key: 'message' | 'stack', value: unknown): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true });
}
