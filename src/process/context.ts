import { ProcessStateError } from '../errors.ts';
import { Manager } from '../manager/manager.ts';
import { cpuCount } from '../pool/cpu-count.ts';
import { ThreadPool } from '../pool/thread-pool.ts';
import { JoinableQueue } from '../queues/joinable-queue.ts';
import { Pipe } from '../queues/pipe.ts';
import { Queue } from '../queues/queue.ts';
import { SimpleQueue } from '../queues/simple-queue.ts';
import { RawArray, SharedArray } from '../shared/shared-array.ts';
import { RawValue, SharedValue } from '../shared/shared-value.ts';
import { Barrier } from '../sync/barrier.ts';
import { Condition } from '../sync/condition.ts';
import { Lock } from '../sync/lock.ts';
import { RLock } from '../sync/r-lock.ts';
import { BoundedSemaphore, Semaphore } from '../sync/semaphore.ts';
import { SharedEvent } from '../sync/shared-event.ts';
import { SpawnPool, SpawnProcess, ThreadProcess } from './bound.ts';
import { activeChildren, currentProcess, parentProcess, type ParentProcess } from './current.ts';
import { setExecutable } from './executable.ts';
import type { Process } from './process.ts';
import { getAllStartMethods, kindOf, type Kind, type StartMethod } from './start-method.ts';

/**
 * The functions and classes of this package under Python's names, `Process` and `Pool` bound to one kind of process. What is shared goes to both kinds, so
 * it is the same in each: `getContext('thread').Queue` is `Queue`. Python: a context.
 */
export interface Context {
  readonly Process: typeof SpawnProcess;
  readonly Pool: typeof SpawnPool;
  readonly Manager: typeof Manager;
  readonly Pipe: typeof Pipe;
  readonly Queue: typeof Queue;
  readonly JoinableQueue: typeof JoinableQueue;
  readonly SimpleQueue: typeof SimpleQueue;
  readonly Lock: typeof Lock;
  readonly RLock: typeof RLock;
  readonly Semaphore: typeof Semaphore;
  readonly BoundedSemaphore: typeof BoundedSemaphore;
  readonly Condition: typeof Condition;
  readonly Event: typeof SharedEvent;
  readonly Barrier: typeof Barrier;
  readonly Value: typeof SharedValue;
  readonly Array: typeof SharedArray;
  readonly RawValue: typeof RawValue;
  readonly RawArray: typeof RawArray;
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
    Manager,
    Pipe,
    Queue,
    JoinableQueue,
    SimpleQueue,
    Lock,
    RLock,
    Semaphore,
    BoundedSemaphore,
    Condition,
    Event: SharedEvent,
    Barrier,
    Value: SharedValue,
    Array: SharedArray,
    RawValue,
    RawArray,
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
 * What this package has, bound to processes or to threads. Without a method the default, which is fixed by that. Python: `get_context`.
 *
 * @param method - `'process'`, for which `'spawn'` is another word, or `'thread'`.
 * @throws ArgumentRangeError for another method, such as Python's `fork`.
 * @example
 * ```ts
 * import { getContext } from 'manycore';
 * const { Process, Queue } = getContext('thread');
 * const answers = new Queue<string>();
 * await using p = new Process({ target: () => answers.put('from a thread') }).start();
 * console.log(await answers.get()); // from a thread
 * await p.join();
 * ```
 */
export function getContext(method?: StartMethod): Context {
  const kind = kindOf(method);
  let context = contexts.get(kind);
  if (context === undefined) contexts.set(kind, (context = create(kind)));
  return context;
}
