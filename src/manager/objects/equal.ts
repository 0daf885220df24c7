import { Foreign, Managed } from '../managed.ts';
import { Packed } from '../packed.ts';

/** Which objects were found, or are taken, to be equal: trees whose roots stand for all in them. */
class Classes {
  readonly #above = new Map<object, object>();

  root(of: object): object {
    let root = of;
    for (let above = this.#above.get(root); above !== undefined; above = this.#above.get(root)) root = above;
    for (let at = of; at !== root;) {
      const above = this.#above.get(at)!;
      this.#above.set(at, root);
      at = above;
    }
    return root;
  }

  /** False when they were together already. */
  join(a: object, b: object): boolean {
    const [first, second] = [this.root(a), this.root(b)];
    if (first !== second) this.#above.set(first, second);
    return first !== second;
  }
}

/**
 * Whether two pieces of data have the same contents. What is shared within them is looked at once, however many ways lead to
 * it, and so are cycles: each pair that is compared joins two classes, of which there are as many as objects. Members of sets and
 * keys of maps that are objects themselves are compared in their order.
 */
export function equal(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return Object.is(a, b);
  const classes = new Classes();
  const left: unknown[] = [a, b];
  while (left.length > 0) {
    const second = left.pop();
    const first = left.pop();
    if (!isObject(first) || !isObject(second)) {
      if (!Object.is(first, second)) return false;
    } else if (classes.join(first, second) && !alike(first, second, left)) return false;
  }
  return true;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Compares all but the objects in them, which are left to be compared, in pairs. */
function alike(a: object, b: object, left: unknown[]): boolean {
  if (a instanceof Managed || b instanceof Managed) return a === b;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (Array.isArray(a)) return inOrder(a, b as unknown[], left);
  if (a instanceof Map) return mapsAlike(a, b as typeof a, left);
  if (a instanceof Set) return setsAlike(a, b as typeof a, left);
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof ArrayBuffer) return Buffer.from(a).equals(Buffer.from(b as ArrayBuffer));
  if (ArrayBuffer.isView(a)) return bytesOf(a).equals(bytesOf(b as ArrayBufferView));
  if (a instanceof Packed)
    return a.bytes.equals((b as Packed).bytes) && inOrder(a.references, (b as Packed).references, left);
  if (a instanceof Foreign) return left.push(a.state, (b as Foreign).state) > 0;
  if (a instanceof Error && (a.message !== (b as Error).message || a.name !== (b as Error).name)) return false;
  return recordsAlike(a as Fields, b as Fields, left);
}

type Fields = Readonly<Record<string, unknown>>;

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function inOrder(a: readonly unknown[], b: readonly unknown[], left: unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!couldBe(a[i], b[i], left)) return false;
  return true;
}

/** What is no object is compared at once: most lists differ early. */
function couldBe(a: unknown, b: unknown, left: unknown[]): boolean {
  if (isObject(a) && isObject(b)) return left.push(a, b) > 0;
  return Object.is(a, b);
}

/** Of an error, its texts are compared elsewhere; where it was thrown does not matter. */
function recordsAlike(a: Fields, b: Fields, left: unknown[]): boolean {
  const keys = Object.getOwnPropertyNames(a).filter((key) => !(a instanceof Error) || !errorTexts.has(key));
  const others = Object.getOwnPropertyNames(b).filter((key) => !(b instanceof Error) || !errorTexts.has(key));
  return keys.length === others.length && keys.every((key) => Object.hasOwn(b, key) && couldBe(a[key], b[key], left));
}

const errorTexts = new Set(['message', 'name', 'stack']);

function mapsAlike(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>, left: unknown[]): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    if (!isObject(key) && !(b.has(key) && couldBe(value, b.get(key), left))) return false;
  }
  const objects = (map: typeof a): unknown[] => [...map].filter(([key]) => isObject(key)).flat();
  return inOrder(objects(a), objects(b), left);
}

function setsAlike(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>, left: unknown[]): boolean {
  if (a.size !== b.size) return false;
  for (const member of a) if (!isObject(member) && !b.has(member)) return false;
  return inOrder([...a].filter(isObject), [...b].filter(isObject), left);
}
