import { show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';

/** Atomic steps on an element of any type; those of floating point numbers go by their bits. */

type IntegerArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
export type ElementArray = IntegerArray | Float32Array | Float64Array;
type Element = number | bigint;

/** Sets an element to what `change` makes of it; tells what it was. */
export function update(array: ElementArray, index: number, change: (value: Element) => Element): Element {
  for (;;) {
    const before = load(array, index);
    if (Object.is(compareExchange(array, index, before, change(before)), before)) return before;
  }
}

export function load(array: ElementArray, index: number): Element {
  if (array instanceof Float64Array || array instanceof Float32Array) return floating(bitsOf(array), index);
  return Atomics.load(array as Int32Array, index);
}

/** Atomics would make another number of what an element cannot hold. What is too large wraps around, as in C. */
function check(array: ElementArray, value: unknown): void {
  const isFloat = array instanceof Float64Array || array instanceof Float32Array;
  const isBig = array instanceof BigInt64Array || array instanceof BigUint64Array;
  if (isBig ? typeof value === 'bigint' : isFloat ? typeof value === 'number' : Number.isInteger(value)) return;
  const holds = isBig ? 'bigints, such as 5n' : isFloat ? 'numbers' : 'whole numbers';
  throw new ArgumentTypeError(`Cannot use ${show(value)}: this type holds ${holds}.`);
}

/** The same for many. Numbers of another typed array are converted, as everywhere. */
export function checkAll(array: ElementArray, values: ArrayLike<unknown>): void {
  const converts = ArrayBuffer.isView(values) && typeof values[0] === typeof array[0];
  if (!converts) for (let i = 0; i < values.length; i++) check(array, values[i]);
}

export function store(array: ElementArray, index: number, value: Element): void {
  check(array, value);
  if (array instanceof Float64Array || array instanceof Float32Array)
    Atomics.store(bitsOf(array) as Int32Array, index, bits(array, value as number) as number);
  else Atomics.store(array as Int32Array, index, value as number);
}

/** Adds to an element; tells what it was. */
export function add(array: ElementArray, index: number, value: Element): Element {
  check(array, value);
  if (array instanceof Float64Array || array instanceof Float32Array)
    return update(array, index, (before) => (before as number) + (value as number));
  return Atomics.add(array as Int32Array, index, value as number);
}

/** Sets an element; tells what it was. */
export function exchange(array: ElementArray, index: number, value: Element): Element {
  check(array, value);
  if (!(array instanceof Float64Array || array instanceof Float32Array))
    return Atomics.exchange(array as Int32Array, index, value as number);
  const ints = bitsOf(array);
  return floatOf(ints, Atomics.exchange(ints as Int32Array, index, bits(array, value as number) as number));
}

/** Sets an element if it is `expected`; tells what it was. */
export function compareExchange(array: ElementArray, index: number, expected: Element, value: Element): Element {
  check(array, expected);
  check(array, value);
  if (!(array instanceof Float64Array || array instanceof Float32Array))
    return Atomics.compareExchange(array as Int32Array, index, expected as number, value as number);
  const ints = bitsOf(array);
  const was = Atomics.compareExchange(
    ints as Int32Array,
    index,
    bits(array, expected as number) as number,
    bits(array, value as number) as number,
  );
  return floatOf(ints, was);
}

type Bits = Int32Array | BigInt64Array;

function bitsOf(array: Float32Array | Float64Array): Bits {
  return array instanceof Float64Array
    ? new BigInt64Array(array.buffer, array.byteOffset, array.length)
    : new Int32Array(array.buffer, array.byteOffset, array.length);
}

const double = new Float64Array(1);
const doubleBits = new BigInt64Array(double.buffer);
const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);

function bits(array: Float32Array | Float64Array, value: number): Element {
  if (array instanceof Float64Array) {
    double[0] = value;
    return doubleBits[0]!;
  }
  single[0] = value;
  return singleBits[0]!;
}

function floating(ints: Bits, index: number): number {
  return floatOf(ints, Atomics.load(ints as Int32Array, index));
}

function floatOf(ints: Bits, word: Element): number {
  if (ints instanceof BigInt64Array) {
    doubleBits[0] = word as bigint;
    return double[0]!;
  }
  singleBits[0] = word as number;
  return single[0]!;
}
