import { show } from '../arguments.ts';
import { ArgumentTypeError } from '../errors.ts';

/** The typed arrays of what the elements of shared memory can be; Python's codes for the same (`l` is C's long of 64 bits). */
export interface ElementArrays {
  i8: Int8Array;
  u8: Uint8Array;
  i16: Int16Array;
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
  i64: BigInt64Array;
  u64: BigUint64Array;
  f32: Float32Array;
  f64: Float64Array;
  b: Int8Array;
  B: Uint8Array;
  c: Uint8Array;
  h: Int16Array;
  H: Uint16Array;
  i: Int32Array;
  I: Uint32Array;
  l: BigInt64Array;
  L: BigUint64Array;
  q: BigInt64Array;
  Q: BigUint64Array;
  f: Float32Array;
  d: Float64Array;
}

/** The type of an element: `i32`, `f64` and so on, or one of Python's codes. */
export type TypeCode = keyof ElementArrays;

/** The typed array over elements of a type. */
export type ArrayOf<C extends TypeCode> = ElementArrays[C];

/** An element of a type: a bigint for 64 bits, else a number. */
export type ElementOf<C extends TypeCode> = ElementArrays[C][number];

interface Constructor<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A;
}

const constructors: { readonly [C in TypeCode]: Constructor<ElementArrays[C]> } = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
  b: Int8Array,
  B: Uint8Array,
  c: Uint8Array,
  h: Int16Array,
  H: Uint16Array,
  i: Int32Array,
  I: Uint32Array,
  l: BigInt64Array,
  L: BigUint64Array,
  q: BigInt64Array,
  Q: BigUint64Array,
  f: Float32Array,
  d: Float64Array,
};

/** @throws ArgumentTypeError for a code that is none. */
export function constructorOf<C extends TypeCode>(code: C): Constructor<ElementArrays[C]> {
  if (typeof code === 'string' && Object.hasOwn(constructors, code)) return constructors[code];
  throw new ArgumentTypeError(
    `Cannot use type ${show(code)}: expected one of ${Object.keys(constructors).join(', ')}.`,
  );
}
