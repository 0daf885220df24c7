import { ArgumentTypeError } from '../../errors.ts';
import { Managed } from '../managed.ts';
import type { Method, ObjectType } from '../types.ts';
import { AsyncResultObject } from './async-result.ts';
import type { Call } from './call.ts';
import { BarrierObject, ConditionObject, EventObject } from './condition.ts';
import { DictObject } from './dict.ts';
import { IteratorObject } from './iterator.ts';
import { ListObject } from './list.ts';
import { Permits, Reentrant } from './permits.ts';
import { PoolObject } from './pool.ts';
import { QueueObject } from './queue.ts';
import { SetObject } from './set.ts';
import { callbackOf } from './slot.ts';
import { ArrayObject, NamespaceObject, ValueObject } from './value.ts';
import { checkWhole } from './call.ts';

/** Of the classes, but not for clients. */
const notMethods = new Set(['constructor', 'abandonedBy', 'abandon', 'yield', 'isHeldBy']);

/** What comes with manycore: name -> type. */
export const builtinTypes: ReadonlyMap<string, ObjectType> = new Map(
  [
    builtin('list', ListObject, (_, items) => new ListObject(items)),
    builtin('dict', DictObject, (_, entries) => new DictObject(entries)),
    builtin('set', SetObject, (_, items) => new SetObject(items)),
    builtin('Namespace', NamespaceObject, (_, entries) => new NamespaceObject(entries)),
    builtin('Value', ValueObject, (_, typecode, value) => new ValueObject(typecode, value)),
    builtin('Array', ArrayObject, (_, typecode, init) => new ArrayObject(typecode, init)),
    builtin('Queue', QueueObject, (_, maxSize) => new QueueObject(maxSize)),
    builtin('JoinableQueue', QueueObject, (_, maxSize) => new QueueObject(maxSize)),
    builtin('Lock', Permits, () => new Permits('Lock', 1, 1)),
    builtin('RLock', Reentrant, () => new Reentrant()),
    builtin('Semaphore', Permits, (_, count) => new Permits('Semaphore', countOf(count))),
    builtin('BoundedSemaphore', Permits, (_, count) => new Permits('BoundedSemaphore', countOf(count), countOf(count))),
    builtin(
      'Condition',
      ConditionObject,
      (_, lock) => new ConditionObject(lock instanceof Managed ? lock.target : lock),
    ),
    builtin('Event', EventObject, () => new EventObject()),
    builtin('Barrier', BarrierObject, makeBarrier),
    builtin('Pool', PoolObject, makePool, {
      applyAsync: 'AsyncResult',
      mapAsync: 'AsyncResult',
      starmapAsync: 'AsyncResult',
      imap: 'Iterator',
      imapUnordered: 'Iterator',
    }),
    builtin('AsyncResult', AsyncResultObject, refuse),
    {
      ...builtin('Iterator', IteratorObject, refuse),
      gone: (target: object) => void (target as IteratorObject).abandon(),
    },
  ].map((type) => [type.name, type]),
);

/** What can be made of plain data, such as a method of the user's gives. */
const ofData = new Set(['list', 'dict', 'set', 'Namespace']);

/** The methods of a class of ours, its bases included; `str` gives its text. */
function builtin(
  name: string,
  of: { readonly prototype: object },
  create: ObjectType['create'],
  results: Readonly<Record<string, string>> = {},
): ObjectType {
  const methods = new Map<string, Method>();
  for (let at: object = of.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const key of Object.getOwnPropertyNames(at)) {
      const exposed = key === 'toString' ? 'str' : key;
      if (!notMethods.has(key) && !methods.has(exposed)) methods.set(exposed, Reflect.get(at, key) as Method);
    }
  }
  return {
    name,
    proxy: name,
    create,
    adopt: (made, call) => {
      if (typeof made === 'object' && made !== null && Object.prototype.isPrototypeOf.call(of.prototype, made))
        return made;
      if (ofData.has(name)) return create(call, made) as object;
      throw new ArgumentTypeError(`Cannot share this as a ${name}: expected one.`);
    },
    methodsOf: () => methods,
    results: new Map(Object.entries(results)),
    isUsers: false,
  };
}

function countOf(count: unknown = 1): number {
  return checkWhole('count', count, 0, 1_000_000);
}

async function makeBarrier(call: Call, parties: unknown, action: unknown, timeout: unknown): Promise<BarrierObject> {
  return new BarrierObject(parties, action === undefined ? undefined : await callbackOf(call, action), timeout);
}

async function makePool({ code }: Call, workers: unknown, options: unknown): Promise<PoolObject> {
  if (code === undefined) throw new ArgumentTypeError('Functions are not taken by this server: it has no pools.');
  const [first, second] = await Promise.all([code.reveal(workers), code.reveal(options)]);
  return PoolObject.create(first, second);
}

function refuse(): never {
  throw new ArgumentTypeError('It is made by a method that returns one.');
}
