/**
 * The first byte of every value in the data-only format: what may come from the network. It is closed: no functions, no
 * classes, no accessors, no patterns. `special` is what the layer above adds (references to shared objects).
 */
export const DataTag = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  int: 4,
  negative: 5,
  double: 6,
  string: 7,
  bigint: 8,
  back: 9,
  array: 10,
  numbers: 11,
  shape: 12,
  record: 13,
  map: 14,
  set: 15,
  date: 16,
  buffer: 17,
  view: 18,
  error: 19,
  special: 20,
} as const;
