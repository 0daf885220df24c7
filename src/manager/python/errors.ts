import { show } from '../../arguments.ts';
import {
  ArgumentRangeError,
  ArgumentTypeError,
  AuthenticationError,
  BrokenBarrierError,
  BrokenPipeError,
  ConnectionLostError,
  ConnectionStateError,
  EndOfFileError,
  InvalidStateError,
  MethodNotExposedError,
  ObjectGoneError,
  QueueEmptyError,
  QueueFullError,
  RemoteError,
  TimeoutError,
} from '../../errors.ts';
import { type Address, showAddress } from '../address.ts';
import { PythonInstance } from './token.ts';

type Make = (message: string) => Error;

/** What Python's exceptions are here. */
const classes: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['KeyError', (message) => new ArgumentRangeError(message)],
  ['IndexError', (message) => new ArgumentRangeError(message)],
  ['ValueError', (message) => new ArgumentRangeError(message)],
  ['OverflowError', (message) => new ArgumentRangeError(message)],
  ['TypeError', (message) => new ArgumentTypeError(message)],
  ['RuntimeError', (message) => new InvalidStateError(message)],
  ['TimeoutError', (message) => new TimeoutError(message)],
  ['Empty', () => new QueueEmptyError('The queue is empty.')],
  ['Full', () => new QueueFullError('The queue is full.')],
  ['BrokenBarrierError', (message) => new BrokenBarrierError(message)],
]);

/** The name of the Python exception that an error was there. */
const names = new WeakMap<Error, string>();

/** An exception that a method has raised, as an error of here: of the class that fits, or else a RemoteError. */
export function errorOf(raised: unknown): Error {
  if (!(raised instanceof PythonInstance))
    return new RemoteError('A Python server has raised what is no exception.', raised);
  const { name, args } = raised;
  const text = args.map(textOf).join(', ');
  const message = text === '' ? name : `${name}: ${text}`;
  const error = classes.get(name)?.(message) ?? new RemoteError(`The Python server raised ${message}`, args);
  names.set(error, name);
  return error;
}

function textOf(arg: unknown): string {
  if (typeof arg === 'string') return arg;
  try {
    return JSON.stringify(arg, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? show(arg);
  } catch {
    return show(arg);
  }
}

export function isRaised(error: unknown, ...expected: readonly string[]): boolean {
  return error instanceof Error && expected.includes(names.get(error) ?? '');
}

/** What goes wrong in the server itself comes as the text of a traceback. */
export function errorOfTraceback(text: unknown): Error {
  const traceback = String(text).trimEnd();
  const last = traceback.slice(traceback.lastIndexOf('\n') + 1);
  const options = { cause: new RemoteError(traceback, text) };
  const refused = /^AttributeError: (method .*?) is not in exposed=/m.exec(traceback);
  if (refused !== null)
    return new MethodNotExposedError(`Cannot call ${refused[1]}: the Python server does not expose it.`, options);
  if (/^KeyError: '[0-9a-f]+'$/.test(last))
    return new ObjectGoneError(
      'The shared object does not exist any more: its Python server counts no references to it.',
      options,
    );
  return new RemoteError(`The Python server could not do it: ${last}`, text, options);
}

/** What a connection ends with is told as the loss of the server. It has shown the key once: later it can only be gone. */
export function lossOf(error: Error, address: Address, isKnown: boolean): Error {
  const isLoss =
    error instanceof EndOfFileError ||
    error instanceof BrokenPipeError ||
    error instanceof ConnectionStateError ||
    (error instanceof AuthenticationError && isKnown);
  if (!isLoss) return error;
  const where = showAddress(address);
  return new ConnectionLostError(`The Python server at ${where} has closed the connection, or has ended.`, true, {
    cause: error,
  });
}
