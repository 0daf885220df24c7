import { inspect } from 'node:util';
import { Managed } from '../managed.ts';
import { Packed } from '../packed.ts';

const maxArrayLength = 100;
const maxDepth = 4;
/** What is shared is shown at each place where it lies: a few bytes could be the text of an hour. */
const maxShown = 10_000;

/** A value as text, for people: as deep as it may be in a text that somebody reads. */
export function text(value: unknown): string {
  let depth = maxDepth;
  while (depth > 0 && shownOf(value, depth, maxShown) > maxShown) depth--;
  return inspect(value, { depth, maxArrayLength, maxStringLength: 1_000, breakLength: Infinity });
}

/** How many values are shown to this depth; counted until there are more than `most`. */
function shownOf(value: unknown, depth: number, most: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const member of membersOf(value)) {
    if (count > most) break;
    count += depth === 0 ? 1 : shownOf(member, depth - 1, most - count);
  }
  return count;
}

function membersOf(value: object): Iterable<unknown> {
  if (Array.isArray(value)) return value.slice(0, maxArrayLength);
  if (value instanceof Map) return [...value].slice(0, maxArrayLength).flat();
  if (value instanceof Set) return [...value].slice(0, maxArrayLength);
  return ArrayBuffer.isView(value) ? [] : Object.values(value);
}

Object.defineProperty(Managed.prototype, inspect.custom, {
  value(this: Managed): string {
    return `<${this.type.name}>`;
  },
});

Object.defineProperty(Packed.prototype, inspect.custom, {
  value(): string {
    return '<instance>';
  },
});
