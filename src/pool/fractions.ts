/** How far the running items of a call are, as their tasks told: what a progress bar adds to the items that are done. */
export class Fractions {
  readonly #bar: { fraction: number };
  readonly #running = new Map<number, number>();

  constructor(bar: { fraction: number }) {
    this.#bar = bar;
  }

  report(index: number, done: number, total: number | undefined): void {
    if (total === undefined || !(total > 0)) return;
    const fraction = Math.min(1, Math.max(0, done / total));
    this.#bar.fraction += fraction - (this.#running.get(index) ?? 0);
    this.#running.set(index, fraction);
  }

  /** The item is done and counts as a whole. */
  settle(index: number): void {
    const fraction = this.#running.get(index);
    if (fraction === undefined) return;
    this.#running.delete(index);
    this.#bar.fraction -= fraction;
  }

  get size(): number {
    return this.#running.size;
  }
}
