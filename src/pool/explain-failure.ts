import {
  AbortError,
  CancelledError,
  ManycoreError,
  PoisonTaskError,
  SerializationError,
  TaskQueueTimeoutError,
  TaskTimeoutError,
  WorkerLostError,
  type TaskInfo,
} from '../errors.ts';
import { inspect } from 'node:util';
import { startingAt } from '../wire/unsendable.ts';
import { anonymous } from '../engine/functions.ts';
import type { Failure, Loss } from '../engine/task.ts';
import type { Call } from './call.ts';
import { placeAt, shortSite, trimmed, trimStacks } from './call-site.ts';

/** Which task of a call it was. */
export interface Place {
  readonly call: Call;
  readonly taskId: number;
  /** Undefined for a call of one task. */
  readonly index: number | undefined;
  readonly input: unknown;
}

/** The error that the user gets: what happened, where, and what to do. */
export function explain(failure: Failure, place: Place): Error {
  if (failure.kind === 'error') return withBothStacks(failure.error, place, failure.worker, failure.attempt);
  if (failure.kind === 'ended' || failure.kind === 'refused') return failure.error;
  const error = failure.kind === 'unsendable' ? named(failure.error, place) : ownError(failure, place);
  // Our own frames say nothing to the user; where the call was made does.
  return placeAt(error, place.call.site);
}

type OwnFailure = Exclude<Failure, { readonly kind: 'error' | 'ended' | 'refused' | 'unsendable' }>;

function ownError(failure: OwnFailure, place: Place): Error {
  switch (failure.kind) {
    case 'lost':
      return new WorkerLostError(
        lostMessage(failure.loss, place, failure.attempt),
        failure.loss,
        info(place, failure.attempt),
        causeOf(failure.loss),
      );
    case 'poison': {
      const { attempt, deaths } = failure;
      const how = failure.loss.phase === 'dispatch' ? ', each while it read the function or its arguments' : '';
      const message = `Task ${describe(place)} has ended ${deaths} workers${how} (the last: ${endOf(failure.loss)}). It is not tried again.`;
      return new PoisonTaskError(message, info(place, attempt), attempt, causeOf(failure.loss));
    }
    case 'timeout': {
      const ms = place.call.timeoutMs ?? 0;
      const message = `Task ${describe(place)} ran longer than ${ms} ms (the limit counts from its start on a worker). ${stopping(place.call)}`;
      return new TaskTimeoutError(message, info(place, failure.attempt), ms);
    }
    case 'cancelled':
      return new CancelledError(`Task ${describe(place)} was cancelled.`);
    case 'late': {
      const ms = place.call.queueTimeoutMs ?? 0;
      const message = `Task ${describe(place)} waited longer than ${ms} ms for a worker. It was not begun.`;
      return new TaskQueueTimeoutError(message, info(place, 1), ms);
    }
    case 'aborted':
      return new AbortError(`${place.call.method}(${place.call.name}) was aborted.`, { cause: failure.reason });
  }
}

function info({ call, taskId, index }: Place, attempt: number): TaskInfo {
  return { id: taskId, name: call.name, index, attempt };
}

function stopping({ graceMs }: Call): string {
  if (graceMs === 0) return 'Its worker was ended and replaced.';
  if (graceMs === Infinity) return 'It was told to stop.';
  return `It was told to stop; if it goes on for ${graceMs} ms, its worker is ended and replaced.`;
}

/** `311 (resize, input[310])` */
function describe({ call, taskId, index }: Place): string {
  return `${taskId} (${call.name}${index === undefined ? '' : `, input[${index}]`})`;
}

function causeOf({ protocolError, bootError }: Loss): ErrorOptions {
  const cause = protocolError ?? bootError;
  return cause === undefined ? {} : { cause };
}

export function endOf({
  exitCode,
  signal,
}: {
  readonly exitCode: number | null;
  readonly signal: string | null;
}): string {
  if (signal !== null) return `killed by ${signal}`;
  return exitCode === null ? 'ended' : `ended with exit code ${exitCode}`;
}

