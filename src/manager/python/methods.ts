import { MethodNotExposedError } from '../../errors.ts';
import { array, dict, list, namespace, set, value } from './containers.ts';
import { type MethodCall, notYet, unlessRaised } from './method-call.ts';
import { barrier, condition, event, lock, queue, rlock } from './synchronization.ts';

/** What a method of a proxy of ours is with Python's objects. */
export type Method = (on: MethodCall, ...args: readonly unknown[]) => Promise<unknown>;
export type Methods = Readonly<Record<string, Method>>;

const iterator: Methods = {
  async next(on) {
    const item = await unlessRaised(on.askAside('__next__'), 'StopIteration');
    return item === notYet ? [true, undefined] : [false, item];
  },
  async return(on) {
    await on.askAside('close').catch((error: unknown) => {
      if (!(error instanceof MethodNotExposedError)) throw error;
    });
  },
};

const kinds: ReadonlyMap<string, Methods> = new Map(
  Object.entries({
    list,
    dict,
    set,
    Namespace: namespace,
    Value: value,
    Array: array,
    Queue: queue,
    JoinableQueue: queue,
    Lock: lock,
    RLock: rlock,
    Semaphore: lock,
    BoundedSemaphore: lock,
    Condition: condition,
    Event: event,
    Barrier: barrier,
    Iterator: iterator,
  }),
);

/** What changes a value in one step. A Python server runs no function of ours, and does not compare before it sets. */
const atomic = new Set(['update', 'incr', 'read', 'replace']);

/** The method of a kind of object. What is none of ours has the methods that it has in Python, by their names there. */
export function methodOf(kind: string, name: string): Method {
  if (name === 'str') return (on) => on.ask('__str__');
  const methods = kinds.get(kind);
  if (methods === undefined) {
    // Whether it may wait is not known.
    return (on, ...args) => on.askAside(name, ...args);
  }
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method !== undefined) return method;
  return () =>
    Promise.reject(
      new MethodNotExposedError(
        atomic.has(name)
          ? `Cannot change a value of a Python server in one step (${name}): hold a lock, get it and set it.`
          : `Cannot call ${JSON.stringify(name)} of a ${kind} of Python's: it has no such method.`,
      ),
    );
}
