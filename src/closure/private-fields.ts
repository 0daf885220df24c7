import { InternalError } from '../errors.ts';
import type { PrivateFields } from '../wire/forms.ts';
import { anyArguments } from './anything.ts';
import { type Callable, type PrivateLevel, type Received, registry } from './registry.ts';

/**
 * Bare instances of classes that travel by value. Private fields are put on an object only by the class's own construction,
 * so that is what runs, with the initialisers and the constructor switched off (`PrivateTools.on`): for a base class its
 * constructor; for a derived one a construction whose `super()` returns the object that is being equipped.
 */

/** The classes of a prototype chain that have private members, base first. */
function levelsOf(prototype: object): PrivateLevel[] {
  const levels: PrivateLevel[] = [];
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof constructor !== 'function') continue;
    const received = registry.received.get(constructor);
    const level =
      received === undefined
        ? registry.openClass?.(constructor as Callable)
        : rebuiltLevel(constructor as Callable, received);
    if (level !== undefined) levels.unshift(level);
  }
  return levels;
}

/** An object of the given prototype that has the private members of its classes; their values come afterwards. */
export function bareInstance(prototype: object): { readonly value: object; fill(fields: PrivateFields): void } {
  const levels = levelsOf(prototype);
  let object: object | undefined;
  for (const level of levels) {
    object = level.equip(prototype, level.derived ? (object ?? (Object.create(prototype) as object)) : undefined);
    // Public fields were defined along the way; the sender's own ones come as properties.
    for (const key of Reflect.ownKeys(object)) Reflect.deleteProperty(object, key);
  }
  const value = object ?? (Object.create(prototype) as object);
  return { value, fill: (fields) => setFields(levels, value, fields) };
}

/** Gives an object, made by a built-in, the private members of the classes of its prototype, with their values. */
export function equipInstance(object: object, fields: PrivateFields): void {
  const prototype = Object.getPrototypeOf(object) as object;
  const levels = levelsOf(prototype);
  const own = Object.getOwnPropertyDescriptors(object) as Record<string | symbol, PropertyDescriptor>;
  for (const level of levels) level.equip(prototype, object);
  // Public fields were defined along the way, some over what it has.
  for (const key of Reflect.ownKeys(object)) {
    if (Object.hasOwn(own, key)) Reflect.defineProperty(object, key, own[key]!);
    else Reflect.deleteProperty(object, key);
  }
  setFields(levels, object, fields);
}

function rebuiltLevel(constructor: Callable, { tools, code }: Received): PrivateLevel | undefined {
  if (tools.set === undefined) return undefined;
  const equip = (prototype: object, object: object | undefined): object => {
    tools.on = true;
    try {
      return object === undefined ? constructAs(constructor, prototype) : constructOnto(constructor, object);
    } finally {
      tools.on = false;
    }
  };
  return { derived: code['derived'] === true, get: tools.get, set: tools.set, equip };
}

export function constructAs(constructor: Callable, prototype: object): object {
  // `new.target` decides the prototype.
  const target = function () {};
  target.prototype = prototype;
  return Reflect.construct(constructor, anyArguments, target) as object;
}

/** Constructs with a `super()` that returns `object`. */
export function constructOnto(constructor: Callable, object: object): object {
  const heritage = Object.getPrototypeOf(constructor) as object | null;
  Object.setPrototypeOf(constructor, function () {
    return object;
  });
  try {
    return Reflect.construct(constructor, anyArguments) as object;
  } finally {
    Object.setPrototypeOf(constructor, heritage);
  }
}

function setFields(levels: readonly PrivateLevel[], object: object, fields: PrivateFields): void {
  const left = [...fields];
  for (const { set } of levels) {
    // Base classes first, as the sender lists them: a base and a derived class may both have a `#name`.
    set?.(object, (name) => {
      const i = left.findIndex(([other]) => other === name);
      return i < 0 ? undefined : { value: left.splice(i, 1)[0]![1] };
    });
  }
  if (left.length > 0) throw new InternalError(`No class has the private field #${left[0]![0]}.`);
}

/** The private fields of an instance of rebuilt classes, without the inspector. Undefined when there are none. */
export function readPrivateFields(instance: object): PrivateFields | undefined {
  const levels = levelsOf(Object.getPrototypeOf(instance) as object);
  return levels.length === 0 ? undefined : levels.flatMap(({ get }) => get?.(instance) ?? []);
}