function lostMessage(loss: Loss, place: Place, attempt: number): string {
  const who = `Worker ${loss.workerId}${loss.pid === undefined ? '' : ` (${place.call.unit} ${loss.pid})`}`;
  const when =
    loss.phase === 'reply'
      ? 'before its result arrived of'
      : loss.phase === 'running'
        ? 'while running'
        : 'before running';
  const words = lastLine(loss.lastWords);
  const sentences = [
    `${who} was ${endOf(loss).replace(/^ended/, 'lost: it ended')} ${when} task ${describe(place)}.`,
    ...(loss.killedFor !== undefined ? [loss.killedFor] : loss.oomHint ? ['It ran out of memory.'] : []),
    ...(loss.protocolError === undefined
      ? []
      : [`It was ended because of what it sent: ${loss.protocolError.message}`]),
    ...(words === '' ? [] : [`Its last words: ${words}`]),
    place.call.retries > 0
      ? `Only this task failed, after ${attempt} ${attempt === 1 ? 'attempt' : 'attempts'}; a new worker took its place.`
      : 'Only this task failed; a new worker took its place. To try such tasks again, give the call `retries`.',
  ];
  return sentences.join(' ');
}

function lastLine(text: string): string {
  const fatal = text.split('\n').find((line) => /FATAL ERROR|Error:/.test(line));
  return (fatal ?? text.split('\n').at(-1) ?? '').trim().slice(0, 200);
}

const explained = new WeakSet<Error>();

/** The error that the function threw, with its own class, fields and cause; its stack goes on at the place of the call. */
function withBothStacks(
  error: Error,
  place: Place,
  worker: { readonly workerId: number; readonly pid: number | undefined },
  attempt: number,
): Error {
  // The one who decides on a retry has seen it already; a frozen one, of a task in this thread, stays as it is.
  if (explained.has(error) || !Object.isExtensible(error)) return error;
  explained.add(error);
  const { call, taskId, index, input } = place;
  const tries = call.retries > 0 ? `, attempt ${attempt}/${call.retries + 1}` : '';
  const what = index === undefined ? '' : `, input[${index}] = ${preview(input)}`;
  const line = `--- on worker ${worker.workerId} (${call.unit} ${String(worker.pid)}), task ${taskId} of ${call.method}(${call.name})${tries}${what} ---`;
  trimStacks(error);
  Object.defineProperty(error, 'stack', {
    value: `${trimmed(String(error.stack))}\n    ${line}\n${call.site}`,
    writable: true,
    configurable: true,
  });
  return error;
}

export function preview(value: unknown): string {
  try {
    const text = inspect(value, { depth: 1, maxArrayLength: 4, maxStringLength: 60, breakLength: Infinity });
    return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
  } catch {
    return '<unreadable>';
  }
}

/** What could not be sent, with the function's name, the input's index and the place of the call. */
function named(error: Error, place: Place): Error {
  const { call, index } = place;
  const isResult = error instanceof SerializationError && error.phase === 'result';
  const root = isResult ? 'the result' : index === undefined ? argsRoot(call.spread) : `input[${index}]`;
  return withWhere(error, `task ${describe(place)}`, call.site, root);
}

/** How a message calls the arguments of a call, of which a single one travels without its list. */
export function argsRoot(spread: boolean): string {
  return spread ? 'args' : 'args[0]';
}

/** What is wrong with a call before it has become a task: the function or an argument cannot travel. */
export function refused(error: Error, method: string, name: string, site: string, root: string = 'args'): Error {
  if (!(error instanceof ManycoreError)) return error;
  return placeAt(withWhere(error, `${method}(${name === '' ? anonymous : name})`, site, root), site);
}

/** Says which task it was, where it was called, and of what the path starts: `input[3].db` for `$.db`. */
function withWhere(error: Error, what: string, site: string, root: string): Error {
  if (!(error instanceof ManycoreError)) return error;
  startingAt(error, root);
  const line = shortSite(site);
  const where = ` (${what}${line === undefined ? '' : `, called at ${line}`})`;
  if (!error.message.includes(where))
    Object.defineProperty(error, 'message', { value: `${error.message}${where}`, configurable: true });
  return error;
}
