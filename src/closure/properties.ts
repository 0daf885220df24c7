import { types } from 'node:util';
import type { OwnProperty } from '../wire/forms.ts';
import type { Callable } from './registry.ts';
import { textOf } from './source.ts';

/** What a function or class owns beyond what its text gives it. */

const usual = new Set<string | symbol>(['length', 'name', 'prototype', 'arguments', 'caller']);
/** Methods that are known to be those of their class's text. */
const textual = new WeakMap<object, string>();

/** `name` is what the rebuilt function will be called. */
export function ownProperties(fn: Callable, name: string, isClass: boolean): OwnProperty[] {
  const properties: OwnProperty[] = [];
  for (const key of Reflect.ownKeys(fn)) {
    const descriptor = Object.getOwnPropertyDescriptor(fn, key)!;
    if (usual.has(key) && descriptor.enumerable !== true && !(key === 'name' && nameOf(fn) !== name)) continue;
    if (isClass && isOfText(fn, key, descriptor)) continue;
    properties.push({ key, descriptor });
  }
  return properties;
}

/** The name of a function, where that is no method or accessor of a class. */
export function nameOf(fn: Callable): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' ? name : '';
}

/** Whether a function's `prototype`, if it has one, is as it was made. */
export function hasBarePrototype(fn: Callable): boolean {
  const prototype = prototypeOf(fn);
  if (prototype === undefined) return true;
  return (
    Reflect.ownKeys(prototype).length === 1 && isObjectPrototype(Object.getPrototypeOf(prototype) as object | null)
  );
}

const none: readonly OwnProperty[] = [];

export function prototypeProperties(fn: Callable, isClass: boolean): readonly OwnProperty[] | undefined {
  const prototype = prototypeOf(fn);
  if (prototype === undefined) return undefined;
  const keys = Reflect.ownKeys(prototype);
  if (keys.length === 1 && keys[0] === 'constructor') return none;
  const properties: OwnProperty[] = [];
  for (const key of keys) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key)!;
    if (key === 'constructor' && descriptor.value === fn) continue;
    if (isClass && isOfText(fn, key, descriptor)) continue;
    properties.push({ key, descriptor });
  }
  return properties;
}

/** What the prototype inherits from, for old-style constructors that were given a base. */
export function prototypeParent(fn: Callable): object | undefined {
  const prototype = prototypeOf(fn);
  if (prototype === undefined) return undefined;
  const parent = Object.getPrototypeOf(prototype) as object | null;
  return parent === null || isObjectPrototype(parent) ? undefined : parent;
}

/** Also that of another realm (jest, node:vm), which is the receiver's own there. */
function isObjectPrototype(object: object | null): boolean {
  if (object === Object.prototype) return true;
  if (object === null || Object.getPrototypeOf(object) !== null) return false;
  const constructor: unknown = Object.getOwnPropertyDescriptor(object, 'constructor')?.value;
  return typeof constructor === 'function' && constructor.name === 'Object' && isNative(constructor);
}

/** What a function itself inherits from when that is not the default: the base's statics, where one old-style constructor extends another. */
export function functionParent(fn: Callable): object | undefined {
  const parent = Object.getPrototypeOf(fn) as object | null;
  if (parent === null || parent === Function.prototype) return undefined;
  if (types.isAsyncFunction(fn) || types.isGeneratorFunction(fn)) return undefined;
  // `Function.prototype` of another realm: a native function that constructs nothing.
  const isUsual = typeof parent === 'function' && !Object.hasOwn(parent, 'prototype') && isNative(parent);
  return isUsual ? undefined : parent;
}

function isNative(fn: object): boolean {
  return textOf(fn).endsWith('{ [native code] }');
}

/**
 * Whether a function is an old-style class: one function for it in each place, and its instances are of that one. Not where its
 * methods cannot be defined anew, since what those captured is renewed with each message.
 */
export function isConstructor(fn: Callable): boolean {
  const prototype = prototypeOf(fn);
  if (prototype === undefined || hasBarePrototype(fn)) return false;
  return Reflect.ownKeys(prototype).every(
    (key) => key === 'constructor' || Object.getOwnPropertyDescriptor(prototype, key)!.configurable === true,
  );
}

function prototypeOf(fn: Callable): object | undefined {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  if (typeof prototype !== 'object' || prototype === null || types.isGeneratorFunction(fn)) return undefined;
  return prototype;
}

/** Whether a member of a class is the one that its text defines, and not one that was put there (by a decorator). */
function isOfText(owner: Callable, key: string | symbol, { value, get, set, enumerable }: PropertyDescriptor): boolean {
  // A static field, whose value travels.
  if (enumerable === true) return false;
  const functions = [value, get, set].filter((one) => one !== undefined);
  return (
    functions.length > 0 &&
    functions.every((one) => typeof one === 'function' && isMethodOf(owner, key, one as Callable))
  );
}

/** Whether a method that is found under `key` is the one that the class's text defines there, and no other name for it. */
export function isMethodOf(owner: Callable, key: string | symbol, method: Callable): boolean {
  const called = typeof key === 'string' ? key : key.description === undefined ? '' : `[${key.description}]`;
  const name = nameOf(method);
  if (name !== called && name !== `get ${called}` && name !== `set ${called}`) return false;
  const text = textOf(owner);
  if (textual.get(method) === text) return true;
  const own = textOf(method);
  // Methods have no prototype.
  if (Object.hasOwn(method, 'prototype') && !types.isGeneratorFunction(method)) return false;
  if (!text.includes(own)) return false;
  textual.set(method, text);
  return true;
}
