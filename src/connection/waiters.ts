import { AbortError, TimeoutError } from '../errors.ts';
import type { Waiting } from '../queues/gate.ts';

/** One that waits. */
export interface Turn<W, T> {
  readonly wanted: W;
  readonly settle: (value: T) => void;
  readonly fail: (error: Error) => void;
}

export interface WaitersOptions {
  /** Somebody begins to wait while nobody did; nobody waits any more. */
  readonly busy: () => unknown;
  readonly idle: () => unknown;
  /** What is said when the time of one is over. */
  readonly late: string;
}

/** Those who wait for the same, in their order, each with its own time limit. */
export class Waiters<W, T> {
  readonly #turns = new Set<Turn<W, T>>();
  readonly #options: WaitersOptions;

  constructor(options: WaitersOptions) {
    this.#options = options;
  }

  get first(): Turn<W, T> | undefined {
    for (const turn of this.#turns) return turn;
    return undefined;
  }

  wait(wanted: W, { timeout, signal }: Waiting): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(aborted(signal));
      let stop: (() => void) | undefined;
      const leave = (): void => {
        stop?.();
        signal?.removeEventListener('abort', abort);
        this.#turns.delete(turn);
        if (this.#turns.size === 0) this.#options.idle();
      };
      const turn: Turn<W, T> = {
        wanted,
        settle: (value) => {
          leave();
          resolve(value);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = (): void => turn.fail(aborted(signal!));
      signal?.addEventListener('abort', abort, { once: true });
      if (timeout !== undefined) stop = after(timeout, () => turn.fail(new TimeoutError(this.#options.late)));
      if (this.#turns.size === 0) this.#options.busy();
      this.#turns.add(turn);
    });
  }
}

function after(ms: number, then: () => void): () => void {
  if (ms > 0) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  }
  // What is there already is seen within one turn of the event loop, and the present one may be over its half.
  let second: NodeJS.Immediate | undefined;
  const first = setImmediate(() => (second = setImmediate(then)));
  return () => {
    clearImmediate(first);
    clearImmediate(second);
  };
}

function aborted(signal: AbortSignal): AbortError {
  return new AbortError('The wait was given up, as its signal was aborted.', { cause: signal.reason });
}
