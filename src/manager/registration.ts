import { ArgumentRangeError, ArgumentTypeError, ObjectGoneError } from '../errors.ts';
import { isThenable } from '../thenable.ts';
import { builtinTypes } from './objects/index.ts';
import { userKind } from './proxy-maker.ts';
import type { Method, ObjectType } from './types.ts';

/** A name that servers and clients agree on, and what is behind it. */
export interface Registration {
  readonly name: string;
  readonly create: ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown) | undefined;
  readonly exposed: readonly string[] | undefined;
  readonly results: Readonly<Record<string, string>> | undefined;
  readonly type: string | undefined;
  readonly shared: boolean;
}

const registrations = new WeakMap<object, ReadonlyMap<string, Registration>>();

/** What a class has registered, or the nearest one that it extends. */
export function registered(of: unknown): ReadonlyMap<string, Registration> {
  for (let at = of; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const found = registrations.get(at);
    if (found !== undefined) return found;
  }
  return new Map();
}

/** For a class and those that extend it afterwards. */
export function addRegistration(of: object, registration: Registration): void {
  registrations.set(of, new Map([...registered(of), [registration.name, registration]]));
}

/** The type that a server makes of a registration. */
export function typeFrom(registration: Registration): ObjectType {
  const { name, type, results = {}, shared } = registration;
  const base = type === undefined ? undefined : builtinTypes.get(type);
  if (type !== undefined && base === undefined)
    throw new ArgumentRangeError(`Cannot register ${name} as ${type}: there is no such type.`);
  const make = makerOf(registration, base);
  return {
    name,
    proxy: base?.proxy ?? userKind,
    create: shared ? once(make) : make,
    adopt: base === undefined ? (made) => targetOf(made, name) : base.adopt,
    methodsOf: base === undefined ? userMethods(registration.exposed) : base.methodsOf,
    results: new Map([...(base?.results ?? []), ...Object.entries(results)]),
    isUsers: base === undefined,
  };
}

/** One for all. What could not be made is made anew for who asks next. */
function once(make: ObjectType['create']): ObjectType['create'] {
  let only: unknown;
  return (call, ...args) => {
    if (only !== undefined) return only;
    const made = make(call, ...args);
    only = made;
    if (isThenable(made)) made.then(undefined, () => (only = undefined));
    return made;
  };
}

function makerOf({ name, create }: Registration, base: ObjectType | undefined): ObjectType['create'] {
  if (create === undefined) {
    if (base !== undefined) return base.create;
    return () => {
      throw new ArgumentTypeError(
        `The server knows nothing of ${name} but its name: register it there with \`create\`.`,
      );
    };
  }
  const isClass = Object.getOwnPropertyDescriptor(create, 'prototype')?.writable === false;
  return (call, ...args) => {
    const made = isClass
      ? Reflect.construct(create as unknown as new () => unknown, args)
      : (create as (...args: unknown[]) => unknown)(...args);
    if (base === undefined) return made;
    return isThenable(made) ? made.then((value) => base.adopt(value, call)) : base.adopt(made, call);
  };
}

function targetOf(value: unknown, type: string): object {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return value;
  throw new ObjectGoneError(`Cannot share what makes a ${type}: it gave ${typeof value}, which is no object.`);
}

/** What it says of itself, and nothing of what is in it: that is not exposed. */
function textOf(target: object): string {
  const { toString } = target;
  if (typeof toString === 'function' && toString !== Object.prototype.toString && typeof target !== 'function')
    return String(toString.call(target));
  const prototype = Object.getPrototypeOf(target) as object | null;
  const constructor: unknown = prototype === null ? undefined : Reflect.get(prototype, 'constructor');
  return `<${typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object'}>`;
}

const notExposed = new Set([...Object.getOwnPropertyNames(Object.prototype), 'then']);

/** The methods of a user's object that are exposed; a table of its own, so that no inherited name is found by chance. */
function userMethods(exposed: readonly string[] | undefined): ObjectType['methodsOf'] {
  const tables = new WeakMap<object, ReadonlyMap<string, Method>>();
  return (target) => {
    let table = tables.get(target);
    if (table === undefined) tables.set(target, (table = tableOf(target, exposed)));
    return table;
  };
}

function tableOf(target: object, exposed: readonly string[] | undefined): ReadonlyMap<string, Method> {
  const table = new Map<string, Method>([['str', () => textOf(target)]]);
  for (
    let at: object | null = target;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const isExposed = exposed === undefined ? !name.startsWith('_') : exposed.includes(name);
      if (!isExposed || notExposed.has(name) || (table.has(name) && name !== 'str')) continue;
      const value: unknown = Object.getOwnPropertyDescriptor(at, name)?.value;
      if (typeof value !== 'function') continue;
      table.set(name, function (this: object, _call, ...args) {
        return (value as (...args: unknown[]) => unknown).apply(this, args);
      });
    }
  }
  return table;
}
