/** A container that is being read. It is in its parent before anything is in it, as nothing of it is looked at. */
export class Filling {
  tag = 0;
  target: unknown;
  keys: readonly string[] = [];
  /** Some of its keys a plain object inherits. */
  unsafe = false;
  /** How much of it there is, and how much there will be: entries, or, while a shape is read, keys. */
  at = 0;
  count = 0;
  /** Of a map: the key whose value is next. */
  key: unknown;
  hasKey = false;
  /** It is so large that it may matter how long it takes. */
  isTimed = false;
}
