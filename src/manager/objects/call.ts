import { AbortError, ArgumentRangeError, ArgumentTypeError } from '../../errors.ts';
import { Front } from './front.ts';
import type { Code } from './slot.ts';

/** What holds something for a client, and is to give it back when the client is gone. */
export interface Leased {
  abandonedBy(holder: Holder): void;
}

/** A client, as the shared objects see it. */
export interface Holder {
  readonly leases: Set<Leased>;
  /** It can hold nothing any more. */
  readonly isGone: boolean;
  /** What runs its functions; undefined when it may send none. */
  readonly code: Code | undefined;
}

/** One call of a client, which may have to wait. */
export class Call {
  readonly holder: Holder;
  #giveUp: ((error: Error) => void) | undefined;

  constructor(holder: Holder) {
    this.holder = holder;
  }

  get code(): Code | undefined {
    return this.holder.code;
  }

  /** What is to be done when the caller gives the call up or is gone; undefined: it does not wait any more. */
  set onGiveUp(giveUp: ((error: Error) => void) | undefined) {
    this.#giveUp = giveUp;
  }

  /** Ends its waiting. One that has what it waited for is not affected. */
  giveUp(error: Error): void {
    this.#giveUp?.(error);
  }
}

export function aborted(): AbortError {
  return new AbortError('The call was given up: its signal was aborted.');
}

interface Waiting<T> {
  readonly call: Call;
  readonly resolve: (value: T) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

/** Calls that wait in a line for something of type T. */
export class Line<T> {
  readonly #waiting = new Set<Waiting<T>>();
  readonly #front = new Front(this.#waiting);

  get length(): number {
    return this.#waiting.size;
  }

  /** Waits for a turn; `late` when it does not come within `timeoutMs`. Rejects when the call is given up. */
  wait(call: Call, timeoutMs: number | undefined, late: T): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting);
        clearTimeout(waiting.timer);
        call.onGiveUp = undefined;
      };
      const expire = (): void => {
        leave();
        resolve(late);
      };
      const waiting: Waiting<T> = {
        call,
        resolve: (value) => {
          leave();
          resolve(value);
        },
        timer: timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs),
      };
      call.onGiveUp = (error) => {
        leave();
        reject(error);
      };
      this.#waiting.add(waiting);
    });
  }

  /** The call whose turn is next. */
  get first(): Call | undefined {
    return this.#front.get()?.call;
  }

  /** Gives the first in line what it waits for. False when nobody waits. */
  next(value: T): boolean {
    const waiting = this.#front.get();
    waiting?.resolve(value);
    return waiting !== undefined;
  }

  all(value: T): void {
    this.each(() => value);
  }

  /** Gives all in line what they wait for, each by its place. */
  each(valueAt: (place: number) => T): void {
    for (const [place, { resolve }] of Array.from(this.#waiting).entries()) resolve(valueAt(place));
  }
}

const maxDelayMs = 2 ** 31 - 1;

/** A time to wait that came from outside; undefined: without end. */
export function checkDelay(timeoutMs: unknown): number | undefined {
  if (timeoutMs === undefined || timeoutMs === null || timeoutMs === Infinity) return undefined;
  if (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs))
    throw new ArgumentTypeError('Cannot use this timeout: expected milliseconds.');
  return Math.min(Math.max(0, timeoutMs), maxDelayMs);
}

export function checkWhole(what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(`Cannot use this ${what}: expected a number.`);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ArgumentRangeError(`Cannot use ${what} ${value}: expected a whole number from ${least} to ${most}.`);
  return value;
}

/** Things to go through, which came from outside as data. */
export function checkItems(what: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Set || value instanceof Map || typeof value === 'string') return Array.from<unknown>(value);
  if (ArrayBuffer.isView(value) && 'length' in value) return Array.from(value as Uint8Array);
  throw new ArgumentTypeError(`Cannot use this as ${what}: expected a list or a set.`);
}
