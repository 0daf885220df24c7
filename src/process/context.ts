import { ProcessStateError } from '../errors.ts';
import { cpuCount } from '../pool/cpu-count.ts';
import { ThreadPool } from '../pool/thread-pool.ts';
import { SpawnPool, SpawnProcess, ThreadProcess } from './bound.ts';
import { activeChildren, currentProcess, parentProcess, type ParentProcess } from './current.ts';
import { setExecutable } from './executable.ts';
import type { Process } from './process.ts';
import { getAllStartMethods, kindOf, type Kind, type StartMethod } from './start-method.ts';

/** The functions and classes of this package, bound to one kind of process. Python: a context. */
export interface Context {
  readonly Process: typeof SpawnProcess;
  readonly Pool: typeof SpawnPool;
  cpuCount(): number;
  currentProcess(): Process;
  parentProcess(): ParentProcess | undefined;
  activeChildren(): Process[];
  /** The context itself, or another. */
  getContext(method?: StartMethod): Context;
  getStartMethod(): Kind;
  getAllStartMethods(): Kind[];
  /** @throws ProcessStateError: a context is of one kind. */
  setStartMethod(method: StartMethod | undefined): never;
  setExecutable(file: string | Uint8Array | URL): void;
  freezeSupport(): void;
}

/** Does nothing: no program runs a second time, so none has to be told apart. Python: `freeze_support`. */
export function freezeSupport(): void {}

function create(kind: Kind): Context {
  const context: Context = {
    Process: kind === 'thread' ? ThreadProcess : SpawnProcess,
    Pool: kind === 'thread' ? ThreadPool : SpawnPool,
    cpuCount,
    currentProcess,
    parentProcess,
    activeChildren,
    getContext: (method) => (method === undefined ? context : getContext(method)),
    getStartMethod: () => kind,
    getAllStartMethods,
    setStartMethod: () => {
      throw new ProcessStateError(`Cannot set the start method of the context ${JSON.stringify(kind)}: it has one.`);
    },
    setExecutable,
    freezeSupport,
  };
  return Object.freeze(context);
}

const contexts = new Map<Kind, Context>();

/**
 * What this package has, bound to processes or to threads. Without a method the default, which is fixed by that.
 *
 * @throws ArgumentRangeError for another method, such as Python's `fork`.
 * @example
 * ```ts
 * import { getContext } from 'manycore';
 * const { Process } = getContext('thread');
 * await using p = new Process({ target: () => console.log('in a thread') }).start();
 * await p.join();
 * ```
 */
export function getContext(method?: StartMethod): Context {
  const kind = kindOf(method);
  let context = contexts.get(kind);
  if (context === undefined) contexts.set(kind, (context = create(kind)));
  return context;
}
