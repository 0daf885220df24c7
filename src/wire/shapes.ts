/** What the encoder asks about objects before it decides how to write them. */

/** Whether a prototype is that of the same built-in class in another realm, such as a `vm` context: it arrives as ours. */
export function isTwin(prototype: object, usual: object): boolean {
  const theirs: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return (
    typeof theirs === 'function' &&
    theirs.prototype === prototype &&
    theirs.name === usual.constructor.name &&
    Function.prototype.toString.call(theirs).endsWith('{ [native code] }')
  );
}

/** Whether the enumerable string keys are all that an object has, and it is not frozen, sealed or closed. */
export function hasOnly(value: object, keys: readonly string[]): boolean {
  return (
    Object.getOwnPropertyNames(value).length === keys.length &&
    Object.getOwnPropertySymbols(value).length === 0 &&
    Object.isExtensible(value)
  );
}

export function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function hasAccessor(value: object, keys: readonly string[]): boolean {
  return keys.some((key) => !('value' in Object.getOwnPropertyDescriptor(value, key)!));
}

/** How an array can be packed: all small integers, all numbers, with holes, or nothing special. */
export function packing(value: readonly unknown[]): 'ints' | 'doubles' | 'sparse' | 'mixed' {
  const { length } = value;
  let ints = length > 1;
  let numbers = ints;
  for (let i = 0; i < length; i++) {
    const item = value[i];
    if (item === undefined && !(i in value)) return 'sparse';
    if (!numbers) continue;
    if (typeof item !== 'number') numbers = ints = false;
    else if (ints && (item !== (item | 0) || Object.is(item, -0))) ints = false;
  }
  return ints ? 'ints' : numbers ? 'doubles' : 'mixed';
}
