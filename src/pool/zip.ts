import { checkIterable } from '../arguments.ts';
import type { Items } from './items.ts';
import { abandon, sourceOf } from './source.ts';

export type Zipped<T extends readonly Iterable<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends Iterable<infer U> ? U : never;
};

/**
 * Tuples of the items at the same place, as many as the shortest has. Python: `zip`.
 *
 * What ended or threw is not closed; the others are, the last first.
 *
 * @example
 * ```ts
 * import { zip } from 'manycore';
 * console.log([...zip([1, 2], ['a', 'b'])]); // [ [ 1, 'a' ], [ 2, 'b' ] ]
 * ```
 */
export function* zip<T extends readonly Iterable<unknown>[]>(...iterables: T): Generator<Zipped<T>, undefined> {
  if (iterables.length === 0) return undefined;
  const iterators: Iterator<unknown>[] = [];
  let asked: Iterator<unknown> | undefined;
  try {
    for (const [i, iterable] of iterables.entries()) {
      checkIterable(`argument ${i + 1} of zip`, iterable);
      iterators.push(iterable[Symbol.iterator]());
    }
    for (;;) {
      const tuple: unknown[] = [];
      for (asked of iterators) {
        const { done, value } = asked.next();
        if (done === true) return undefined;
        tuple.push(value);
      }
      asked = undefined;
      yield tuple as Zipped<T>;
    }
  } catch (error) {
    for (const iterator of openOnes(iterators, asked)) abandon(iterator);
    iterators.length = 0;
    throw error;
  } finally {
    closeAll(openOnes(iterators, asked));
  }
}

/**
 * The same of iterables of which some are asynchronous. No generator, which would hear that nobody reads on only when the item that
 * it waits for is there.
 */
export function zipAsync(iterables: readonly Items<unknown>[]): AsyncIterable<unknown[], undefined> {
  return { [Symbol.asyncIterator]: () => new AsyncZip(iterables) };
}

class AsyncZip implements AsyncIterator<unknown[], undefined> {
  readonly #iterators: AnyIterator[] = [];
  #over = false;

  constructor(iterables: readonly Items<unknown>[]) {
    try {
      for (const items of iterables) this.#iterators.push(sourceOf(items).iterator);
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  async next(): Promise<IteratorResult<unknown[], undefined>> {
    const tuple: unknown[] = [];
    for (const iterator of this.#iterators) {
      if (this.#over) break;
      try {
        const { done, value } = await iterator.next();
        if (done === true) await this.#close(iterator);
        else tuple.push(value);
      } catch (error) {
        this.#abandon(iterator);
        throw error;
      }
    }
    return this.#over ? { done: true, value: undefined } : { done: false, value: tuple };
  }

  async return(): Promise<IteratorResult<unknown[], undefined>> {
    await this.#close();
    return { done: true, value: undefined };
  }

  async #close(ended?: AnyIterator): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await Promise.all(openOnes(this.#iterators, ended).map(async (iterator) => iterator.return?.()));
  }

  #abandon(thrower?: AnyIterator): void {
    if (this.#over) return;
    this.#over = true;
    openOnes(this.#iterators, thrower).forEach(abandon);
  }
}

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/** Those that are to be closed, in the order for that. One iterator may be there twice: `zip(it, it)` makes pairs. */
function openOnes<I extends AnyIterator>(iterators: readonly I[], ended: I | undefined): I[] {
  return [...new Set(iterators)].filter((iterator) => iterator !== ended).toReversed();
}

/** Closes all, and throws the first error of that afterwards. */
function closeAll(iterators: readonly Iterator<unknown>[]): void {
  let failure: { readonly error: unknown } | undefined;
  for (const iterator of iterators) {
    try {
      iterator.return?.();
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}
