import { ArgumentRangeError, ArgumentTypeError } from '../../errors.ts';
import { type MethodCall, notYet, unlessRaised } from './method-call.ts';
import type { Methods } from './methods.ts';
import { PythonSlice } from './token.ts';

const all = new PythonSlice();

/** A method of another name; what it gives is nothing. */
function does(method: string) {
  return async (on: MethodCall, ...args: readonly unknown[]): Promise<void> => {
    await on.ask(method, ...args);
  };
}

/** A method of another name, and what it gives. */
function gives(method: string) {
  return (on: MethodCall, ...args: readonly unknown[]): Promise<unknown> => on.ask(method, ...args);
}

/** Whether it was there to be removed. */
async function removes(on: MethodCall, method: string, key: unknown): Promise<boolean> {
  return (await unlessRaised(on.ask(method, key), 'KeyError', 'AttributeError')) !== notYet;
}

export const list: Methods = {
  get: gives('__getitem__'),
  set: does('__setitem__'),
  append: (on, ...items) => (items.length === 1 ? does('append')(on, items[0]) : does('extend')(on, items)),
  extend: does('extend'),
  insert: does('insert'),
  pop: (on, index = -1) => on.ask('pop', index),
  delete: does('__delitem__'),
  remove: does('remove'),
  index: gives('index'),
  includes: gives('__contains__'),
  count: gives('count'),
  reverse: does('reverse'),
  async sort(on, reverse = false, compare) {
    if (compare !== undefined)
      throw new ArgumentTypeError(
        'Cannot sort by a function of JavaScript in a Python server: sort a copy, and set it.',
      );
    await on.askNamed('sort', { reverse });
  },
  clear: (on) => does('__delitem__')(on, all),
  length: gives('__len__'),
  slice: (on, start, end) => on.ask('__getitem__', new PythonSlice(start, end)),
  concat: gives('__add__'),
  repeat: gives('__mul__'),
  value: (on) => on.ask('__getitem__', all),
};

async function pairsOf(on: MethodCall): Promise<[unknown, unknown][]> {
  return (await on.ask('items')) as [unknown, unknown][];
}

export const dict: Methods = {
  async get(on, key, ...fallback) {
    const found = await on.ask('get', key, ...fallback);
    return fallback.length > 0 ? found : (found ?? undefined);
  },
  set: does('__setitem__'),
  has: gives('__contains__'),
  delete: (on, key) => removes(on, '__delitem__', key),
  assign: does('update'),
  pop: gives('pop'),
  popItem: gives('popitem'),
  setDefault: gives('setdefault'),
  keys: gives('keys'),
  values: gives('values'),
  items: gives('items'),
  clear: does('clear'),
  size: gives('__len__'),
  async union(on, other) {
    const entries = other instanceof Map || Array.isArray(other) ? other : Object.entries(other as object);
    return new Map([...(await pairsOf(on)), ...(entries as Iterable<[unknown, unknown]>)]);
  },
  value: async (on) => new Map(await pairsOf(on)),
  /** For iterations: all of it at once, as Python has no pages. */
  page: async (on, at) => (at === 0 ? [0, ...(await pairsOf(on))] : [0]),
};

export const set: Methods = {
  async add(on, ...items) {
    await Promise.all(items.map((item) => on.ask('add', item)));
  },
  delete: (on, item) => removes(on, 'remove', item),
  has: gives('__contains__'),
  pop: gives('pop'),
  clear: does('clear'),
  size: gives('__len__'),
  update: does('update'),
  union: gives('union'),
  intersection: gives('intersection'),
  difference: gives('difference'),
  symmetricDifference: gives('symmetric_difference'),
  isSubsetOf: gives('issubset'),
  isSupersetOf: gives('issuperset'),
  isDisjointFrom: gives('isdisjoint'),
  value: gives('copy'),
};

/** Python keeps names that begin with `_` to itself. */
function attribute(name: unknown): string {
  if (typeof name === 'string' && /^[^_]/.test(name)) return name;
  throw new ArgumentRangeError(
    `Cannot use ${JSON.stringify(name)} as a name: it must not be empty nor begin with "_".`,
  );
}

async function attributeOf(on: MethodCall, name: unknown): Promise<unknown> {
  return unlessRaised(on.ask('__getattribute__', attribute(name)), 'AttributeError');
}

export const namespace: Methods = {
  async get(on, name) {
    const value = await attributeOf(on, name);
    return value === notYet ? undefined : value;
  },
  set: async (on, name, value) => does('__setattr__')(on, attribute(name), value),
  has: async (on, name) => (await attributeOf(on, name)) !== notYet,
  delete: async (on, name) => removes(on, '__delattr__', attribute(name)),
  items: async (on) => Object.entries((await on.ask('#GETVALUE')) as object),
};

export const value: Methods = { get: gives('get'), set: does('set') };

export const array: Methods = {
  get: gives('__getitem__'),
  set: does('__setitem__'),
  length: gives('__len__'),
  slice: (on, start, end) => on.ask('__getitem__', new PythonSlice(start, end)),
  value: (on) => on.ask('__getitem__', all),
};
