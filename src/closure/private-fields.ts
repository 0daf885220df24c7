import { InternalError } from '../errors.ts';
import type { PrivateFields } from '../wire/forms.ts';
import { anyArguments } from './anything.ts';
import { type Callable, type PrivateTools, registry } from './registry.ts';

/**
 * Bare instances of classes that came by value. Private fields are put on an object only by the class's own construction,
 * so that is what runs, with the initialisers and the constructor switched off (`PrivateTools.on`): for a base class its
 * constructor; for a derived one a construction whose `super()` returns the object that is being equipped.
 */

interface Level {
  readonly constructor: Callable;
  readonly tools: PrivateTools;
  readonly derived: boolean;
}

/** The classes of a prototype chain that have private members, base first. */
function levelsOf(prototype: object): Level[] {
  const levels: Level[] = [];
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof constructor !== 'function') continue;
    const received = registry.received.get(constructor);
    if (received?.tools.set === undefined) continue;
    levels.unshift({ constructor: constructor as Callable, tools: received.tools, derived: received.code['derived'] === true });
  }
  return levels;
}

/** An object of the given prototype that has the private members of its classes; their values come afterwards. */
export function bareInstance(prototype: object): { readonly value: object; fill(fields: PrivateFields): void } {
  const levels = levelsOf(prototype);
  let object: object | undefined;
  for (const level of levels) {
    if (level.derived) object = equip(level, object ?? (Object.create(prototype) as object));
    else object = build(level, prototype);
  }
  const value = object ?? (Object.create(prototype) as object);
  return { value, fill: (fields) => setFields(levels, value, fields) };
}

function build(level: Level, prototype: object): object {
  // A plain function as the target's `new.target` would do, but its `prototype` has to be the one that is asked for.
  const target = function () {};
  target.prototype = prototype;
  return construct(level, level.constructor, target);
}

function equip(level: Level, object: object): object {
  const { constructor } = level;
  const heritage = Object.getPrototypeOf(constructor) as object | null;
  Object.setPrototypeOf(constructor, function () {
    return object;
  });
  try {
    return construct(level, constructor, constructor);
  } finally {
    Object.setPrototypeOf(constructor, heritage);
  }
}

function construct({ tools }: Level, constructor: Callable, target: Callable): object {
  tools.on = true;
  try {
    const object = Reflect.construct(constructor, anyArguments, target) as object;
    // Public fields were defined along the way; the sender's own ones come as properties.
    for (const key of Reflect.ownKeys(object)) Reflect.deleteProperty(object, key);
    return object;
  } finally {
    tools.on = false;
  }
}

function setFields(levels: readonly Level[], object: object, fields: PrivateFields): void {
  const left = [...fields];
  for (const { tools } of levels) {
    // Base classes first, as the sender lists them: a base and a derived class may both have a `#name`.
    tools.set?.(object, (name) => {
      const i = left.findIndex(([other]) => other === name);
      return i < 0 ? undefined : { value: left.splice(i, 1)[0]![1] };
    });
  }
  if (left.length > 0) throw new InternalError(`No class has the private field #${left[0]![0]}.`);
}

/** The private fields of an instance of received classes, without the inspector. Undefined when there are none. */
export function readPrivateFields(instance: object): PrivateFields | undefined {
  const levels = levelsOf(Object.getPrototypeOf(instance) as object);
  const fields = levels.flatMap(({ tools }) => tools.get?.(instance) ?? []);
  return levels.length === 0 ? undefined : fields;
}
