/** What is held: it is given back by `release()`, or at the end of the scope by `using` or `await using`. */
export class Guard implements Disposable, AsyncDisposable {
  /** Whether who held it before died with it: what it protects may be half done. */
  readonly ownerDied: boolean;
  #held: { release(): void } | undefined;

  /** Made by `acquire` and `acquireSync`. */
  constructor(held: { release(): void }, ownerDied: boolean) {
    this.#held = held;
    this.ownerDied = ownerDied;
  }

  /** Gives it back, once: further calls do nothing. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }
}
