/**
 * The first byte of every value on the wire. A value is a tag, a head that suffices to make the thing, and a body that fills
 * it. The body follows at once, or, after `later`, at the end of the message in the order in which the heads came: so no
 * graph is too deep, and cycles through functions and classes need no special case.
 */
export const Tag = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  int: 4,
  negative: 5,
  double: 6,
  string: 7,
  bigint: 8,
  symbol: 9,
  registeredSymbol: 10,
  wellKnownSymbol: 11,
  back: 12,
  later: 13,
  array: 14,
  ints: 15,
  doubles: 16,
  sparse: 17,
  shape: 18,
  record: 19,
  exact: 20,
  instance: 21,
  map: 22,
  set: 23,
  date: 24,
  regexp: 25,
  error: 26,
  bytes: 27,
  attachment: 28,
  view: 29,
  boxed: 30,
  url: 31,
  searchParams: 32,
  prototypeOf: 33,
  reference: 34,
  identity: 35,
  bound: 36,
  function: 37,
  hole: 38,
} as const;

/** Constructors of views over an ArrayBuffer, by their number on the wire. */
export const viewNames = [
  'Buffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const;

export const wellKnownSymbols: readonly symbol[] = [
  Symbol.iterator,
  Symbol.asyncIterator,
  Symbol.hasInstance,
  Symbol.isConcatSpreadable,
  Symbol.match,
  Symbol.matchAll,
  Symbol.replace,
  Symbol.search,
  Symbol.species,
  Symbol.split,
  Symbol.toPrimitive,
  Symbol.toStringTag,
  Symbol.unscopables,
];

/** Native errors that are revived with their own class. */
export const nativeErrors: readonly ErrorConstructor[] = [
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError as unknown as ErrorConstructor,
];
