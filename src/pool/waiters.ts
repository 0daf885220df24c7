import type { Outcome } from './outcome-buffer.ts';

export interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: Error) => void;
  timer?: NodeJS.Timeout;
}

/** Calls of `next` that wait for an outcome, first come, first served. */
export class Waiters {
  #waiting: Waiter[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  /** @returns What `next` returns, and the waiter for `isWaiting` and `after`. */
  add(): { readonly promise: Promise<IteratorResult<unknown, undefined>>; readonly waiter: Waiter } {
    let waiter!: Waiter;
    const promise = new Promise<IteratorResult<unknown, undefined>>((resolve, reject) => {
      waiter = { resolve, reject };
    });
    this.#waiting.push(waiter);
    return { promise, waiter };
  }

  isWaiting(waiter: Waiter): boolean {
    return this.#waiting.includes(waiter);
  }

  /** Calls back if it still waits then. */
  after(waiter: Waiter, ms: number, callback: () => void): void {
    waiter.timer = setTimeout(callback, ms);
  }

  /** Gives up on one. */
  reject(waiter: Waiter, error: Error): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    waiter.reject(error);
  }

  /** Hands an outcome to the first. */
  settleFirst(outcome: Outcome): void {
    const waiter = this.#waiting.shift()!;
    clearTimeout(waiter.timer);
    if (outcome.ok) waiter.resolve({ done: false, value: outcome.value });
    else waiter.reject(outcome.error);
  }

  /** Tells all that nothing more comes, the first one why. */
  end(error?: Error): void {
    for (const [i, waiter] of this.#waiting.splice(0).entries()) {
      clearTimeout(waiter.timer);
      if (i === 0 && error !== undefined) waiter.reject(error);
      else waiter.resolve({ done: true, value: undefined });
    }
  }
}
