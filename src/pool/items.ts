import { ArgumentTypeError } from '../errors.ts';
import { Range } from './iterables.ts';
import { show } from '../arguments.ts';

/** Anything that can be gone through once. */
export type Items<A> = readonly A[] | Iterable<A> | AsyncIterable<A>;

export function checkItems(method: string, items: unknown): void {
  if (typeof items === 'string') return;
  if (typeof items === 'object' && items !== null && (Symbol.iterator in items || Symbol.asyncIterator in items))
    return;
  throw new ArgumentTypeError(`Cannot ${method} over ${show(items)}: expected an iterable, such as an array.`);
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
