/** Every error class and code of manycore, in one table. `docs/errors.md` lists the same codes; a test holds the two together. */

/** When a worker was lost: while starting, with a task on its way, while running one, or while answering. */
export type LostPhase = 'boot' | 'dispatch' | 'running' | 'reply';

/** What an error tells about the task that it befell. */
export interface TaskInfo {
  /** The number of the task within its pool, from 1. */
  readonly id: number;
  /** The name of the function, or the `name` option. */
  readonly name: string;
  /** The index of the input within its call; undefined for a single call. */
  readonly index?: number | undefined;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
}

/** What a `WorkerLostError` tells about the worker. */
export interface LostWorker {
  readonly workerId: number;
  /** The process id; for a thread, its thread id. */
  readonly pid: number | undefined;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly phase: LostPhase;
  /** True when running out of memory is the likely cause. */
  readonly oomHint: boolean;
}

// `instanceof` has to work across two installed copies and across workers, where prototypes differ: each error carries
// the names of its manycore classes under a registered symbol, and the classes look there.
const brand = Symbol.for('manycore.error');

function lineage(constructor: { name: string }): readonly string[] {
  const names: string[] = [];
  for (let c: unknown = constructor; typeof c === 'function' && c !== Error; c = Object.getPrototypeOf(c))
    names.push(c.name);
  if (!names.includes('ManycoreError')) names.push('ManycoreError');
  return names;
}

function stamp(error: Error, constructor: { name: string }): void {
  Object.defineProperty(error, brand, { value: lineage(constructor) });
  Object.defineProperty(error, 'name', { value: constructor.name, configurable: true, writable: true });
}

function isBranded(this: { name: string }, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const names: unknown = Reflect.get(value, brand);
  if (Array.isArray(names)) return names.includes(this.name);
  return Function.prototype[Symbol.hasInstance].call(this, value);
}

/**
 * The base of all errors of manycore: `code` is stable, the message says what happened, where, and what to do.
 *
 * @example
 * ```ts
 * import { ManycoreError } from 'manycore';
 * console.log(new ManycoreError('x') instanceof Error); // true
 * ```
 */
export class ManycoreError extends Error {
  /** A stable name for this kind of error, such as `ERR_MANYCORE_WORKER_LOST`. */
  readonly code: string = 'ERR_MANYCORE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    stamp(this, new.target);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded.call(this, value);
  }
}

/** An argument has the wrong type, or an option is not known. A `TypeError`. Python: `TypeError`. */
export class ArgumentTypeError extends TypeError {
  readonly code: string = 'ERR_MANYCORE_ARGUMENT_TYPE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    stamp(this, new.target);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded.call(this, value);
  }
}

/** An argument has the right type and an impossible value. A `RangeError`. Python: `ValueError`. */
export class ArgumentRangeError extends RangeError {
  readonly code: string = 'ERR_MANYCORE_ARGUMENT_RANGE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    stamp(this, new.target);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded.call(this, value);
  }
}

/** The worker that ran a task ended before it answered. Python: `BrokenProcessPool`, but only this task is affected. */
export class WorkerLostError extends ManycoreError implements LostWorker {
  override readonly code = 'ERR_MANYCORE_WORKER_LOST';
  readonly workerId: number;
  readonly pid: number | undefined;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly phase: LostPhase;
  readonly oomHint: boolean;
  readonly task: TaskInfo | undefined;

  constructor(message: string, worker: LostWorker, task?: TaskInfo, options?: ErrorOptions) {
    super(message, options);
    this.workerId = worker.workerId;
    this.pid = worker.pid;
    this.exitCode = worker.exitCode;
    this.signal = worker.signal;
    this.phase = worker.phase;
    this.oomHint = worker.oomHint;
    this.task = task;
  }
}

/** A task ran longer than its `timeout`, which counts from its start on a worker. It was told to stop; if it did not, its worker was ended. */
export class TaskTimeoutError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_TASK_TIMEOUT';
  readonly task: TaskInfo;
  readonly timeoutMs: number;

  constructor(message: string, task: TaskInfo, timeoutMs: number) {
    super(message);
    this.task = task;
    this.timeoutMs = timeoutMs;
  }
}

