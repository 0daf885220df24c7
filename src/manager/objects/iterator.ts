import type { Call } from './call.ts';

/** What a generator of the server's gives, one by one. */
export class IteratorObject {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>;

  constructor(iterable: Iterable<unknown> | AsyncIterable<unknown>) {
    this.#iterator = Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  }

  /** [done, value]. */
  async next(_call: Call, value?: unknown): Promise<[boolean, unknown]> {
    const { done = false, value: next } = await this.#iterator.next(value);
    return [done, next];
  }

  async return(_call: Call, value?: unknown): Promise<void> {
    await this.#iterator.return?.(value);
  }

  /** Nobody asks for more: it closes what it has open. */
  async abandon(): Promise<void> {
    try {
      await this.#iterator.return?.();
    } catch {
      // There is nobody to be told.
    }
  }

  toString(): string {
    return 'Iterator';
  }
}

export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}
