/** What a stream reads its inputs from. */
export type Source = { readonly iterator: Iterator<unknown> | AsyncIterator<unknown>; readonly async: boolean };

/** The iterator of whatever can be iterated. */
export function sourceOf(items: Iterable<unknown> | AsyncIterable<unknown>): Source {
  if (typeof items === 'object' && Symbol.asyncIterator in items)
    return { iterator: items[Symbol.asyncIterator](), async: true };
  return { iterator: items[Symbol.iterator](), async: false };
}

/** Tells an iterator that it is not read on. Nobody waits for its answer, and its own failure would only hide the reason. */
export function abandon(iterator: Iterator<unknown> | AsyncIterator<unknown>): void {
  try {
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  } catch {}
}
