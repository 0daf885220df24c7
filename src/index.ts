/** manycore: Python's multiprocessing for TypeScript. */
export {
  AbortError,
  ArgumentRangeError,
  ArgumentTypeError,
  BlockingError,
  AuthenticationError,
  BrokenBarrierError,
  BrokenPipeError,
  BufferTooShortError,
  CancelledError,
  CaptureError,
  ConnectionLostError,
  ConnectionStateError,
  EndOfFileError,
  FrameTooLargeError,
  InternalError,
  InterruptError,
  InvalidStateError,
  ManagerStateError,
  LockStateError,
  ManycoreError,
  MethodNotExposedError,
  NestingError,
  NotReadyError,
  ObjectGoneError,
  PoisonTaskError,
  PoolBrokenError,
  PoolClosedError,
  PoolRunningError,
  PoolTerminatedError,
  ProcessClosedError,
  ProcessStartError,
  ProcessStateError,
  ProtocolError,
  QueueClosedError,
  QueueEmptyError,
  QueueFullError,
  QueueTaskError,
  RemoteError,
  SerializationError,
  SharedMemoryError,
  TaskQueueTimeoutError,
  TaskTimeoutError,
  TimeoutError,
  UnpicklingError,
  WorkerLostError,
} from './errors.ts';
export type { LostPhase, LostWorker, TaskInfo } from './errors.ts';
export { describe } from './closure/explain.ts';
export { capture } from './closure/explicit.ts';
export type { Clock } from './engine/clock.ts';
export type { TaskFault, WorkerFaults } from './engine/inline-link.ts';
export type { SlowTask } from './engine/slowest.ts';
export { Manager } from './manager/manager.ts';
export { AsyncResult } from './pool/async-result.ts';
export type { ChaosOptions } from './pool/chaos.ts';
export { cpuCount } from './pool/cpu-count.ts';
export { enumerate, product, range, Range } from './pool/iterables.ts';
export { zip } from './pool/zip.ts';
export { Pool, type PoolEvents } from './pool/pool.ts';
export type { Items } from './pool/items.ts';
export type { TaskProgress } from './pool/call.ts';
export type {
  CallbackOptions,
  CallOptions,
  MapOptions,
  PoolOptions,
  RetryOptions,
  StreamOptions,
} from './pool/options.ts';
export { ResultStream } from './pool/result-stream.ts';
export type { PoolStatistics, WorkerStatistics } from './pool/statistics.ts';
export { task } from './pool/task.ts';
export { ThreadPool } from './pool/thread-pool.ts';
export { workerState } from './pool/worker-state.ts';
export { freezeSupport, getContext, type Context } from './process/context.ts';
export { activeChildren, currentProcess, parentProcess, type ParentProcess } from './process/current.ts';
export { setExecutable } from './process/executable.ts';
export type { ProcessOptions, ProcessStdio } from './process/options.ts';
export { Process } from './process/process.ts';
export { getAllStartMethods, getStartMethod, setStartMethod, type StartMethod } from './process/start-method.ts';
export type { ProgressOption, ProgressOptions, ProgressSnapshot } from './progress/index.ts';
export { RawArray, SharedArray, SharedArray as Array } from './shared/shared-array.ts';
export { SharedStruct } from './shared/shared-struct.ts';
export { SharedStructArray } from './shared/shared-struct-array.ts';
export type { FieldValue, NumberField, StructFields, StructInit, StructOf } from './shared/records.ts';
export { RawValue, SharedValue, SharedValue as Value } from './shared/shared-value.ts';
export type { ArrayOf, ElementOf, TypeCode } from './shared/type-codes.ts';
export type { LockOption } from './shared/locked.ts';
export { ShareableList, type Shareable } from './shared/shareable-list.ts';
export { shared, type Shared } from './shared/shared.ts';
export { SharedMemoryManager } from './shared/shared-memory-manager.ts';
export { SharedMemory, type SharedMemoryOptions } from './shared/shared-memory.ts';
export { Connection } from './queues/connection.ts';
export { JoinableQueue } from './queues/joinable-queue.ts';
export type { QueueOptions, SyncQueueOptions } from './queues/options.ts';
export { Pipe, type PipeOptions } from './queues/pipe.ts';
export { Queue, type QueueStatistics } from './queues/queue.ts';
export { SimpleQueue } from './queues/simple-queue.ts';
export { wait, type Waitable } from './queues/wait.ts';
export { Barrier, type BarrierOptions } from './sync/barrier.ts';
export { Condition } from './sync/condition.ts';
export type { Guard } from './sync/guard.ts';
export { Lock } from './sync/lock.ts';
export type { AcquireOptions, SyncAcquireOptions, SyncWaitOptions, WaitOptions } from './sync/options.ts';
export { RLock } from './sync/r-lock.ts';
export { BoundedSemaphore, Semaphore, type SemaphoreOptions } from './sync/semaphore.ts';
export { SharedEvent, SharedEvent as Event } from './sync/shared-event.ts';
export { transfer } from './wire/transfer.ts';
export type { TaskContext } from './worker/task-context.ts';
