/** A queue with two ends on two stacks: `#front` is reversed. All is O(1), whatever the length. */
export class Deque<T> {
  #front: T[] = [];
  #back: T[] = [];
  #head = 0;

  get length(): number {
    return this.#front.length + this.#back.length - this.#head;
  }

  first(): T | undefined {
    return this.#front.at(-1) ?? this.#back[this.#head];
  }

  last(): T | undefined {
    return this.#back.length > this.#head ? this.#back.at(-1) : this.#front[0];
  }

  push(item: T): void {
    this.#back.push(item);
  }

  unshift(item: T): void {
    this.#front.push(item);
  }

  shift(): void {
    if (this.#front.length > 0) {
      this.#front.pop();
      return;
    }
    this.#head++;
    // Half of the array being spent, it is cut: each item is moved at most once on average.
    if (this.#head * 2 > this.#back.length) {
      this.#back = this.#back.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Puts an item behind another one. */
  insertAfter(item: T, next: T): void {
    const inFront = this.#front.lastIndexOf(item);
    if (inFront >= 0) this.#front.splice(inFront, 0, next);
    else this.#back.splice(this.#back.indexOf(item, this.#head) + 1, 0, next);
  }

  all(): T[] {
    return [...this.#front.toReversed(), ...this.#back.slice(this.#head)];
  }

  retain(keep: (item: T) => boolean): void {
    this.#back = this.all().filter(keep);
    this.#front = [];
    this.#head = 0;
  }
}
