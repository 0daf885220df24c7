import { TimeoutError } from '../errors.ts';
import { checkSignal, Waiter, type Waiting, type WaitingPlace } from '../waiting.ts';

export interface WaitersOptions {
  /** Somebody begins to wait while nobody did; nobody waits any more. */
  readonly busy: () => unknown;
  readonly idle: () => unknown;
  /** What is said when the time of one is over, such as `Nobody has come`. */
  readonly late: string;
}

/** Those who wait for the same, in their order, each with its own time limit. */
export class Waiters<W, T> {
  readonly #turns = new Set<Waiter<W, T>>();
  readonly #options: WaitersOptions;
  readonly #place: WaitingPlace<Waiter<W, T>> = {
    expire: (turn) => this.#expire(turn),
    remove: (turn) => this.#remove(turn),
  };

  constructor(options: WaitersOptions) {
    this.#options = options;
  }

  /** What the first one waits for. */
  get wanted(): W | undefined {
    for (const turn of this.#turns) return turn.wanted;
    return undefined;
  }

  get length(): number {
    return this.#turns.size;
  }

  async wait(wanted: W, { timeout, signal }: Waiting): Promise<T> {
    checkSignal(signal);
    const isNow = timeout !== undefined && timeout <= 0;
    const turn = new Waiter<W, T>(wanted, { timeout: isNow ? undefined : timeout, signal }, this.#place);
    if (this.#turns.size === 0) this.#options.busy();
    this.#turns.add(turn);
    if (isNow) this.#expire(turn);
    return turn.promise;
  }

  /** Takes out the first one, who is settled at once. */
  shift(): Waiter<W, T> {
    const [first] = this.#turns;
    this.#remove(first!);
    return first!;
  }

  #remove(turn: Waiter<W, T>): boolean {
    const waited = this.#turns.delete(turn);
    if (waited && this.#turns.size === 0) this.#options.idle();
    return waited;
  }

  #expire(turn: Waiter<W, T>): void {
    const end = (): void => {
      const limit = turn.timeout === undefined ? '' : ` within ${turn.timeout} ms`;
      if (this.#remove(turn)) turn.fail(new TimeoutError(`${this.#options.late}${limit}.`));
    };
    // What is there already is seen within one turn of the event loop, and the present one may be over its half.
    setImmediate(() => setImmediate(end));
  }
}