/** A task waited longer than its `queueTimeout` and was not begun. */
export class TaskQueueTimeoutError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_TASK_QUEUE_TIMEOUT';
  readonly task: TaskInfo;
  readonly timeoutMs: number;

  constructor(message: string, task: TaskInfo, timeoutMs: number) {
    super(message);
    this.task = task;
    this.timeoutMs = timeoutMs;
  }
}

/** A wait (`get({ timeout })`, `next({ timeout })`) ended before the result came; the task goes on. Python: `TimeoutError`. */
export class TimeoutError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_TIMEOUT';
}

/** A value could not be sent. `path` leads to it, such as `$.db.socket`. Python: `PicklingError`, `MaybeEncodingError`. */
export class SerializationError extends ManycoreError {
  override readonly code: string = 'ERR_MANYCORE_SERIALIZATION';
  readonly phase: 'args' | 'result' | 'error';
  readonly path: string;

  constructor(message: string, phase: 'args' | 'result' | 'error', path: string, options?: ErrorOptions) {
    super(message, options);
    this.phase = phase;
    this.path = path;
  }
}

/** A function, or a variable that it uses, cannot travel. */
export class CaptureError extends SerializationError {
  override readonly code = 'ERR_MANYCORE_CAPTURE';

  constructor(message: string, path = '', options?: ErrorOptions) {
    super(message, 'args', path, options);
  }
}

/** A task threw something that is not an error, or an error that could not be read; `value` is what was thrown. */
export class RemoteError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_REMOTE';
  readonly value: unknown;

  constructor(message: string, value: unknown, options?: ErrorOptions) {
    super(message, options);
    this.value = value;
  }
}

/**
 * The pool gave up restarting its workers; `cause` is the last failure, such as what the `initializer` threw. Python:
 * `BrokenProcessPool`.
 */
export class PoolBrokenError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_POOL_BROKEN';
}

/** The pool was closed or has ended and takes no more work. Python: `ValueError('Pool not running')`. */
export class PoolClosedError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_POOL_CLOSED';
}

/** `join()` before `close()` or `terminate()`. Python: `ValueError('Pool is still running')`. */
export class PoolRunningError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_POOL_RUNNING';
}

/** The pool was terminated before this result was there. (In Python such a result never becomes ready.) */
export class PoolTerminatedError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_POOL_TERMINATED';
}

/** `successful()` was asked before the result was ready. Python: `ValueError('... not ready')`. */
export class NotReadyError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_NOT_READY';
}

/** A task ended its worker several times in a row and is not tried again, whatever its `retries`. */
export class PoisonTaskError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_POISON_TASK';
  readonly task: TaskInfo;
  readonly attempts: number;

  constructor(message: string, task: TaskInfo, attempts: number, options?: ErrorOptions) {
    super(message, options);
    this.task = task;
    this.attempts = attempts;
  }
}

/** A message is larger than a channel carries. Nothing was allocated for it. */
export class FrameTooLargeError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_FRAME_TOO_LARGE';
}

/** A worker sent something that is no answer to anything; the worker is ended, its tasks are lost with it. */
export class ProtocolError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_PROTOCOL';
}

/** Pools are nested deeper than the limit: a pool in a task of a pool in a task ... */
export class NestingError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_NESTING';
}

/** A blocking form (`getSync`, `mapSync`, ...) would wait for ever: in a callback, or for what takes the event loop. */
export class BlockingError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_BLOCKING';
}

/** A Process could not be started: no such executable or folder, or no processes left. `cause` has the system's error if it told one. */
export class ProcessStartError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_PROCESS_START';
}

/** A method does not go with what a Process is doing: not started, started already, still running, or made by another process. Python: `AssertionError`, `ValueError`. */
export class ProcessStateError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_PROCESS_STATE';
}

/** A Process was used after its `close()`. Python: `ValueError('process object is closed')`. */
export class ProcessClosedError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_PROCESS_CLOSED';
}

/** Raised in a process that was interrupted and has no `SIGINT` listener. Python: `KeyboardInterrupt`. */
export class InterruptError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_INTERRUPT';
}

/** Shared memory cannot be had: none is left, what it takes is missing here, or its owner has ended. `cause` has the system's error. Python: `OSError`. */
export class SharedMemoryError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_SHARED_MEMORY';
}

