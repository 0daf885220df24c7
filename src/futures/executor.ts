import { Backend } from '../pool/backend.ts';
import { closeWhenForgotten } from '../pool/forgotten.ts';
import { checkCount, checkKeys } from '../arguments.ts';
import { showAs } from '../inspection.ts';
import { checkCallOptions, type CallOptions } from '../pool/options.ts';
import { describeState, poolStatistics, type PoolStatistics } from '../pool/statistics.ts';
import { Submissions, type OpenCall } from '../pool/submissions.ts';
import { warnOfWorkerError } from '../pool/worker-warning.ts';
import { maxWorkers as mostWorkers } from '../limits.ts';
import { poolOptionsOf, type ExecutorOptions, type ShutdownOptions } from './options.ts';
import { Submitter } from './submitter.ts';

/**
 * What `ProcessPoolExecutor` and `ThreadPoolExecutor` have in common: workers that are started when there is work for them. Python:
 * `concurrent.futures.Executor`.
 */
export abstract class Executor extends Submitter {
  readonly #backend: Backend;
  readonly #submissions: Submissions;

  /** For the two kinds of executor. */
  protected constructor(
    context: 'process' | 'thread',
    defaultWorkers: number,
    options: ExecutorOptions,
    nameOf?: (seat: number) => string,
  ) {
    const { maxWorkers = defaultWorkers } = options;
    const poolOptions = poolOptionsOf(new.target.name, context, maxWorkers, options);
    // The backend lives on without the executor, so it may know nothing that leads to it, such as a user's function.
    const streams = new Set<OpenCall>();
    const backend = new Backend(
      poolOptions,
      { min: 0, max: maxWorkers, eager: true },
      {
        workerStart: () => undefined,
        workerExit: () => undefined,
        workerError: warnOfWorkerError,
        broken: (error) => streams.forEach((stream) => stream.abort(error)),
        ended: () => forgetAboutIt(),
      },
      nameOf,
    );
    const submissions = new Submissions(backend, poolOptions, () => undefined, 'executor', streams);
    super(submissions);
    this.#backend = backend;
    this.#submissions = submissions;
    const forgetAboutIt = closeWhenForgotten(this, backend);
  }

  /**
   * The same executor with options for its calls: `executor.with({ timeout: 1_000, retries: 2 }).submit(fn, 1)`. Here, `timeout` is the
   * longest that each task may run.
   *
   * @example
   * ```ts
   * import { ProcessPoolExecutor } from 'manycore/futures';
   * await using executor = new ProcessPoolExecutor(2);
   * const important = executor.with({ priority: 1, retries: 2 });
   * console.log(await important.submit((n: number) => n + 1, 41)); // 42
   * ```
   */
  with(options: CallOptions): Submitter {
    checkCallOptions('with', options);
    return new Submitter(this.#submissions, Object.freeze({ ...options }));
  }

  /**
   * Takes no more work. What was submitted is done, then the workers end; `cancelFutures` cancels what has not begun. The promise waits for the
   * end of the workers, with `wait: false` for nothing. Python: `Executor.shutdown`.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkKeys('shutdown', options, ['wait', 'cancelFutures']);
    const { engine, ended } = this.#backend;
    for (const stream of this.#submissions.streams) stream.endInput(this.#submissions.closedError('map'));
    if (options.cancelFutures === true) engine.cancelWaiting();
    engine.close();
    return options.wait === false ? Promise.resolve() : ended;
  }

  /**
   * Ends the workers now, with SIGTERM; what is not done rejects with `PoolTerminatedError`. Resolves when they are gone. Python:
   * `ProcessPoolExecutor.terminate_workers`.
   */
  async terminateWorkers(): Promise<void> {
    this.#submissions.terminate();
    await this.#backend.ended;
  }

  /** As `terminateWorkers`, with SIGKILL. Python: `ProcessPoolExecutor.kill_workers`. */
  async killWorkers(): Promise<void> {
    this.#submissions.terminate({ force: true });
    await this.#backend.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** Changes how many workers there may be. Those that are too many finish their tasks first. */
  resize(maxWorkers: number): void {
    checkCount('maxWorkers', maxWorkers, 1, mostWorkers);
    this.#backend.engine.resize(0, maxWorkers);
  }

  /** What the executor is doing, as numbers. */
  statistics(): PoolStatistics {
    return poolStatistics(this.#backend, this.#submissions.options);
  }
}

showAs(Executor, (executor) => describeState(executor.statistics()));
