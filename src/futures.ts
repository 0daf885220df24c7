/** manycore/futures: Python's concurrent.futures for TypeScript. */
export {
  BlockingError,
  CancelledError,
  InvalidStateError,
  PoolBrokenError,
  PoolClosedError,
  PoolTerminatedError,
  TimeoutError,
  WorkerLostError,
} from './errors.ts';
export { asCompleted, type Completed } from './futures/as-completed.ts';
export { Executor } from './futures/executor.ts';
export { Future, type DoneCallback } from './futures/future.ts';
export type {
  ExecutorMapOptions,
  ExecutorMapSyncOptions,
  ExecutorOptions,
  ProcessPoolExecutorOptions,
  ShutdownOptions,
  ThreadPoolExecutorOptions,
} from './futures/options.ts';
export { ProcessPoolExecutor } from './futures/process-pool-executor.ts';
export { getReusableExecutor, type ReusableExecutorOptions } from './futures/reusable.ts';
export type { Submitter } from './futures/submitter.ts';
export { ThreadPoolExecutor } from './futures/thread-pool-executor.ts';
export {
  ALL_COMPLETED,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  wait,
  type ReturnWhen,
  type WaitResult,
} from './futures/wait.ts';
