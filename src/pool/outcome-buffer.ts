export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Error };

/** Below this many the ready ones are not moved. */
const fewTaken = 256;

/** The outcomes of a stream that its consumer has not taken: in the order of the inputs, or as they come. */
export class OutcomeBuffer {
  readonly #ordered: boolean;
  readonly #skipErrors: boolean;
  readonly #byIndex = new Map<number, Outcome>();
  #ready: Outcome[] = [];
  #head = 0;
  #taken = 0;

  constructor({ ordered, skipErrors }: { readonly ordered: boolean; readonly skipErrors: boolean }) {
    this.#ordered = ordered;
    this.#skipErrors = skipErrors;
  }

  /** How many were taken, with errors that were skipped. */
  get taken(): number {
    return this.#taken;
  }

  add(index: number, outcome: Outcome): void {
    if (this.#ordered) this.#byIndex.set(index, outcome);
    else this.#ready.push(outcome);
  }

  /** The outcome whose turn it is. */
  take(): Outcome | undefined {
    for (;;) {
      const outcome = this.#ordered ? this.#takeNext() : this.#shift();
      if (outcome === undefined) return undefined;
      this.#taken++;
      if (outcome.ok || !this.#skipErrors) return outcome;
    }
  }

  clear(): void {
    this.#byIndex.clear();
    this.#ready = [];
    this.#head = 0;
  }

  #takeNext(): Outcome | undefined {
    const outcome = this.#byIndex.get(this.#taken);
    if (outcome !== undefined) this.#byIndex.delete(this.#taken);
    return outcome;
  }

  #shift(): Outcome | undefined {
    const outcome = this.#ready[this.#head];
    if (outcome === undefined) return undefined;
    if (++this.#head > fewTaken && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    return outcome;
  }
}
