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
  constructor(workers: number, options?: Omit<PoolOptions<InitArgs>, 'workers' | 'min' | 'max' | 'context'>);
  constructor(options?: Omit<PoolOptions<InitArgs>, 'context'>);
  constructor(
    first?: number | Omit<PoolOptions<InitArgs>, 'context'>,
    second?: Omit<PoolOptions<InitArgs>, 'context'>,
  ) {
    const context = 'thread';
    if (typeof first === 'number') super(first, { ...second, context });
    else super({ ...first, context });
  }
}
