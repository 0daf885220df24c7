interface Members<K> {
  readonly size: number;
  keys(): IterableIterator<K>;
  has(key: K): boolean;
}

/**
 * The first of a Map's keys or a Set's members. A new iterator goes past all places that are empty by then: taken from the front
 * one by one, they would cost time with the square of their number. Who was first, is removed and comes back is the first again.
 */
export class Front<K> {
  readonly #members: Members<K>;
  #order: IterableIterator<K>;
  #first: K | undefined;
  #isKnown = false;

  constructor(members: Members<K>) {
    this.#members = members;
    this.#order = members.keys();
  }

  get(): K | undefined {
    if (this.#members.size === 0) return undefined;
    while (!this.#isKnown || !this.#members.has(this.#first as K)) {
      const { done = false, value } = this.#order.next();
      // An iterator that has come to the end stays there.
      if (done) this.#order = this.#members.keys();
      else this.#first = value;
      this.#isKnown = !done;
    }
    return this.#first;
  }
}
