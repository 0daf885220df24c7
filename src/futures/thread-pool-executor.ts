import { cpuCount } from '../pool/cpu-count.ts';
import { Executor } from './executor.ts';
import { readExecutorArguments, type ExecutorOptions } from './options.ts';
import { use } from './use.ts';

/** Python's default: calls that wait for the network leave the cores to others. */
const mostByDefault = 32;
const beyondCores = 4;

/**
 * Runs submitted calls in worker threads, at most `min(32, cores + 4)` unless told otherwise. They do run at once. Python:
 * `concurrent.futures.ThreadPoolExecutor`.
 *
 * @example
 * ```ts
 * import { ThreadPoolExecutor } from 'manycore/futures';
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 2 });
 * console.log(await executor.submit((word: string) => word.length, 'hello')); // 5
 * ```
 */
export class ThreadPoolExecutor<InitArgs extends readonly unknown[] | [] = readonly unknown[]> extends Executor {
  constructor(maxWorkers: number, options?: Omit<ExecutorOptions<InitArgs>, 'maxWorkers'>);
  constructor(options?: ExecutorOptions<InitArgs>);
  constructor(first?: number | ExecutorOptions<InitArgs>, second?: ExecutorOptions<InitArgs>) {
    const workers = Math.min(mostByDefault, cpuCount() + beyondCores);
    super('thread', workers, readExecutorArguments(first, second));
  }

  /** Runs `body` with a new executor and shuts that down afterwards: `await using` for JavaScript on Node 20. */
  static use<R, InitArgs extends readonly unknown[] | []>(
    options: number | ExecutorOptions<InitArgs>,
    body: (executor: ThreadPoolExecutor) => R | Promise<R>,
  ): Promise<Awaited<R>> {
    return use(new this(options as ExecutorOptions), body);
  }
}
