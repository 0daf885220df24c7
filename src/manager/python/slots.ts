/** So many at a time; the others wait in line. */
export class Slots {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
  }

  giveBack(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  async run<T>(body: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      return await body();
    } finally {
      this.giveBack();
    }
  }
}
