import type { Pool } from '../../pool/pool.ts';
import { type Call, checkItems } from './call.ts';
import { callbackOf } from './slot.ts';

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

  async apply(call: Call, fn: unknown, args: unknown = [], options: unknown = {}): Promise<unknown> {
    const callback = await callbackOf(call, fn);
    const list = checkItems('arguments', await call.code!.reveal(args));
    return call.code!.conceal(await this.#pool.apply(callback, list as [], options as object));
  }

  async map(call: Call, fn: unknown, items: unknown, options: unknown = {}): Promise<unknown> {
    const callback = await callbackOf(call, fn);
    const list = checkItems('items', await call.code!.reveal(items));
    return call.code!.conceal(await this.#pool.map(callback, list, options as object));
  }

  async starmap(call: Call, fn: unknown, items: unknown, options: unknown = {}): Promise<unknown> {
    const callback = await callbackOf(call, fn);
    const list = checkItems('items', await call.code!.reveal(items)) as unknown[][];
    return call.code!.conceal(await this.#pool.starmap(callback, list, options as object));
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
