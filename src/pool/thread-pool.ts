import type { NeededArgs } from '../arguments.ts';
import type { PoolOptions } from './options.ts';
import { Pool } from './pool.ts';

/**
 * A pool of threads: `new Pool(n, { context: 'thread' })`. Python: `multiprocessing.pool.ThreadPool`, but on all cores.
 *
 * @example
 * ```ts
 * import { ThreadPool } from 'manycore';
 * await using pool = new ThreadPool(2);
 * console.log(await pool.apply((a: number) => a + 1, [1])); // 2
 * ```
 */
export class ThreadPool<InitArgs extends readonly unknown[] | [] = readonly unknown[]> extends Pool<InitArgs> {
  constructor(
    workers: number,
    options?: Omit<PoolOptions<InitArgs>, 'workers' | 'min' | 'max' | 'context'> & NeededArgs<InitArgs, 'initArgs'>,
  );
  constructor(options?: Omit<PoolOptions<InitArgs>, 'context'> & NeededArgs<InitArgs, 'initArgs'>);
  constructor(
    first?: number | Omit<PoolOptions<InitArgs>, 'context'>,
    second?: Omit<PoolOptions<InitArgs>, 'context'>,
  ) {
    const context = 'thread';
    // Whether arguments are needed was checked at the call.
    if (typeof first === 'number') super(first, { ...second, context } as never);
    else super({ ...first, context } as never);
  }
}
