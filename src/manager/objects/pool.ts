import type { Pool } from '../../pool/pool.ts';
import { AsyncResultObject } from './async-result.ts';
import { type Call, checkItems } from './call.ts';
import { callbackOf } from './slot.ts';

type Task = (...args: unknown[]) => unknown;

/** A pool whose workers are the server's children. */
export class PoolObject {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Loaded when the first pool is made: most servers have none. */
  static async create(workers: unknown, options: unknown): Promise<PoolObject> {
    const { Pool: PoolClass } = await import('../../pool/pool.ts');
    return new PoolObject(
      workers === undefined ? new PoolClass(options as object) : new PoolClass(workers as number, options as object),
    );
  }

  async apply(call: Call, fn: unknown, args?: unknown, options?: unknown): Promise<unknown> {
    const { task, items, more } = await jobOf(call, fn, args, options);
    return call.code!.conceal(await this.#pool.apply(task, items as [], more));
  }

  async map(call: Call, fn: unknown, values: unknown, options?: unknown): Promise<unknown> {
    const { task, items, more } = await jobOf(call, fn, values, options);
    return call.code!.conceal(await this.#pool.map(task, items, more));
  }

  async starmap(call: Call, fn: unknown, values: unknown, options?: unknown): Promise<unknown> {
    const { task, items, more } = await jobOf(call, fn, values, options);
    return call.code!.conceal(await this.#pool.starmap(task, items as unknown[][], more));
  }

  async applyAsync(call: Call, fn: unknown, args?: unknown, options?: unknown): Promise<AsyncResultObject> {
    const { task, items, more } = await jobOf(call, fn, args, options);
    return new AsyncResultObject(this.#pool.applyAsync(task, items as [], more), call.code!);
  }

  async mapAsync(call: Call, fn: unknown, values: unknown, options?: unknown): Promise<AsyncResultObject> {
    const { task, items, more } = await jobOf(call, fn, values, options);
    return new AsyncResultObject(this.#pool.mapAsync(task, items, more), call.code!);
  }

  async starmapAsync(call: Call, fn: unknown, values: unknown, options?: unknown): Promise<AsyncResultObject> {
    const { task, items, more } = await jobOf(call, fn, values, options);
    return new AsyncResultObject(this.#pool.starmapAsync(task, items as unknown[][], more), call.code!);
  }

  async imap(call: Call, fn: unknown, values: unknown, options?: unknown): Promise<AsyncIterable<unknown>> {
    const { task, items, more } = await jobOf(call, fn, values, options);
    return this.#pool.imap(task, items, more);
  }

  async imapUnordered(call: Call, fn: unknown, values: unknown, options?: unknown): Promise<AsyncIterable<unknown>> {
    const { task, items, more } = await jobOf(call, fn, values, options);
    return this.#pool.imapUnordered(task, items, more);
  }

  close(): void {
    this.#pool.close();
  }

  join(): Promise<void> {
    return this.#pool.join();
  }

  terminate(): Promise<void> {
    return this.#pool.terminate();
  }

  toString(): string {
    return 'Pool';
  }
}

interface Job {
  readonly task: Task;
  readonly items: unknown[];
  readonly more: object;
}

/** What is to be done, as the pool gets it: callbacks among the options run in the server, as all of a client's functions do. */
async function jobOf(call: Call, fn: unknown, values: unknown = [], options: unknown = {}): Promise<Job> {
  const task = await callbackOf(call, fn);
  const { code } = call;
  const [revealed, more] = await Promise.all([code!.reveal(values), code!.reveal(options)]);
  return { task, items: checkItems('items', revealed), more: more as object };
}
