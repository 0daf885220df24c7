import { checkCpus } from '../cpus.ts';
import { ArgumentRangeError, ArgumentTypeError } from '../errors.ts';
import { checkCount, checkFunction, checkKeys, show } from '../arguments.ts';
import { kindOf, type Kind, type StartMethod } from './start-method.ts';

/** What one of a process's first three streams is, in Node's words. */
export type ProcessStdio = 'ignore' | 'inherit' | 'pipe' | number;

/** Options of a `Process`. */
export interface ProcessOptions<Args extends readonly unknown[] | [] = readonly unknown[]> {
  /** What it runs: any function, closures included. Without one, `run()` of a subclass. */
  readonly target?: (...args: [...Args]) => unknown;
  readonly args?: Args;
  /** Default: the class's name and a number, such as `Process-1`. */
  readonly name?: string;
  /** Ends with the program's code instead of keeping it alive. Default: what the creator is. */
  readonly daemon?: boolean;
  /** A process of its own (the default) or a thread. `spawn` is Python's word for `process`. */
  readonly context?: StartMethod;
  /** Variables that it has besides this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Its working directory. Not for threads. */
  readonly cwd?: string | URL;
  /**
   * Its streams: one word for all three, or [stdin, stdout, stderr]. Without it there is nothing to read, and what it prints
   * is printed here. `pipe` makes `stdin`, `stdout` and `stderr` of the Process streams.
   */
  readonly stdio?: ProcessStdio | readonly (ProcessStdio | undefined)[];
  /** Its priority, from -20 (high) to 19 (low). */
  readonly nice?: number;
  /** The numbers of the cores that it runs on (Linux). */
  readonly cpus?: readonly number[];
}

const keys = ['target', 'args', 'name', 'daemon', 'context', 'env', 'cwd', 'stdio', 'nice', 'cpus'];

export type AnyOptions = ProcessOptions<readonly never[]>;

/** Checks the options and says which kind of process they ask for. */
export function checkProcessOptions(of: string, options: AnyOptions): Kind {
  if (typeof options === 'function')
    throw new ArgumentTypeError(
      `Cannot make a ${of} of a function: expected options, such as { target: f, args: [1] }.`,
    );
  if (typeof options === 'object' && options !== null && 'kwargs' in options)
    throw new ArgumentTypeError(
      `Unknown option "kwargs" of ${of}. JavaScript passes an object: args: [{ key: value }].`,
    );
  checkKeys(of, options, keys);
  const { target, args, name, daemon, env, cwd, nice } = options;
  if (target !== undefined) checkFunction('target', target);
  else if ('target' in options)
    throw new ArgumentTypeError(
      'Cannot use undefined as target: pass the function itself, not what a call of it returns.',
    );
  if (args !== undefined && !Array.isArray(args))
    throw new ArgumentTypeError(`Cannot use args ${show(args)}: expected a list of arguments, such as [a].`);
  if (name !== undefined) checkName(name);
  if (daemon !== undefined) checkDaemon(daemon);
  if (env !== undefined && (typeof env !== 'object' || env === null))
    throw new ArgumentTypeError(`Cannot use env ${show(env)}: expected an object of strings.`);
  if (cwd !== undefined && typeof cwd !== 'string' && !(cwd instanceof URL))
    throw new ArgumentTypeError(`Cannot use cwd ${show(cwd)}: expected a path or a file URL.`);
  if (nice !== undefined) checkCount('nice', nice, -20, 19);
  if (options.cpus !== undefined) checkCpus(options.cpus);
  const kind = kindOf(options.context);
  checkStdio(options.stdio, kind);
  if (kind === 'thread' && cwd !== undefined)
    throw new ArgumentTypeError('Cannot use cwd for a thread: it has no working directory of its own.');
  return kind;
}

export function checkName(name: unknown): void {
  if (typeof name !== 'string') throw new ArgumentTypeError(`Cannot use name ${show(name)}: expected a string.`);
}

export function checkDaemon(daemon: unknown): void {
  if (typeof daemon !== 'boolean')
    throw new ArgumentTypeError(`Cannot use daemon ${show(daemon)}: expected true or false.`);
}

function checkStdio(stdio: AnyOptions['stdio'], kind: Kind): void {
  for (const each of stdioOf(stdio) ?? []) {
    if (each === undefined || each === 'ignore' || each === 'inherit' || each === 'pipe') continue;
    if (typeof each !== 'number')
      throw new ArgumentRangeError(
        `Cannot use stdio ${show(each)}: expected 'ignore', 'inherit', 'pipe' or a descriptor's number.`,
      );
    checkCount('stdio', each, 0, 2 ** 31 - 1);
    if (kind === 'thread') throw new ArgumentTypeError('Cannot use a descriptor as stdio of a thread.');
  }
}

/** One entry for each of the three streams. */
export function stdioOf(stdio: AnyOptions['stdio']): readonly (ProcessStdio | undefined)[] | undefined {
  if (stdio === undefined) return undefined;
  return Array.isArray(stdio) ? (stdio as readonly (ProcessStdio | undefined)[]).slice(0, 3) : Array(3).fill(stdio);
}
