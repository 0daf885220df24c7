import { toList } from '../../arguments.ts';
import type { CallbackOptions, CallOptions, MapOptions, StreamOptions } from '../../pool/options.ts';
import { userKind } from '../proxy-maker.ts';
import { BaseProxy, standFor, type WaitOptions, waitOf } from './base.ts';

/** What generators of a server's give, one by one. Python: `IteratorProxy`. */
export class IteratorProxy<T = unknown> extends BaseProxy implements AsyncIterableIterator<T, void, unknown> {
  async next(value?: unknown): Promise<IteratorResult<T, void>> {
    const [done, next] = (await this.callMethod('next', [value])) as [boolean, T];
    return done ? { done, value: undefined } : { done, value: next };
  }

  async return(): Promise<IteratorResult<T, void>> {
    await this.callMethod('return');
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The result of a task of a pool in the server. It is no promise: `await result.get()`. Python: `AsyncResult`. */
export class AsyncResultProxy<R = unknown> extends BaseProxy {
  /**
   * Waits for the result; the task goes on when that is given up.
   *
   * @throws TimeoutError when it is not there within `timeout` milliseconds; otherwise what the task threw.
   */
  get(options?: WaitOptions): Promise<R> {
    const { timeout, signal } = waitOf('get', options);
    return this.callMethod('get', [timeout], signal) as Promise<R>;
  }

  /** Waits until the result is there, failed or not; whether it is within `timeout`. */
  wait(options?: WaitOptions): Promise<boolean> {
    const { timeout, signal } = waitOf('wait', options);
    return this.callMethod('wait', [timeout], signal) as Promise<boolean>;
  }

  ready(): Promise<boolean> {
    return this.callMethod('ready') as Promise<boolean>;
  }

  /** Whether the task did not throw. @throws NotReadyError before the result is there. */
  successful(): Promise<boolean> {
    return this.callMethod('successful') as Promise<boolean>;
  }
}

/** A pool whose workers are children of the server. Its functions are code: the server must take it. Python: `PoolProxy`. */
export class PoolProxy extends BaseProxy {
  apply<R>(fn: () => R, args?: readonly [], options?: CallOptions): Promise<Awaited<R>>;
  apply<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions,
  ): Promise<Awaited<R>>;
  apply(fn: unknown, args?: readonly unknown[], options?: CallOptions): Promise<unknown> {
    return this.callMethod('apply', [fn, args, options]);
  }

  map<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: MapOptions): Promise<Awaited<R>[]> {
    return this.callMethod('map', [fn, toList('the items of map', items), options]) as Promise<Awaited<R>[]>;
  }

  starmap<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: readonly A[] | Iterable<A>,
    options?: MapOptions,
  ): Promise<Awaited<R>[]> {
    return this.callMethod('starmap', [fn, toList('the items of starmap', items), options]) as Promise<Awaited<R>[]>;
  }

  /** Begins a task, whose result stays in the server until it is asked for. Its callbacks run in the server. */
  applyAsync<R>(
    fn: () => R,
    args?: readonly [],
    options?: CallOptions & CallbackOptions<Awaited<R>>,
  ): Promise<AsyncResultProxy<Awaited<R>>>;
  applyAsync<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    args: A,
    options?: CallOptions & CallbackOptions<Awaited<R>>,
  ): Promise<AsyncResultProxy<Awaited<R>>>;
  applyAsync(fn: unknown, args?: readonly unknown[], options?: CallOptions): Promise<unknown> {
    return this.callMethod('applyAsync', [fn, args, options]);
  }

  mapAsync<T, R>(
    fn: (item: T) => R,
    items: Iterable<T>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): Promise<AsyncResultProxy<Awaited<R>[]>> {
    return this.callMethod('mapAsync', [fn, toList('the items of mapAsync', items), options]) as Promise<
      AsyncResultProxy<Awaited<R>[]>
    >;
  }

  starmapAsync<A extends readonly unknown[] | [], R>(
    fn: (...args: A) => R,
    items: readonly A[] | Iterable<A>,
    options?: MapOptions & CallbackOptions<Awaited<R>[]>,
  ): Promise<AsyncResultProxy<Awaited<R>[]>> {
    return this.callMethod('starmapAsync', [fn, toList('the items of starmapAsync', items), options]) as Promise<
      AsyncResultProxy<Awaited<R>[]>
    >;
  }

  /** The results as they come, in the order of the items; `next({ timeout })` waits for so many milliseconds. */
  imap<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: StreamOptions): Promise<IteratorProxy<Awaited<R>>> {
    return this.callMethod('imap', [fn, toList('the items of imap', items), options]) as Promise<
      IteratorProxy<Awaited<R>>
    >;
  }

  /** The results in the order in which they are there. */
  imapUnordered<T, R>(
    fn: (item: T) => R,
    items: Iterable<T>,
    options?: StreamOptions,
  ): Promise<IteratorProxy<Awaited<R>>> {
    return this.callMethod('imapUnordered', [fn, toList('the items of imapUnordered', items), options]) as Promise<
      IteratorProxy<Awaited<R>>
    >;
  }

  async close(): Promise<void> {
    await this.callMethod('close');
  }

  async join(): Promise<void> {
    await this.callMethod('join');
  }

  async terminate(): Promise<void> {
    await this.callMethod('terminate');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }
}

/** The methods of an object as they are called from elsewhere: all of them give promises. */
export type Remote<T> = BaseProxy & {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** Stands for an object of a class of the user's: has whatever method is asked for, and the server says whether it exists. */
export class RemoteProxy extends BaseProxy {}

const methods = new Map<string, (this: BaseProxy, ...args: unknown[]) => Promise<unknown>>();

/** An object with a `then` would be awaited; these are asked for by who only wants to know what something is. */
const never = new Set(['then', 'toJSON', 'asymmetricMatch', '$$typeof', 'nodeType']);

// The instance itself is no Proxy, so it travels as all others do.
Object.setPrototypeOf(
  RemoteProxy.prototype,
  new Proxy(BaseProxy.prototype, {
    get(base, name, receiver): unknown {
      if (typeof name === 'symbol' || name in base || never.has(name)) return Reflect.get(base, name, receiver);
      let method = methods.get(name);
      if (method === undefined) {
        method = function (...args) {
          return this.callMethod(name, args);
        };
        if (methods.size < 10_000) methods.set(name, method);
      }
      return method;
    },
  }),
);

standFor('AsyncResult', AsyncResultProxy);
standFor('Iterator', IteratorProxy);
standFor('Pool', PoolProxy);
standFor(userKind, RemoteProxy);
