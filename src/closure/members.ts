import type { Code, FunctionParts } from '../wire/forms.ts';
import { isMethodOf } from './properties.ts';
import type { Callable } from './registry.ts';

/**
 * Methods of classes that travel by value go as members of their class: alone they would lose `super` and `#private`
 * names. A function does not know its class, so this is known only of classes that were met before.
 */

interface Membership {
  readonly owner: Callable;
  readonly path: readonly string[];
}

const members = new WeakMap<object, Membership>();
const recorded = new WeakSet<object>();
const codes = new Map<string, Code>();

/** Takes up the methods of a class. */
export function recordMembers(owner: Callable): void {
  if (recorded.has(owner)) return;
  recorded.add(owner);
  const note = (holder: object, before: readonly string[]): void => {
    for (const [key, { value, get, set, enumerable }] of Object.entries<PropertyDescriptor>(
      Object.getOwnPropertyDescriptors(holder),
    )) {
      // Methods are not; a field is a value.
      if (enumerable === true) continue;
      if (typeof value === 'function' && key !== 'constructor' && key !== 'prototype')
        put(key, value as Callable, [...before, key]);
      if (get) put(key, get as Callable, [...before, `get ${key}`]);
      if (set) put(key, set as Callable, [...before, `set ${key}`]);
    }
  };
  const put = (key: string, method: Callable, path: readonly string[]): void => {
    // What was put on the prototype afterwards travels with the class, as a value of its own.
    if (!members.has(method) && isMethodOf(owner, key, method)) members.set(method, { owner, path });
  };
  const prototype: unknown = Reflect.get(owner, 'prototype');
  if (typeof prototype === 'object' && prototype !== null) note(prototype, ['prototype']);
}

export function memberOf(method: object): Membership | undefined {
  return members.get(method);
}

/** A member as parts: its class is what has to be there first. */
export function memberParts({ owner, path }: Membership): FunctionParts {
  return specialParts('member', [owner], path);
}

/** Functions that are made from others and have no text of their own. */
export function specialParts(
  kind: 'member' | 'promisify',
  first: readonly unknown[],
  path: readonly string[] = [],
): FunctionParts {
  const key = [kind, ...path].join('\n');
  let code = codes.get(key);
  if (code === undefined)
    codes.set(key, (code = Object.freeze({ define: 'code', names: [], kind, path } satisfies Code)));
  return {
    code,
    captured: [],
    labels: [],
    first,
    identity: undefined,
    own: [],
    prototype: undefined,
    prototypeParent: undefined,
    parent: undefined,
  };
}
