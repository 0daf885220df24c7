import { ArgumentRangeError } from '../errors.ts';
import { reusableIdleTimeoutMs } from '../limits.ts';
import { cpuCount } from '../pool/cpu-count.ts';
import { checkKeys, show } from '../arguments.ts';
import type { Executor } from './executor.ts';
import type { ExecutorOptions } from './options.ts';
import { ProcessPoolExecutor } from './process-pool-executor.ts';
import { ThreadPoolExecutor } from './thread-pool-executor.ts';

/** Options of `getReusableExecutor`. */
export interface ReusableExecutorOptions<
  InitArgs extends readonly unknown[] | [] = readonly unknown[],
> extends ExecutorOptions<InitArgs> {
  /** Child processes (the default) or worker threads. */
  readonly context?: 'process' | 'thread' | 'spawn';
  /** `auto` (the default): the present one if it has the same options; `true`: whatever options it has; `false`: a new one. */
  readonly reuse?: 'auto' | boolean;
  /** When the present one cannot be reused: ends its workers at once instead of letting them finish. */
  readonly killWorkers?: boolean;
}

let present: { readonly executor: Executor; readonly options: Record<string, unknown>; maxWorkers: number } | undefined;

/**
 * One executor for the whole program, made at the first call and given again to later ones: a broken one, one that was shut down, or one with
 * other options is replaced; another `maxWorkers` resizes it. Its workers end when they were idle for 10 s and are started again when
 * there is work. loky: `get_reusable_executor`.
 *
 * @example
 * ```ts
 * import { getReusableExecutor } from 'manycore/futures';
 * const executor = getReusableExecutor({ maxWorkers: 2 });
 * console.log(await executor.submit(Math.sqrt, 16), executor === getReusableExecutor({ maxWorkers: 2 })); // 4 true
 * ```
 */
export function getReusableExecutor<InitArgs extends readonly unknown[] | [] = readonly unknown[]>(
  options: ReusableExecutorOptions<InitArgs> & { readonly context: 'thread'; readonly reuse?: 'auto' | false },
): ThreadPoolExecutor;
export function getReusableExecutor<InitArgs extends readonly unknown[] | [] = readonly unknown[]>(
  options?:
    | number
    | (ReusableExecutorOptions<InitArgs> & {
        readonly context?: 'process' | 'spawn';
        readonly reuse?: 'auto' | false;
      }),
): ProcessPoolExecutor;
/** With `reuse: true` it may be the one that is there, of whatever kind. */
export function getReusableExecutor<InitArgs extends readonly unknown[] | [] = readonly unknown[]>(
  options: ReusableExecutorOptions<InitArgs>,
): Executor;
export function getReusableExecutor(options: number | ReusableExecutorOptions = {}): Executor {
  const given: object = typeof options === 'number' ? { maxWorkers: options } : options;
  if (typeof given !== 'object' || given === null) checkKeys('getReusableExecutor', given, []);
  const {
    reuse = 'auto',
    killWorkers = false,
    context = 'process',
    maxWorkers,
    ...rest
  } = given as ReusableExecutorOptions;
  if (reuse !== 'auto' && typeof reuse !== 'boolean')
    throw new ArgumentRangeError(`Cannot use reuse ${show(reuse)}: expected 'auto', true or false.`);
  const wanted: Record<string, unknown> = {
    idleTimeout: reusableIdleTimeoutMs,
    ...rest,
    context: context === 'thread' ? context : 'process',
  };
  if (present !== undefined && present.executor.statistics().state === 'running' && reuse !== false) {
    if (reuse === true || isSame(present.options, wanted)) {
      const size = maxWorkers ?? (reuse === true ? present.maxWorkers : cpuCount());
      if (size !== present.maxWorkers) present.executor.resize(size);
      present.maxWorkers = size;
      return present.executor;
    }
  }
  const size = maxWorkers ?? cpuCount();
  const { context: _, ...own } = wanted;
  const all: ExecutorOptions = { ...own, maxWorkers: size };
  const executor: Executor =
    context === 'thread'
      ? new ThreadPoolExecutor<readonly unknown[]>(all)
      : new ProcessPoolExecutor<readonly unknown[]>({ ...all, context });
  void (killWorkers ? present?.executor.killWorkers() : present?.executor.shutdown({ wait: false }));
  present = { executor, options: wanted, maxWorkers: size };
  return executor;
}

/** Same values; lists and plain objects are compared by what is in them. */
function isSame(a: unknown, b: unknown, deep = true): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (!deep && !Array.isArray(a) && Object.getPrototypeOf(a) !== Object.prototype) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) if (!isSame(Reflect.get(a, key), Reflect.get(b, key), false)) return false;
  return true;
}
