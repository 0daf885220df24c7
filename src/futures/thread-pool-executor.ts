import { type NeededArgs, show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { cpuCount } from '../pool/cpu-count.ts';
import { Executor } from './executor.ts';
import { readExecutorArguments, type ThreadPoolExecutorOptions } from './options.ts';
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
  constructor(
    maxWorkers: number,
    options?: Omit<ThreadPoolExecutorOptions<InitArgs>, 'maxWorkers'> & NeededArgs<InitArgs, 'initArgs'>,
  );
  constructor(options?: ThreadPoolExecutorOptions<InitArgs> & NeededArgs<InitArgs, 'initArgs'>);
  constructor(first?: number | ThreadPoolExecutorOptions<InitArgs>, second?: ThreadPoolExecutorOptions<InitArgs>) {
    const workers = Math.min(mostByDefault, cpuCount() + beyondCores);
    const { threadNamePrefix, ...options }: ThreadPoolExecutorOptions = readExecutorArguments(first, second);
    super('thread', workers, options, namesFrom(threadNamePrefix));
  }

  /** Runs `body` with a new executor and shuts that down afterwards: `await using` for JavaScript on Node 20. */
  static use<R, InitArgs extends readonly unknown[] | []>(
    options: number | ThreadPoolExecutorOptions<InitArgs>,
    body: (executor: ThreadPoolExecutor) => R | Promise<R>,
  ): Promise<Awaited<R>> {
    return use(new this(options as ThreadPoolExecutorOptions), body);
  }
}

let lastExecutor = -1;

function namesFrom(prefix: unknown): (seat: number) => string {
  if (prefix !== undefined && typeof prefix !== 'string')
    throw new ArgumentTypeError(`Cannot use threadNamePrefix ${show(prefix)}: expected a string.`);
  // As in Python, an empty one is none.
  const all = prefix === undefined || prefix === '' ? `ThreadPoolExecutor-${++lastExecutor}` : prefix;
  return (seat) => `${all}_${seat}`;
}
