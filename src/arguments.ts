import { ArgumentRangeError, ArgumentTypeError } from './errors.ts';
import { longestTimerMs } from './limits.ts';
import { suggest } from './suggest.ts';

/** What options have to have besides: the arguments of a function that takes some. */
export type NeededArgs<Args extends readonly unknown[], Key extends string> = [] extends Args
  ? unknown
  : { readonly [K in Key]: Args };

/** The same option under the names that Python and other libraries have for it. */
const otherNames: Readonly<Record<string, string>> = {
  chunksize: 'chunkSize',
  maxtasksperchild: 'maxTasksPerChild',
  max_tasks_per_child: 'maxTasksPerChild',
  initargs: 'initArgs',
  workers: 'maxWorkers',
  processes: 'workers',
  max_workers: 'workers',
  maxWorkers: 'workers',
  size: 'workers',
  threads: 'workers',
  error_callback: 'errorCallback',
  buffersize: 'bufferSize',
  func: 'target',
  mp_context: 'context',
  thread_name_prefix: 'threadNamePrefix',
  worker_exit: 'finalizer',
  cpu_ids: 'cpus',
  timeoutMs: 'timeout',
  taskTimeout: 'timeout',
  queue_timeout: 'queueTimeout',
  gracePeriod: 'grace',
  retry: 'retries',
  minThreads: 'min',
  maxThreads: 'max',
  minWorkers: 'min',
  blocking: 'block',
  desc: 'label',
  description: 'label',
  name: 'label',
  title: 'label',
  file: 'stream',
  output: 'stream',
  mininterval: 'interval',
  min_interval: 'interval',
  intervalMs: 'interval',
  callback: 'onUpdate',
  onProgress: 'onUpdate',
};

/** An unknown option is refused: a misspelt one would be ignored otherwise. `more` is said where no option is like it. */
export function checkKeys(of: string, options: object, known: readonly string[], more = ''): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const example = exampleFor(options, known);
    const such = example === undefined ? '' : `, such as ${example}`;
    throw new ArgumentTypeError(`Cannot use ${show(options)} as options of ${of}: expected an object${such}.`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const other = otherNames[key];
    const hint = other !== undefined && known.includes(other) ? other : suggest(key, known);
    const advice =
      hint === undefined ? `It takes ${known.join(', ')}.${more}` : `Did you mean ${JSON.stringify(hint)}?`;
    throw new ArgumentTypeError(`Unknown option ${JSON.stringify(key)} of ${of}. ${advice}`);
  }
}

/** What Python takes by its place. The number of a timeout is not repeated: it was meant as seconds. */
function exampleFor(given: unknown, known: readonly string[]): string | undefined {
  if (typeof given === 'number' && known.includes('chunkSize')) return `{ chunkSize: ${given} }`;
  if (typeof given === 'boolean' && known.includes('block')) return `{ block: ${given} }`;
  if (typeof given === 'boolean' && known.includes('wait')) return `{ wait: ${given} }`;
  return typeof given === 'number' && known.includes('timeout') ? '{ timeout: 5_000 } (milliseconds)' : undefined;
}

/** Whether `for ... of` goes through it: arrays, strings, sets, generators, ... */
export function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value === 'string') return true;
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && Symbol.iterator in value;
}

export function checkIterable(what: string, value: unknown): void {
  if (isIterable(value)) return;
  throw new ArgumentTypeError(`Cannot use ${show(value)} as ${what}: expected an iterable, such as an array.`);
}

/** The items of an iterable, in an array of its own. */
export function toList<T>(what: string, items: Iterable<T>): T[] {
  checkIterable(what, items);
  return [...items];
}

export function checkFunction(what: string, value: unknown): void {
  if (typeof value !== 'function')
    throw new ArgumentTypeError(`Cannot use ${show(value)} as ${what}: expected a function.`);
}

/** A whole number within bounds. */
export function checkCount(what: string, value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): void {
  if (typeof value !== 'number') throw new ArgumentTypeError(`Cannot use ${what} ${show(value)}: expected a number.`);
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new ArgumentRangeError(`Cannot use ${what} ${show(value)}: expected a whole number ${range}.`);
}

/** Milliseconds, or undefined for none. What is longer than a timer can be is none too. */
export function checkTimeout(value: number | undefined, what = 'timeout'): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`Cannot use ${what} ${show(value)}: expected milliseconds.`);
  if (Number.isNaN(value) || value < 0)
    throw new ArgumentRangeError(`Cannot use ${what} ${show(value)}: expected milliseconds of at least 0.`);
  return value > longestTimerMs ? undefined : value;
}

/** A short form of a wrong value for an error's message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'an array' : value instanceof Promise ? 'a Promise' : 'an object';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}