/** The other side does not have the key, or does not show that it has. Python: `AuthenticationError`. */
export class AuthenticationError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_AUTHENTICATION';
}

/** A manager's server cannot be reached, or the connection to it was lost. `maybeExecuted`: the call may have taken effect. Python: `ConnectionError`, `EOFError`. */
export class ConnectionLostError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_CONNECTION_LOST';
  readonly maybeExecuted: boolean;

  constructor(message: string, maybeExecuted: boolean, options?: ErrorOptions) {
    super(message, options);
    this.maybeExecuted = maybeExecuted;
  }
}

/** A manager was used before it was started or after it was shut down. Python: `AssertionError`, `ProcessError`. */
export class ManagerStateError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_MANAGER_STATE';
}

/** A shared object has no method of this name that may be called from outside. Python: `RemoteError` with an `AttributeError`. */
export class MethodNotExposedError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_METHOD_NOT_EXPOSED';
}

/** A shared object does not exist any more, or never did. Python: `KeyError` in a `RemoteError`. */
export class ObjectGoneError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_OBJECT_GONE';
}

/** Nothing was in the queue, or nothing came in time. Python: `queue.Empty`. */
export class QueueEmptyError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_QUEUE_EMPTY';
}

/** The queue had no room, or none in time. Python: `queue.Full`. */
export class QueueFullError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_QUEUE_FULL';
}

/** The barrier is broken: a party did not come in time, or it was aborted or reset. Python: `BrokenBarrierError`. */
export class BrokenBarrierError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_BROKEN_BARRIER';
}

/** The queue was closed here, or was shut down. Python: `ValueError('Queue is closed')`, `queue.ShutDown`. */
export class QueueClosedError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_QUEUE_CLOSED';
}

/** `taskDone()` more often than there were items, or `join()` of items that died with who had taken them. Python: `ValueError('task_done() called too many times')`. */
export class QueueTaskError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_QUEUE_TASK';
}

/** Nothing is left to be received, and nobody is left who could send. Python: `EOFError`. */
export class EndOfFileError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_END_OF_FILE';
}

/** Nobody is left who could receive. Python: `BrokenPipeError`. */
export class BrokenPipeError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_BROKEN_PIPE';
}

/** A connection was closed here, or goes the other way only. Python: `OSError('handle is closed')`, `OSError('connection is write-only')`. */
export class ConnectionStateError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_CONNECTION_STATE';
}

/** A received message does not fit into the buffer that it was to go to; `bytes` is the message, whole. Python: `BufferTooShort`. */
export class BufferTooShortError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_BUFFER_TOO_SHORT';
  readonly bytes: Uint8Array;

  constructor(message: string, bytes: Uint8Array) {
    super(message);
    this.bytes = bytes;
  }
}

/**
 * A message is no pickle of plain data. `global` is what it names of Python that is more than data, such as `os.system`; nothing of
 * it was run. Python: `pickle.UnpicklingError`.
 */
export class UnpicklingError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_UNPICKLING';
  readonly global: string | undefined;

  constructor(message: string, global?: string, options?: ErrorOptions) {
    super(message, options);
    this.global = global;
  }
}

/** Something that must not happen has happened: a fault in manycore, please report it. */
export class InternalError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_INTERNAL';
}

/** The future was cancelled: by `cancel()`, or by `shutdown({ cancelFutures: true })`. Python: `CancelledError`. */
export class CancelledError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_CANCELLED';
}

/** The future is in a state in which this cannot be done, such as setting a second result. Python: `InvalidStateError`. */
export class InvalidStateError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_INVALID_STATE';
}

/** A lock was used by who does not hold it, or released more often than it was acquired. Python: `AssertionError`, `ValueError`. */
export class LockStateError extends ManycoreError {
  override readonly code = 'ERR_MANYCORE_LOCK_STATE';
}

/**
 * The work was given up because its `signal` was aborted; `cause` is the signal's reason. It has the standard name and
 * code (`AbortError`, `ABORT_ERR`), so that existing catch code works.
 */
export class AbortError extends ManycoreError {
  override readonly code = 'ABORT_ERR';
}
