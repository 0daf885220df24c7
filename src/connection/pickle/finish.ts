import { UnpicklingError } from '../../errors.ts';
import { maxDataDepth } from '../../limits.ts';
import { setOwn } from '../../wire/shape-cache.ts';
import type { Known } from './globals.ts';

/** What a pickle names, until it is called. */
export class Named {
  readonly known: Known | undefined;
  readonly #name: string;

  constructor(name: string, known: Known | undefined) {
    this.#name = name;
    this.known = known;
  }

  refused(): UnpicklingError {
    const name = this.#name.replaceAll(/[^\w.<>]/g, '?').slice(0, 100);
    return new UnpicklingError(
      `The message holds ${name} of Python. Only plain data is received: numbers, texts, bytes, lists, tuples, dicts, sets, dates and times.`,
      name,
    );
  }
}

/**
 * The last look at a message that was read: how deep it is, that nothing in it could be called, and plain objects in place of
 * the Maps whose keys are all strings. Only now are all keys known.
 */
export function finish(value: unknown, tuples: readonly unknown[][], maps: boolean): unknown {
  const heights = new Map<object, number>();
  measure(value, 0, heights);
  const records = maps ? new Map<object, object>() : recordsOf(heights.keys());
  if (records.size > 0) for (const container of heights.keys()) replaceIn(container, records);
  for (const tuple of tuples) Object.freeze(tuple);
  return records.get(value as object) ?? value;
}

/** How many levels there are below; a value that is there several times is looked at once. */
function measure(value: unknown, depth: number, heights: Map<object, number>): number {
  if (value instanceof Named) throw value.refused();
  if (!Array.isArray(value) && !(value instanceof Map) && !(value instanceof Set)) return 0;
  const known = heights.get(value);
  if (depth + (known ?? 1) > maxDataDepth)
    throw new UnpicklingError(`The message is nested more than ${maxDataDepth} deep.`);
  if (known !== undefined) return known;
  // What is met again further down is part of a cycle, which has no depth of its own.
  heights.set(value, 0);
  let below = 0;
  const look = (item: unknown): void => {
    below = Math.max(below, measure(item, depth + 1, heights));
  };
  if (value instanceof Map) {
    for (const [key, item] of value) {
      look(key);
      look(item);
    }
  } else {
    for (const item of value) look(item);
  }
  heights.set(value, below + 1);
  return below + 1;
}

function recordsOf(containers: Iterable<object>): Map<object, object> {
  const records = new Map<object, object>();
  for (const container of containers) if (container instanceof Map && isRecord(container)) records.set(container, {});
  return records;
}

function isRecord(map: Map<unknown, unknown>): boolean {
  for (const key of map.keys()) if (typeof key !== 'string') return false;
  return true;
}

function replaceIn(container: object, records: ReadonlyMap<object, object>): void {
  const of = (value: unknown): unknown => records.get(value as object) ?? value;
  if (Array.isArray(container)) {
    for (let i = 0; i < container.length; i++) container[i] = of(container[i]);
  } else if (container instanceof Map) {
    const record = records.get(container);
    for (const [key, value] of container) {
      if (record === undefined) container.set(key, of(value));
      else setOwn(record as Record<string, unknown>, key as string, of(value));
    }
  }
}
