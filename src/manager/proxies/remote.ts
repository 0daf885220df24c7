import type { CallOptions, MapOptions } from '../../pool/options.ts';
import { userKind } from '../proxy-maker.ts';
import { BaseProxy, standFor } from './base.ts';

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

/** A pool whose workers are children of the server. Its functions are code: the server must take it. Python: `PoolProxy`. */
export class PoolProxy extends BaseProxy {
  apply<A extends readonly unknown[], R>(fn: (...args: A) => R, args?: A, options?: CallOptions): Promise<Awaited<R>> {
    return this.callMethod('apply', [fn, args, options]) as Promise<Awaited<R>>;
  }

  map<T, R>(fn: (item: T) => R, items: Iterable<T>, options?: MapOptions): Promise<Awaited<R>[]> {
    return this.callMethod('map', [fn, [...items], options]) as Promise<Awaited<R>[]>;
  }

  starmap<A extends readonly unknown[], R>(
    fn: (...args: A) => R,
    items: Iterable<A>,
    options?: MapOptions,
  ): Promise<Awaited<R>[]> {
    return this.callMethod('starmap', [fn, [...items], options]) as Promise<Awaited<R>[]>;
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

standFor('Iterator', IteratorProxy);
standFor('Pool', PoolProxy);
standFor(userKind, RemoteProxy);
