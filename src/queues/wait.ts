import { setImmediate as nextTurn } from 'node:timers/promises';
import { show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';
import { checkSignal, Waiter } from '../waiting.ts';
import { type QueueOptions, waitingOf } from './options.ts';

/** A stream as `node:net` and `node:stream` have them. */
interface Stream {
  readonly readableLength: number;
  readonly readableEnded: boolean;
  readonly destroyed: boolean;
  once(event: 'readable' | 'end' | 'close', listener: () => void): unknown;
  off(event: 'readable' | 'end' | 'close', listener: () => void): unknown;
}

/** A connection, of a pipe or over a socket. */
interface Pollable {
  poll(options: QueueOptions): Promise<boolean>;
}

/** What can be waited for: connections, started processes, their sentinels and other promises, readable streams and sockets. */
export type Waitable = Pollable | { readonly sentinel: PromiseLike<unknown> } | PromiseLike<unknown> | Stream;

/**
 * Waits until at least one of several things is ready: a connection has a message or its end, a process has ended, a promise is
 * settled, a stream can be read. Resolves to all that are ready, in their order; to none when `timeout` milliseconds are over.
 * Nothing is taken out. Python: `multiprocessing.connection.wait`.
 *
 * @example
 * ```ts
 * import { Pipe, wait } from 'manycore';
 * const [a, b] = Pipe<string>();
 * const [c] = Pipe<string>();
 * await b.send('x');
 * console.log((await wait([a, c])).length); // 1
 * ```
 */
export async function wait<T extends Waitable>(objects: Iterable<T>, options?: QueueOptions): Promise<T[]> {
  const list = listOf(objects);
  const waiting = waitingOf('wait', options);
  checkSignal(waiting.signal);
  if (list.length === 0) return [];
  const ready = new Set<T>();
  const over = new AbortController();
  const time = new Waiter<undefined, void>(undefined, waiting, {
    expire: () => time.settle(),
    remove: () => undefined,
  });
  try {
    const watched = list.map((object) => readiness(object, over.signal).then(() => void ready.add(object)));
    // The race hears the first that fails; the others are given up.
    for (const one of watched) one.catch(() => undefined);
    await Promise.race([...watched, time.promise]);
    // Those that were ready at the same time.
    await nextTurn();
    return list.filter((object) => ready.has(object));
  } finally {
    time.settle();
    over.abort();
  }
}

function listOf<T extends Waitable>(objects: Iterable<T>): T[] {
  const given: Partial<Iterable<T>> = Object(objects ?? {});
  if (typeof given[Symbol.iterator] !== 'function')
    throw new ArgumentTypeError(`Cannot wait for ${show(objects)}: expected a list, such as wait([a, b]).`);
  const list = [...objects];
  for (const object of list)
    if (!isWaitable(object))
      throw new ArgumentTypeError(
        `Cannot wait for ${show(object)}: wait() takes connections, processes, promises and streams.`,
      );
  return list;
}

function isWaitable(given: unknown): boolean {
  const { poll, then, sentinel, readableLength } = Object(given ?? {}) as Readonly<Record<string, unknown>>;
  const has = typeof poll === 'function' || typeof then === 'function' || typeof readableLength === 'number';
  return has || sentinel !== undefined;
}

async function readiness(object: Waitable, signal: AbortSignal): Promise<void> {
  if ('poll' in object) await object.poll({ timeout: Infinity, signal });
  else if ('readableLength' in object) await readable(object, signal);
  else await ('sentinel' in object ? object.sentinel : object).then(undefined, () => undefined);
}

function readable(stream: Stream, signal: AbortSignal): Promise<void> {
  const isReady = (): boolean => stream.readableLength > 0 || stream.readableEnded || stream.destroyed;
  if (isReady()) return Promise.resolve();
  return new Promise((resolve) => {
    const events = ['readable', 'end', 'close'] as const;
    const done = (): void => {
      for (const event of events) stream.off(event, done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    for (const event of events) stream.once(event, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
