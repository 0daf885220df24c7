const none: readonly string[] = [];

/** A container that is being read. It is in its parent before anything is in it, as nothing of it is looked at. */
export class Filling {
  tag = 0;
  target: unknown;
  /** How much of it there is, and how much there will be: entries, or, while a shape is read, keys. */
  at = 0;
  count = 0;
  /** Of a record. */
  keys: readonly string[] = none;
  /** A plain object inherits some of them. */
  unsafe = false;
  /** Of a shape that is being read. */
  newKeys: Set<string> | undefined;
  /** Of a map: the key whose value is next. */
  key: unknown;
  hasKey = false;
  /** It is so large that it may matter how long it takes. */
  isTimed = false;

  /** It will be used again, and keeps nothing until then. */
  clear(): void {
    this.target = this.key = this.newKeys = undefined;
    this.keys = none;
    this.unsafe = this.hasKey = this.isTimed = false;
  }
}
