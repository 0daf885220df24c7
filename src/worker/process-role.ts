import { inspect, types } from 'node:util';
import { InterruptError } from '../errors.ts';
import { place } from './place.ts';
import { own, type ProcessInfo, type ProcessJob } from './process-info.ts';

/** What the role needs of the worker that plays it. */
export interface RoleHost {
  readonly isThread: boolean;
  /** Prints to stderr, at once. */
  print(text: string): void;
  /** From here on the channel does not keep the event loop alive, and signals are not ours. */
  release(): void;
}

/** The code with which Node ends a main program whose top level awaits in vain. */
const unsettledExitCode = 13;

/**
 * Makes this worker a Process: it runs one job, and ends when its event loop has nothing more to do. An error that nobody
 * caught is printed and ends it with 1.
 */
export function becomeProcess(info: ProcessInfo, decode: () => ProcessJob, host: RoleHost): void {
  own.info = info;
  let settled = false;
  let drained = false;
  const say = (text: string): void => host.print(`Process ${info.name}:\n${text}\n`);
  const fail = (error: unknown): void => {
    settled = true;
    say(describe(error));
    process.exit(1);
  };
  // With a listener of its own the child decides for itself, as everywhere in Node.
  process.on('uncaughtException', (error) => {
    if (process.listenerCount('uncaughtException') === 1) fail(error);
  });
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') === 1)
      throw new InterruptError(`The process ${JSON.stringify(info.name)} was interrupted.`);
  });
  // Not before: the signal would lose its only listener, and Node stop and start to listen.
  host.release();
  process.on('beforeExit', () => {
    drained = true;
    // Nobody else can want anything to go on: without taking the heap down it is over some milliseconds earlier.
    if (settled && !host.isThread && process.listenerCount('beforeExit') === 1) process.exit();
  });
  process.on('exit', (code) => {
    if (settled || !drained || code !== 0) return;
    say('Its target awaits something that can never come: nothing is left that could bring it about.');
    process.exitCode = unsettledExitCode;
  });
  try {
    place(info, host.isThread);
    const job = decode();
    own.job = job;
    const { self, target, args } = job;
    const result = self === undefined ? target?.(...args) : self.run();
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') settled = true;
    else Promise.resolve(result).then(() => (settled = true), fail);
  } catch (error) {
    fail(error);
  }
}

/** An error as text, without the frames of the worker's own code. */
function describe(error: unknown): string {
  const seen = new Set<unknown>();
  const trim = (value: unknown): void => {
    if (!types.isNativeError(value) || seen.has(value)) return;
    seen.add(value);
    const { stack } = value;
    if (typeof stack === 'string')
      value.stack = stack
        .split('\n')
        .filter((line) => !isOurs(line))
        .join('\n');
    trim(value.cause);
    if (value instanceof AggregateError) value.errors.forEach(trim);
  };
  try {
    trim(error);
  } catch {
    // Frozen, or with a getter that throws: it is shown as it is.
  }
  return inspect(error);
}

function isOurs(line: string): boolean {
  return /^\s+at /.test(line) && (line.includes(import.meta.dirname) || line.includes('node:internal/'));
}
