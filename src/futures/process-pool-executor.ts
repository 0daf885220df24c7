import type { NeededArgs } from '../arguments.ts';
import { cpuCount } from '../pool/cpu-count.ts';
import { Executor } from './executor.ts';
import { readExecutorArguments, type ProcessPoolExecutorOptions } from './options.ts';
import { use } from './use.ts';

/**
 * Runs submitted calls in child processes. They are started when there is work for them, as many as the cores that this process may
 * use unless told otherwise. A worker's death fails only its own task. Leaving `await using` waits for all that was submitted.
 * Python: `concurrent.futures.ProcessPoolExecutor`.
 *
 * @example
 * ```ts
 * import { ProcessPoolExecutor } from 'manycore/futures';
 * await using executor = new ProcessPoolExecutor({ maxWorkers: 2 });
 * for await (const power of executor.map((a: number, b: number) => a ** b, [2, 3], [8, 2])) console.log(power); // 256, 9
 * ```
 */
export class ProcessPoolExecutor<InitArgs extends readonly unknown[] | [] = readonly unknown[]> extends Executor {
  constructor(
    maxWorkers: number,
    options?: Omit<ProcessPoolExecutorOptions<InitArgs>, 'maxWorkers'> & NeededArgs<InitArgs, 'initArgs'>,
  );
  constructor(options?: ProcessPoolExecutorOptions<InitArgs> & NeededArgs<InitArgs, 'initArgs'>);
  constructor(first?: number | ProcessPoolExecutorOptions<InitArgs>, second?: ProcessPoolExecutorOptions<InitArgs>) {
    super('process', cpuCount(), readExecutorArguments(first, second));
  }

  /** Runs `body` with a new executor and shuts that down afterwards: `await using` for JavaScript on Node 20. */
  static use<R, InitArgs extends readonly unknown[] | []>(
    options: number | ProcessPoolExecutorOptions<InitArgs>,
    body: (executor: ProcessPoolExecutor) => R | Promise<R>,
  ): Promise<Awaited<R>> {
    return use(new this(options as ProcessPoolExecutorOptions), body);
  }
}
