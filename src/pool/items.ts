import { ArgumentTypeError } from '../errors.ts';
import { Range } from './iterables.ts';
import { isIterable, show } from '../arguments.ts';

/** Anything that can be gone through once. */
export type Items<A> = readonly A[] | Iterable<A> | AsyncIterable<A>;

export function checkItems(method: string, items: unknown): void {
  if (typeof items === 'string') return;
  if (typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items))
    return;
  const advice = items instanceof Promise ? 'await it first' : 'expected an iterable, such as an array';
  throw new ArgumentTypeError(`Cannot ${method} over ${show(items)}: ${advice}.`);
}

/** Why an item of `starmap` is not the arguments of a call; undefined when it is. */
export function wrongArguments(method: string, item: unknown, index: number): Error | undefined {
  if (Array.isArray(item) || isIterable(item)) return undefined;
  return new ArgumentTypeError(
    `Cannot use ${show(item)} as item ${index} of ${method}: expected a list of arguments, such as [x].`,
  );
}

/** @throws ArgumentTypeError for the first item that is not the arguments of a call. */
export function checkArguments(method: string, items: readonly unknown[]): void {
  for (let i = 0; i < items.length; i++) {
    const wrong = wrongArguments(method, items[i], i);
    if (wrong !== undefined) throw wrong;
  }
}

/** How many items there are, where that can be known without going through them. */
export function lengthOf(items: Items<unknown>): number | undefined {
  return Array.isArray(items) || items instanceof Range ? items.length : undefined;
}

/** The items as an array of our own, or undefined when they come asynchronously. */
export function listOf(items: Items<unknown>): unknown[] | undefined {
  if (Array.isArray(items)) return items.slice();
  if (items instanceof Range) return items.toArray();
  return typeof items === 'object' && Symbol.asyncIterator in items
    ? undefined
    : Array.from(items as Iterable<unknown>);
}
