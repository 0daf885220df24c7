/** Data in which promises lie, as data in which there are what these have come to. Rejects when one of them does. */
export async function settle(value: unknown, promises: readonly Promise<unknown>[]): Promise<unknown> {
  const values = await Promise.all(promises);
  return replace(value, new Map(promises.map((promise, i) => [promise, values[i]])), new Set());
}

/** In place: what was just decoded is nobody else's. */
function replace(value: unknown, by: ReadonlyMap<unknown, unknown>, seen: Set<object>): unknown {
  if (by.has(value)) return by.get(value);
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  const renewed = (each: unknown): unknown => replace(each, by, seen);
  if (Array.isArray(value)) for (const [i, item] of value.entries()) value[i] = renewed(item);
  else if (value instanceof Map) {
    const entries = Array.from(value as Map<unknown, unknown>, (entry) => entry.map(renewed));
    value.clear();
    for (const [key, item] of entries) value.set(key, item);
  } else if (value instanceof Set) {
    const members = Array.from(value as Set<unknown>, renewed);
    value.clear();
    for (const member of members) value.add(member);
  } else if (value instanceof Error || Object.getPrototypeOf(value) === Object.prototype) {
    for (const key of Object.getOwnPropertyNames(value)) {
      const descriptor = Object.getOwnPropertyDescriptor(value, key)!;
      const next = renewed(descriptor.value);
      if (next !== descriptor.value) Object.defineProperty(value, key, { ...descriptor, value: next });
    }
  }
  return value;
}
