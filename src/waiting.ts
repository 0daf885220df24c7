import { checkKeys, show } from './arguments.ts';
import { AbortError, ArgumentTypeError, QueueEmptyError, QueueFullError, TimeoutError } from './errors.ts';
import { longestTimerMs } from './limits.ts';

/** What an attempt gives when it has to wait. */
export const blocked: unique symbol = Symbol('blocked');
/** What a wait gives when its time is over. */
export const late: unique symbol = Symbol('late');

/** For how long to wait. */
export interface Waiting {
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const forever: Waiting = {};

/** What the options of a call say; not to wait is a `timeout` of 0. */
export function waitingOf(
  what: string,
  options: (Waiting & { readonly block?: boolean }) | undefined,
  known: readonly string[],
): Waiting {
  if (options === undefined) return forever;
  checkKeys(what, options, known);
  const { timeout, signal, block = true } = options;
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout)))
    throw new ArgumentTypeError(`Cannot use timeout ${show(timeout)}: expected milliseconds.`);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentTypeError(`Cannot use signal ${show(signal)}: expected an AbortSignal.`);
  return { timeout: block ? timeout && Math.max(0, timeout) : 0, signal };
}

/** Where somebody waits. */
export interface WaitingPlace<W> {
  /** Its time is over. */
  expire(waiter: W): void;
  /** It is given up. */
  remove(waiter: W): void;
}

/** One that waits without blocking its thread, until it is settled, or its signal is aborted. */
export class Waiter<W, R> {
  readonly wanted: W;
  readonly promise: Promise<R>;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  #resolve!: (value: R) => void;
  #reject!: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor(wanted: W, { timeout, signal }: Waiting, place: WaitingPlace<Waiter<W, R>>) {
    this.wanted = wanted;
    this.timeout = timeout;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (timeout !== undefined && timeout <= longestTimerMs) this.#timer = setTimeout(() => place.expire(this), timeout);
    if (signal === undefined) return;
    const abort = (): void => {
      place.remove(this);
      this.fail(aborted(signal));
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', abort);
  }

  settle(value: R): void {
    this.#end();
    this.#resolve(value);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#stopListening?.();
  }
}

/** @throws AbortError when it was aborted. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

function aborted(signal: AbortSignal): AbortError {
  return new AbortError('The wait was given up, as its signal was aborted.', { cause: signal.reason });
}

/** For how many milliseconds was waited in vain; 0: not at all. */
export function limitOf({ block, timeout }: { readonly block?: boolean; readonly timeout?: number } = {}): number {
  return block === false ? 0 : Math.max(0, timeout ?? 0);
}

/** What could not be acquired. */
export function notFree(what: string, limitMs: number): TimeoutError {
  return new TimeoutError(limitMs > 0 ? `${what} was not free within ${limitMs} ms.` : `${what} is not free.`);
}

/** @param maxSize - How many items there are; 0: as many as there is memory for. */
export function queueFull(maxSize: number, limitMs: number): QueueFullError {
  const held = maxSize > 0 ? `: it has ${maxSize} ${maxSize === 1 ? 'item' : 'items'}` : '';
  return new QueueFullError(
    `The queue is full${held}${limitMs > 0 ? `, and there was no room within ${limitMs} ms` : ''}.`,
  );
}

export function queueEmpty(limitMs: number): QueueEmptyError {
  return new QueueEmptyError(`The queue is empty${limitMs > 0 ? `: nothing came within ${limitMs} ms` : ''}.`);
}
