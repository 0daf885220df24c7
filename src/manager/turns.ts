import { managerTurnMs } from '../limits.ts';
import { monotonicMs } from '../monotonic.ts';

/** A look at the clock costs as much as a small record: there is one after so many of them, and after each when they take long. */
const mostPerLook = 4;
const longMs = 1;

/**
 * The event loop of a server, shared among its clients: those who come in one turn of it have some milliseconds together. Who has
 * more to say stands in line, and each turn the first of the line has as long for itself.
 */
export class Turns {
  readonly #line = new Set<() => void>();
  /** When the present ones have had their time, once somebody has asked. */
  #untilMs: number | undefined;
  #isScheduled = false;
  readonly #now: () => number;
  #lookedMs = 0;
  #perLook = 1;
  #records = 0;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  /** After each record: whether it is somebody else's turn. */
  isOverAfterRecord(): boolean {
    if (++this.#records < this.#perLook) return false;
    const before = this.#lookedMs;
    const isOver = this.isOver();
    this.#records = 0;
    this.#perLook = this.#lookedMs - before > longMs ? 1 : Math.min(mostPerLook, 2 * this.#perLook);
    return isOver;
  }

  /** Looks at the clock. */
  isOver(): boolean {
    const now = (this.#lookedMs = this.#now());
    if (this.#untilMs !== undefined) return now > this.#untilMs;
    this.#untilMs = now + managerTurnMs;
    setImmediate(() => (this.#untilMs = undefined));
    return false;
  }

  /** Calls back in a later turn. */
  wait(goOn: () => void): void {
    this.#line.add(goOn);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#serve);
  }

  /** It is not to be called back any more. */
  leave(goOn: () => void): void {
    this.#line.delete(goOn);
  }

  readonly #serve = (): void => {
    const [first] = this.#line;
    this.#untilMs = this.#now() + managerTurnMs;
    try {
      if (first !== undefined) this.#line.delete(first);
      first?.();
    } finally {
      this.#untilMs = undefined;
      this.#isScheduled = this.#line.size > 0;
      if (this.#isScheduled) setImmediate(this.#serve);
    }
  };
}
